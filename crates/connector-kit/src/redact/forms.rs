//! The forms in which what is hidden is searched for.

use super::{PIECE, VALUE_MIN, reading::readings, start};

/// `text` in each way in which it may be read, as texts are compared.
pub(super) fn forms(text: &str) -> Vec<String> {
    let mut forms: Vec<String> = Vec::new();
    for reading in readings(text) {
        let folded = reading.folded();
        let mut form = folded.text().trim_matches(' ');
        if !forms.is_empty() {
            // Half an escape, which may be whole with what stands behind it.
            form = form.trim_end_matches('\\');
        }
        if form.chars().nth(VALUE_MIN - 1).is_some() && !forms.iter().any(|known| known == form) {
            forms.push(form.to_owned());
        }
    }
    forms
}

/// Calls `take` with a form, or with its pieces where it is longer than one, each with what follows it.
pub(super) fn pieces(form: &str, mut take: impl FnMut(&str, Option<&str>)) {
    if form.len() <= PIECE {
        return take(form, None);
    }
    let mut rest = form;
    while rest.len() > PIECE {
        let piece = start(rest, PIECE);
        rest = &rest[piece.len()..];
        take(piece, Some(start(rest, PIECE)));
    }
    // As long as the others, so that no scrap of a long text counts as a piece.
    take(&form[start(form, form.len() - PIECE).len()..], Some(""));
}
