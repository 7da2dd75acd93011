//! The mails of `tests/mails/`, and how their text is compared with what a browser shows of them.
//!
//! The end-to-end tests compile this file, too: there, the browser is asked again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use connector_kit::{CompiledTemplate, ContentType};
use serde_json::{Value, json};

/// The code in every mail.
const CODE: &str = "493817";

/// What `innerText` has and our text leaves out, since no reader sees it: text without size.
const UNSEEN: [(&str, &str); 1] = [("no-size", "squeezed away tiny nil")];

/// A mail, rendered.
#[allow(dead_code, reason = "only the end-to-end tests have a browser")]
pub struct Mail {
    pub html: String,
    pub text: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(super::MAILS)
}

/// The mails by the names of their files, all with the same values.
pub fn mails() -> BTreeMap<String, Mail> {
    let digits: Vec<String> = CODE.chars().map(String::from).collect();
    let payload = json!({
        "base": "https://app.example",
        "code": CODE,
        "digits": digits,
        "link": "https://app.example/v?t=1&lang=de",
        "name": "Ann Lee",
    });
    let mut mails = BTreeMap::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|end| end == "html") {
            let source = fs::read_to_string(&file).unwrap();
            let template = CompiledTemplate::new("", source, ContentType::Html);
            let mail = template.render(payload.as_object().unwrap()).unwrap();
            let name = file.file_stem().unwrap().to_string_lossy().into_owned();
            mails.insert(name, Mail { html: mail.html.unwrap(), text: mail.text });
        }
    }
    mails
}

/// What a browser showed of the mails: its version, and for each mail `innerText`, the targets of links and the
/// descriptions of pictures.
pub fn recorded() -> Value {
    serde_json::from_str(&fs::read_to_string(folder().join("chromium.json")).unwrap()).unwrap()
}

/// Records what a browser shows of the mails.
#[allow(dead_code, reason = "only the end-to-end tests have a browser")]
pub fn record(shown: &Value) {
    fs::write(folder().join("chromium.json"), format!("{shown:#}\n")).unwrap();
}

/// Says where the words of our text differ from those that the browser shows, apart from what differs by design:
///
/// - targets of links and descriptions of pictures are in ours alone;
/// - [`UNSEEN`] is in the browser's alone;
/// - `text-transform` is not applied, so case does not count;
/// - soft hyphens and invisible padding are left out.
pub fn difference(name: &str, ours: &str, shown: &Value) -> Option<String> {
    let list = |key: &str| shown[key].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut theirs = words(shown["text"].as_str().unwrap());
    for word in UNSEEN.iter().filter(|(mail, _)| *mail == name).flat_map(|(_, words)| words.split(' ')) {
        let at = theirs.iter().position(|known| known == word).unwrap();
        theirs.remove(at);
    }
    let targets: Vec<String> = list("links").map(target).collect();
    let ours = targets.iter().fold(ours.to_owned(), |ours, target| ours.replace(&format!(" ({target})"), ""));
    let extra: Vec<String> = list("alts").chain(targets.iter().map(String::as_str)).flat_map(words).collect();

    let mut theirs = theirs.into_iter().peekable();
    for word in words(&ours) {
        if theirs.next_if_eq(&word).is_none() && !extra.contains(&word) {
            return Some(format!("{name}: ours has {word:?} where the browser shows {:?}", theirs.peek()));
        }
    }
    theirs.next().map(|word| format!("{name}: the browser shows {word:?} where ours ends"))
}

/// Says so unless the code is a word on its own in a text.
pub fn lacks_code(name: &str, text: &str) -> Option<String> {
    let stands_alone = |word: &str| word.trim_matches(|char: char| !char.is_alphanumeric()) == CODE;
    (!text.split_whitespace().any(stands_alone)).then(|| format!("{name}: the code does not stand alone"))
}

/// The words of a text in lower case, without what nobody sees.
fn words(text: &str) -> Vec<String> {
    let padding = |char: char| matches!(char, '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}');
    let only_joins = |char: char| matches!(char, '\u{34f}' | '\u{200c}'..='\u{200f}');
    let visible: String = text.chars().filter(|char| !padding(*char)).collect();
    visible.split_whitespace().filter(|word| !word.chars().all(only_joins)).map(str::to_lowercase).collect()
}

/// How a link's target is written.
fn target(link: &str) -> String {
    let link = link.trim().replace(['\n', '\t'], "").replace(' ', "%20");
    match link.strip_prefix("mailto:").or_else(|| link.strip_prefix("tel:")) {
        Some(address) => address.split('?').next().unwrap_or_default().to_owned(),
        None => link,
    }
}
