//! The ways in which a text may be read, each with the place of every character in the text itself.

use std::ops::Range;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData,
    props::{GeneralCategory, GeneralCategoryGroup},
};

use super::escapes;

/// A text made from another one, in which each character knows where it comes from.
#[derive(Default)]
pub(super) struct Reading {
    text: String,
    /// For each byte of `text`, where that comes from begins.
    starts: Vec<usize>,
    /// And where it ends.
    ends: Vec<usize>,
}

/// `text` as it is, and with its escapes undone in each way that may be meant.
pub(super) fn readings(text: &str) -> Vec<Reading> {
    let mut readings = vec![Reading::of(text)];
    if escapes::may_be_in(text) {
        readings.push(escapes::undone(text, false));
    }
    if escapes::may_be_quoted_printable(text) {
        readings.push(escapes::undone(text, true));
    }
    readings
}

impl Reading {
    fn of(text: &str) -> Self {
        let mut reading = Self::default();
        text.char_indices().for_each(|(at, char)| reading.push(char, at..at + char.len_utf8()));
        reading
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where in the original text that comes from which stands `at` in this one. It is not empty.
    pub(super) fn origin(&self, at: &Range<usize>) -> Range<usize> {
        self.starts[at.start]..self.ends[at.end - 1]
    }

    pub(super) fn push(&mut self, char: char, origin: Range<usize>) {
        self.text.push(char);
        self.starts.resize(self.text.len(), origin.start);
        self.ends.resize(self.text.len(), origin.end);
    }

    /// Puts `char` in the place of the last `length` bytes. Without one, they become part of what stands before them.
    pub(super) fn replace_end(&mut self, length: usize, char: Option<char>) {
        let begin = self.text.len() - length;
        let origin = self.origin(&(begin..self.text.len()));
        self.text.truncate(begin);
        self.starts.truncate(begin);
        self.ends.truncate(begin);
        match (char, self.ends.last_mut()) {
            (Some(char), _) => self.push(char, origin),
            (None, Some(end)) => *end = origin.end,
            (None, None) => {}
        }
    }

    /// The same in the form in which texts are compared: in lower case, in NFC, each blank one space, on one line. A `+`
    /// counts as blank, because it is a space in a form.
    pub(super) fn folded(&self) -> Self {
        let mut folded = Self::default();
        for (at, char) in self.text.char_indices() {
            let origin = self.origin(&(at..at + char.len_utf8()));
            if char == '+' || is_blank(char) {
                match folded.ends.last_mut().filter(|_| folded.text.ends_with(' ')) {
                    Some(end) => *end = origin.end,
                    None => folded.push(' ', origin),
                }
            } else if char.is_ascii() {
                folded.push(char.to_ascii_lowercase(), origin);
            } else {
                // By way of upper case, so that ς and σ are one letter.
                for char in char.to_uppercase().flat_map(char::to_lowercase) {
                    folded.push(char, origin.clone());
                }
            }
        }
        folded.composed()
    }

    fn composed(self) -> Self {
        let nfc = ComposingNormalizerBorrowed::new_nfc();
        if nfc.is_normalized(&self.text) {
            return self;
        }
        let mut composed = Self::default();
        let mut begin = 0;
        let mut chars = self.text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let end = at + char.len_utf8();
            if chars.peek().is_some_and(|(_, next)| joins(*next)) {
                continue;
            }
            let origin = self.origin(&(begin..end));
            nfc.normalize(&self.text[begin..end]).chars().for_each(|char| composed.push(char, origin.clone()));
            begin = end;
        }
        composed
    }
}

/// Whether a character may become one with that before it: a mark, or a part of a syllable of Hangul.
fn joins(char: char) -> bool {
    let is_mark = || GeneralCategoryGroup::Mark.contains(CodePointMapData::<GeneralCategory>::new().get(char));
    !char.is_ascii() && (is_mark() || matches!(char, '\u{1160}'..='\u{11ff}'))
}

pub(super) fn is_blank(char: char) -> bool {
    char.is_control() || char.is_whitespace()
}
