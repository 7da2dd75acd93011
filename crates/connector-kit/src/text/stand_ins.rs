//! Stand-ins: what the tree builder sees in place of a mail's contents.
//!
//! html5ever logs each token at debug level, and a template may hold what no log should. Its rules depend on the names of
//! elements that it knows and on whether a text is blank, so numbers do for the rest.

use std::collections::HashMap;

use html5ever::LocalName;

use super::element;

/// The texts and unknown names behind their stand-ins.
#[derive(Debug, Default)]
pub(super) struct StandIns {
    texts: Vec<String>,
    names: HashMap<String, usize>,
}

impl StandIns {
    /// A text for the tree builder: the blanks that it begins with, and a number for the rest.
    pub(super) fn text(&mut self, text: &str) -> String {
        let rest = text.trim_start_matches(|char: char| char.is_ascii_whitespace());
        let blanks = &text[..text.len() - rest.len()];
        if rest.is_empty() {
            return blanks.to_owned();
        }
        self.texts.push(rest.to_owned());
        format!("{blanks}{};", self.texts.len() - 1)
    }

    /// An element's name for the tree builder, and whether it is its own.
    pub(super) fn name(&mut self, name: &str) -> (LocalName, bool) {
        if element::is_known(name) {
            return (LocalName::from(name), true);
        }
        let next = self.names.len();
        let number = *self.names.entry(name.to_owned()).or_insert(next);
        (LocalName::from(format!("unknown-{number}")), false)
    }

    /// A text of the tree, with the texts in place of their stand-ins.
    pub(super) fn take(&self, text: &str) -> String {
        let mut out = String::new();
        for part in text.split_inclusive(';') {
            // Blanks before a number, and what the tree builder puts in for null characters, stay.
            let start = part.find(|char: char| char.is_ascii_digit()).unwrap_or(part.len());
            let number = part[start..].strip_suffix(';').and_then(|number| number.parse::<usize>().ok());
            out.push_str(&part[..start]);
            out.push_str(number.and_then(|number| self.texts.get(number)).map_or(&part[start..], String::as_str));
        }
        out
    }
}
