//! Header fields: folding (RFC 5322, 2.2.3), and words that are not plain ASCII (RFC 2047).

use base64::{display::Base64Display, engine::general_purpose::STANDARD};
use unicode_segmentation::UnicodeSegmentation;

/// Longest line, without its end (RFC 5322, 2.1.1).
const LINE_MAX: usize = 998;
/// Where lines are folded; with an encoded word they may not be longer (RFC 2047, 2).
const LINE_WANTED: usize = 76;
/// Longest text of one encoded word, which is 75 characters long at most.
const ENCODED_MAX: usize = 45;
const ENCODED_BEGIN: &str = "=?utf-8?b?";
const ENCODED_END: &str = "?=";
/// Longest word that free text may have as it is; what is longer is encoded, and so parted.
const WORD_MAX: usize = 800;
/// Longest name and value of a custom header. Servers limit the whole header: Postfix to 100 KB, Gmail to 500 KB.
const NAME_MAX: usize = 76;
const VALUE_MAX: usize = 16 * 1024;

/// Headers that every message has from elsewhere; a second one would contradict it, or add recipients.
const OURS: [&str; 13] = [
    "from",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
];
/// Headers beside `List-…` (RFC 2369 and 2919) that programs read: addresses, ids, keywords.
const STRUCTURED: [&str; 9] = [
    "auto-submitted",
    "disposition-notification-to",
    "errors-to",
    "feedback-id",
    "in-reply-to",
    "precedence",
    "references",
    "return-path",
    "sender",
];

/// One custom header as it stands in a message, its line end included.
///
/// A link, an address or an id is never encoded, since a program is to read it.
///
/// # Errors
/// When the name is none, or is one of ours, or the value cannot be written.
pub(crate) fn custom(name: &str, value: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    if OURS.contains(&lower.as_str()) || lower.starts_with("resent-") {
        return Err("cannot be set here: the connector writes it, or it would change where the message goes".to_owned());
    }
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') {
        return Err("is not a header name: letters, digits and hyphens".to_owned());
    }
    if name.len() > NAME_MAX {
        return Err(format!("is longer than the {NAME_MAX} characters that a header name may have here"));
    }
    if value.chars().any(|char| char.is_control() && char != '\t') {
        return Err("cannot hold line breaks or other control characters".to_owned());
    }
    if value.len() > VALUE_MAX {
        return Err(format!("is longer than the {VALUE_MAX} octets that a header may have here"));
    }
    let value = value.replace('\t', " ");
    let value = value.trim_matches(' ');
    let is_structured = lower.starts_with("list-") || STRUCTURED.contains(&lower.as_str());
    let words = || value.split(' ');
    if is_structured && words().any(|word| !word.is_ascii() && word.contains(['<', '>', '@', ':'])) {
        return Err(
            "cannot have characters beyond ASCII in an address or a link: write those in punycode, or percent-encoded"
                .to_owned(),
        );
    }
    let room = LINE_MAX - name.len() - 2;
    let is_for_programs = |word: &str| is_structured || word.contains(['<', '@']) || word.contains("://");
    if words().any(|word| word.is_ascii() && word.len() > room && is_for_programs(word) && !word.contains(',')) {
        return Err(too_long());
    }
    let as_it_is = |word: &str| word.is_ascii() && word.len() <= room && !is_encoded_word(word);
    let mut writer = Writer::after(name);
    if is_structured && value.is_ascii() {
        for (gap, word) in words_of(value) {
            let parts = if word.len() > room { after_commas(word) } else { vec![word] };
            for (number, part) in parts.into_iter().enumerate() {
                writer.plain(if number == 0 { gap } else { " " }, part);
            }
        }
    } else if words().all(as_it_is) {
        words_of(value).for_each(|(gap, word)| writer.plain(gap, word));
    } else {
        writer.free_text(value);
    }
    let field = format!("{name}: {}\r\n", writer.out);
    match field.split("\r\n").all(|line| line.len() <= LINE_MAX) {
        true => Ok(field),
        false => Err(too_long()),
    }
}

/// Whether a reader would decode `word`: `=?charset?encoding?text?=` (RFC 2047, 2). A link may well hold `=?`.
fn is_encoded_word(word: &str) -> bool {
    let mut inside = word.match_indices("=?").map(|(at, _)| word[at + 2..].splitn(3, '?'));
    inside.any(|mut parts| {
        let charset = parts.next().is_some_and(|charset| !charset.is_empty());
        charset
            && parts.next().is_some_and(|encoding| encoding.len() == 1)
            && parts.next().is_some_and(|text| text.contains("?="))
    })
}

fn too_long() -> String {
    format!(
        "holds a part without blanks that is longer than a line of mail may be: {LINE_MAX} octets, with the header's name"
    )
}

/// The value of a header of free text, such as Subject. A word that is not plain ASCII is encoded, and so is one that is too
/// long for a line, and one that a reader would decode though nobody has encoded it.
pub(crate) fn free_text(name: &str, value: &str) -> String {
    let mut writer = Writer::after(name);
    writer.free_text(value);
    writer.out
}

struct Writer {
    out: String,
    /// Of the line that is being written.
    length: usize,
}

impl Writer {
    fn after(name: &str) -> Self {
        Self { out: String::new(), length: name.len() + 2 }
    }

    /// Writes `word` after `gap`, on a line of its own where it would be too long for this one.
    fn plain(&mut self, gap: &str, word: &str) {
        if !gap.is_empty() && self.length + gap.len() + word.len() > LINE_WANTED {
            self.fold();
        }
        self.out.extend([gap, word]);
        self.length += gap.len() + word.len();
    }

    fn fold(&mut self) {
        self.out.push_str("\r\n");
        self.length = 0;
    }

    fn free_text(&mut self, value: &str) {
        for (gap, part) in parts(value) {
            match part {
                Part::Plain(word) => self.plain(gap, word),
                Part::Encoded(text) => self.encoded(gap, text),
            }
        }
    }

    /// Writes `text` as encoded words after `gap`. White space between two of them is dropped by readers (RFC 2047, 6.2).
    fn encoded(&mut self, mut gap: &str, mut text: &str) {
        while !text.is_empty() {
            let taken = self.length + gap.len() + ENCODED_BEGIN.len() + ENCODED_END.len();
            let room = (LINE_WANTED.saturating_sub(taken) / 4 * 3).min(ENCODED_MAX);
            let mut word = beginning(text, room);
            if word.is_empty() || (!is_whole(text, word) && room < ENCODED_MAX) {
                self.fold();
                gap = " ";
                word = beginning(text, ENCODED_MAX);
            }
            let encoded = Base64Display::new(word.as_bytes(), &STANDARD);
            let encoded = format!("{gap}{ENCODED_BEGIN}{encoded}{ENCODED_END}");
            self.out.push_str(&encoded);
            self.length += encoded.len();
            text = &text[word.len()..];
            gap = " ";
        }
    }
}

/// The beginning of `text` in at most `most` bytes: whole characters as a reader sees them, unless one of them is longer.
fn beginning(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let boundary =
        |most: usize| (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    // One character more shows whether the last one has an end.
    let graphemes = text[..boundary(most + 4)].grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len());
    let whole = graphemes.take_while(|end| *end <= most).last();
    &text[..whole.unwrap_or_else(|| boundary(most))]
}

/// Whether `word`, with which `text` begins, ends where a character ends for a reader.
fn is_whole(text: &str, word: &str) -> bool {
    let more = text[word.len()..].chars().next();
    let end = word.len() + more.map_or(0, char::len_utf8);
    text[..end].grapheme_indices(true).next_back().is_none_or(|(at, _)| at == word.len() || end == word.len())
}

enum Part<'v> {
    /// One word, as it is.
    Plain(&'v str),
    /// Words and the blanks between them, to be encoded.
    Encoded(&'v str),
}

/// The words of `value`, each with the blanks before it; blanks at the end are dropped.
fn words_of(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let begin = rest.find(|char| !is_blank(char))?;
        let (gap, words) = rest.split_at(begin);
        let (word, more) = words.split_at(words.find(is_blank).unwrap_or(words.len()));
        rest = more;
        Some((gap, word))
    })
}

fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t')
}

/// Takes free text apart. Blanks are kept by readers between two plain words, and one space between a plain and an encoded
/// word; all others go inside an encoded word.
fn parts(value: &str) -> Vec<(&str, Part<'_>)> {
    // Where each word begins and ends, and whether it is to be encoded.
    let mut words: Vec<(usize, usize, bool)> = Vec::new();
    let mut at = 0;
    for (gap, word) in words_of(value) {
        let begin = at + gap.len();
        at = begin + word.len();
        let as_it_is =
            word.bytes().all(|byte| byte.is_ascii_graphic()) && word.len() <= WORD_MAX && !word.contains("=?");
        words.push((begin, at, !as_it_is));
    }
    let (Some(first), Some(last)) = (words.first(), words.last()) else {
        return if value.is_empty() { Vec::new() } else { vec![("", Part::Encoded(value))] };
    };
    let (leads, trails) = (first.0 > 0, last.1 < value.len());
    if let Some(first) = words.first_mut() {
        first.2 |= leads;
        first.0 = 0;
    }
    if let Some(last) = words.last_mut() {
        last.2 |= trails;
        last.1 = value.len();
    }
    // A tab encodes its neighbours, and an encoded word the neighbour that is not exactly one space away, and so on.
    let spread = |words: &mut [(usize, usize, bool)], before: usize, after: usize| {
        let gap = &value[words[before].1..words[after].0];
        if gap.contains('\t') || (gap != " " && (words[before].2 || words[after].2)) {
            (words[before].2, words[after].2) = (true, true);
        }
    };
    for after in 1..words.len() {
        spread(&mut words, after - 1, after);
    }
    for after in (1..words.len()).rev() {
        spread(&mut words, after - 1, after);
    }
    let mut parts = Vec::new();
    let mut end = 0;
    for run in words.chunk_by(|before, after| before.2 && after.2) {
        let (Some((begin, _, is_encoded)), Some((_, until, _))) = (run.first(), run.last()) else { continue };
        let text = &value[*begin..*until];
        let part = if *is_encoded { Part::Encoded(text) } else { Part::Plain(text) };
        parts.push((&value[end..*begin], part));
        end = *until;
    }
    parts
}

/// A list's items, each with the comma after it: white space may stand there (RFC 2369, 2). A comma inside `<…>` is of a link.
fn after_commas(word: &str) -> Vec<&str> {
    let mut inside = false;
    let parts = word.split_inclusive(|char| {
        inside = match char {
            '<' => true,
            '>' => false,
            _ => inside,
        };
        char == ',' && !inside
    });
    parts.collect()
}
