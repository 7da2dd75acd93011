//! Marks: what stands for the variables of a template while its HTML is parsed.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::Template;

/// Begins and ends a mark; its number stands between. A noncharacter, so that the parser takes it for an ordinary part of
/// a word or an attribute's value, and no character of its own can be meant.
const MARK: char = '\u{fdd0}';

/// How much longer than its path a variable may be to stay as it is written, braces included.
const LONGEST_SPACE: usize = 8;

/// The variables of a template, by the numbers of their marks.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// As first written, braces included, unless that is long: `{{a}}` may follow a thousand times.
    written: Vec<String>,
}

impl Marks {
    /// The source of `template` with marks in place of its variables.
    pub(super) fn put(template: &Template) -> (String, Self) {
        let source = template.source();
        let mut marks = Self::default();
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut out = String::with_capacity(source.len());
        let mut from = 0;
        for (at, path) in template.variables() {
            marks.literal(&mut out, &source[from..at.start]);
            from = at.end;
            let number = *numbers.entry(path).or_insert_with(|| {
                let written = &source[at.clone()];
                let is_plain = written.len() <= path.len() + LONGEST_SPACE && !written.contains(char::is_control);
                if is_plain { marks.add(written) } else { marks.add(&format!("{{{{{path}}}}}")) }
            });
            push_mark(&mut out, number);
        }
        marks.literal(&mut out, &source[from..]);
        (out, marks)
    }

    fn add(&mut self, written: &str) -> usize {
        self.written.push(written.to_owned());
        self.written.len() - 1
    }

    /// Text that holds no variable. Should the character of marks be in it, a mark stands for that, too.
    fn literal(&mut self, out: &mut String, text: &str) {
        let mut parts = text.split(MARK);
        out.push_str(parts.next().unwrap_or_default());
        let mut number = None;
        for part in parts {
            push_mark(out, *number.get_or_insert_with(|| self.add(MARK.encode_utf8(&mut [0; 4]))));
            out.push_str(part);
        }
    }

    /// `text` with the variables back in place of their marks.
    pub(super) fn take(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for (index, part) in text.split(MARK).enumerate() {
            match index % 2 {
                0 => out.push_str(part),
                _ => {
                    out.push_str(part.parse().ok().and_then(|number: usize| self.written.get(number)).map_or("", |w| w))
                }
            }
        }
        out
    }

    /// Whether what begins with `first` begins with a variable.
    pub(super) fn begins_with(first: char) -> bool {
        first == MARK
    }
}

fn push_mark(out: &mut String, number: usize) {
    // Writing into a string does not fail.
    let _ = write!(out, "{MARK}{number}{MARK}");
}
