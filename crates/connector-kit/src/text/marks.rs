//! Marks: what stands for the variables of a template while its HTML is parsed.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::Template;

/// Begin and end a mark; its number stands between. Noncharacters, so that the parser takes them for an ordinary part of
/// a word or an attribute's value, and no characters of their own can be meant.
const BEGIN: char = '\u{fdd0}';
const END: char = '\u{fdd1}';

/// How much longer than its path a variable may be to stay as it is written, braces included.
const LONGEST_SPACE: usize = 8;

/// The variables of a template, by the numbers of their marks.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// As first written, braces included, unless that is long: `{{a}}` may follow a thousand times.
    written: Vec<String>,
    /// The numbers of the characters of marks that stand in the HTML themselves.
    literals: HashMap<char, usize>,
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

    /// Text that holds no variable. Should the characters of marks be in it, also as references, marks stand for those, too.
    fn literal(&mut self, out: &mut String, text: &str) {
        let mut rest = text;
        while let Some(at) = rest.find([BEGIN, END, '&']) {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            match mark_character(rest) {
                Some((char, length)) => {
                    let number = *self.literals.entry(char).or_insert_with(|| {
                        self.written.push(char.to_string());
                        self.written.len() - 1
                    });
                    push_mark(out, number);
                    rest = &rest[length..];
                }
                // An `&` that begins no such reference.
                None => {
                    out.push('&');
                    rest = &rest[1..];
                }
            }
        }
        out.push_str(rest);
    }

    /// `text` with the variables back in place of their marks.
    pub(super) fn take(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut parts = text.split(BEGIN);
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (number, after) = part.split_once(END).unwrap_or(("", part));
            let written = number.parse().ok().and_then(|number: usize| self.written.get(number));
            out.push_str(written.map_or("", String::as_str));
            out.push_str(after);
        }
        out
    }

    /// Whether what begins with `first` begins with a variable.
    pub(super) fn begins_with(first: char) -> bool {
        first == BEGIN
    }

    /// How many characters of marks are in a text.
    pub(super) fn count(text: &str) -> usize {
        text.matches([BEGIN, END]).count()
    }
}

/// The character of marks that `text` begins with, as it is or as a numeric reference (HTML, 13.2.5.75), and how long that is.
fn mark_character(text: &str) -> Option<(char, usize)> {
    let of_marks = |char: &char| matches!(*char, BEGIN | END);
    if let Some(char) = text.chars().next().filter(of_marks) {
        return Some((char, char.len_utf8()));
    }
    let digits = text.strip_prefix("&#")?;
    let (digits, radix) = digits.strip_prefix(['x', 'X']).map_or((digits, 10), |digits| (digits, 16));
    let after = digits.trim_start_matches(|char: char| char.is_digit(radix));
    let digits = &digits[..digits.len() - after.len()];
    let char = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32).filter(of_marks)?;
    Some((char, text.len() - after.strip_prefix(';').unwrap_or(after).len()))
}

fn push_mark(out: &mut String, number: usize) {
    // Writing into a string does not fail.
    let _ = write!(out, "{BEGIN}{number}{END}");
}
