//! The forms in which a request may carry a value.

use serde_json::Value;
use url::form_urlencoded;

use super::{PIECE, VALUE_MIN, on_one_line, start};
use crate::{Escape, template::write_text};

/// A part of a short text that is the same in every form, in lower case: where that is not, none of the forms is.
pub(super) fn unchanging(text: &str) -> Option<String> {
    let mut parts = text.split(|char: char| !char.is_ascii_alphanumeric());
    let part = parts.find(|part| part.len() >= VALUE_MIN).filter(|_| text.len() <= PIECE)?;
    Some(part.to_ascii_lowercase())
}

/// Calls `take` with `text` in every form in which a request may carry it, in lower case and on one line. A form that is
/// longer than a piece comes as pieces, each with what follows it.
pub(super) fn pieces(text: &str, mut take: impl FnMut(&str, Option<&str>)) {
    let mut cut = |form: &str| {
        let form = on_one_line(form).to_ascii_lowercase();
        if form.len() <= PIECE {
            return take(&form, None);
        }
        let mut rest = form.as_str();
        while rest.len() > PIECE {
            let piece = start(rest, PIECE);
            rest = &rest[piece.len()..];
            take(piece, Some(start(rest, PIECE)));
        }
        // As long as the others, so that no scrap of a long text counts as a piece.
        take(&form[start(&form, form.len() - PIECE).len()..], Some(""));
    };
    cut(text);
    // Most values look the same in every form.
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        return;
    }
    let mut html = String::new();
    write_text(&mut html, text, Escape::Html);
    if html != text {
        cut(&html);
    }
    for text in [text, &html] {
        let json = Value::from(text).to_string();
        let json = &json[1..json.len() - 1];
        if json != text {
            cut(json);
        }
        let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
        cut(&form);
        cut(&form.replace('+', "%20"));
        if html.len() == text.len() {
            return;
        }
    }
}
