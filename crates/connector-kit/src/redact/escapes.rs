//! Escapes of JSON, HTML, URLs and quoted-printable, undone with a record of where each character stood.

use html5ever::data::NAMED_ENTITIES;

use super::reading::{Reading, is_blank};

/// Longest character reference of HTML that is read: longer than any name, with room for leading zeros.
const REFERENCE_MAX: usize = 40;

/// `text` without escapes, escapes of escapes included. With `quoted_printable` that of mail is undone as well; it is one
/// of its own, because `=73` is also how a code follows its name.
///
/// An escape is undone as soon as its last character is there, and what it stands for may complete another. So the work is
/// linear, however often something was escaped.
pub(super) fn undone(text: &str, quoted_printable: bool) -> Reading {
    let mut reading = Reading::default();
    for (at, char) in text.char_indices() {
        reading.push(char, at..at + char.len_utf8());
        while let Some(escape) = escape_at_end(reading.text().as_bytes(), quoted_printable) {
            reading.replace_end(escape.length, escape.stands_for);
        }
    }
    reading
}

/// Whether anything in `text` may be an escape.
pub(super) fn may_be_in(text: &str) -> bool {
    text.contains(['\\', '&', '%'])
}

/// Whether anything in `text` may be an escape of quoted-printable.
pub(super) fn may_be_quoted_printable(text: &str) -> bool {
    text.as_bytes().windows(3).any(|bytes| matches!(bytes, [b'=', b' ', _]) || byte_at_end(bytes, true).is_some())
}

/// An escape at the end of a text.
struct Escape {
    /// In bytes. All of them are ASCII.
    length: usize,
    /// None for a line break that quoted-printable adds.
    stands_for: Option<char>,
}

fn escape_at_end(text: &[u8], quoted_printable: bool) -> Option<Escape> {
    let (length, stands_for) = match text {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f'] => (2, ' '),
        [.., b'\\', last @ (b'\\' | b'/' | b'"' | b'\'')] => (2, char::from(*last)),
        [.., b'=', b' '] if quoted_printable => return Some(Escape { length: 2, stands_for: None }),
        [.., b';'] => reference_at_end(text)?,
        [.., b'}'] => braced_at_end(text)?,
        [.., last] if last.is_ascii_hexdigit() => utf16_at_end(text).or_else(|| utf8_at_end(text, quoted_printable))?,
        _ => return None,
    };
    Some(Escape { length, stands_for: Some(if is_blank(stands_for) { ' ' } else { stands_for }) })
}

/// A character reference of HTML: `&amp;`, `&#39;`, `&#x27;`.
fn reference_at_end(text: &[u8]) -> Option<(usize, char)> {
    let text = &text[text.len().saturating_sub(REFERENCE_MAX)..];
    let begin = text.iter().rposition(|byte| *byte == b'&')?;
    let reference = std::str::from_utf8(&text[begin + 1..]).ok()?;
    let code = match reference.strip_prefix('#').map(|number| number.trim_end_matches(';')) {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        },
        None => NAMED_ENTITIES.get(reference).filter(|(_, second)| *second == 0)?.0,
    };
    Some((text.len() - begin, char::from_u32(code)?))
}

/// `\u{e9}`, as JavaScript, PHP and Rust write it.
fn braced_at_end(text: &[u8]) -> Option<(usize, char)> {
    let text = &text[text.len().saturating_sub("\\u{10ffff}".len())..];
    let begin = text.windows(3).rposition(|bytes| bytes == b"\\u{")?;
    let code = hex(&text[begin + 3..text.len() - 1])?;
    Some((text.len() - begin, char::from_u32(code)?))
}

/// `\u00e9` or `%u00e9`, or two of them that are one character.
fn utf16_at_end(text: &[u8]) -> Option<(usize, char)> {
    const LENGTH: usize = 6;
    let unit_at_end = |text: &[u8]| match text.last_chunk::<LENGTH>()? {
        [b'\\' | b'%', b'u', digits @ ..] => u16::try_from(hex(digits)?).ok(),
        _ => None,
    };
    let last = unit_at_end(text)?;
    if let Some(char) = char::from_u32(u32::from(last)) {
        return Some((LENGTH, char));
    }
    let first = unit_at_end(&text[..text.len() - LENGTH])?;
    let char = char::decode_utf16([first, last]).next()?.ok()?;
    Some((2 * LENGTH, char))
}

/// `%C3%A9`, `\xc3\xa9` or `=C3=A9`: as many bytes of UTF-8 as are one character.
fn utf8_at_end(text: &[u8], quoted_printable: bool) -> Option<(usize, char)> {
    let mut bytes = [0; 4];
    let mut length = 0;
    for begin in (0..bytes.len()).rev() {
        let (byte, escape) = byte_at_end(&text[..text.len() - length], quoted_printable)?;
        bytes[begin] = byte;
        length += escape;
        if let Ok(char) = std::str::from_utf8(&bytes[begin..]) {
            return Some((length, char.chars().next()?));
        }
    }
    None
}

fn byte_at_end(text: &[u8], quoted_printable: bool) -> Option<(u8, usize)> {
    let (length, digits) = match text {
        [.., b'%', high, low] => (3, [*high, *low]),
        [.., b'=', high, low] if quoted_printable => (3, [*high, *low]),
        [.., b'\\', b'x', high, low] => (4, [*high, *low]),
        _ => return None,
    };
    Some((u8::try_from(hex(&digits)?).ok()?, length))
}

fn hex(digits: &[u8]) -> Option<u32> {
    let are_digits = digits.iter().all(u8::is_ascii_hexdigit);
    u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| are_digits)?, 16).ok()
}
