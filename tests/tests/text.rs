//! The text alternative of mail beside what a real browser shows of it.

use std::collections::BTreeMap;

use serde_json::Value;

#[path = "../../crates/connector-kit/tests/kit/text/mails.rs"]
mod mails;

/// Where the mails are, from this package.
const MAILS: &str = "../crates/connector-kit/tests/mails";

/// With `UPDATE_RECORD` set, the record is written anew: after a mail was added, or for another browser.
#[test]
fn a_browser_shows_the_words_that_our_text_has() {
    let mails = mails::mails();
    let pages: BTreeMap<String, String> = mails.iter().map(|(name, mail)| (name.clone(), mail.html.clone())).collect();
    let shown = e2e::inner_texts(&pages).unwrap_or_else(|error| panic!("{error:#}"));
    if std::env::var_os("UPDATE_RECORD").is_some() {
        mails::record(&shown);
    }
    let recorded = mails::recorded();
    let faults: Vec<String> = mails
        .iter()
        .flat_map(|(name, mail)| {
            let (now, then): (&Value, &Value) = (&shown["mails"][name], &recorded["mails"][name]);
            let other = (now != then).then(|| format!("{name}: this browser shows {now}, the recorded one {then}"));
            [mails::difference(name, &mail.text, now), mails::lacks_code(name, &mail.text), other]
        })
        .flatten()
        .collect();
    assert!(faults.is_empty(), "{}\n{}", shown["browser"], faults.join("\n"));
}
