//! Text from HTML: every document has one, it is not longer than it could be, and no markup is in it.

use connector_kit::text_from_html;

/// Derives the text of `data`.
pub fn run(data: &[u8]) {
    let html = String::from_utf8_lossy(data);
    let text = text_from_html(&html);
    assert!(text.len() <= 64 + 8 * html.len(), "{} octets of text from {} of HTML", text.len(), html.len());
    assert!(!text.contains(|char: char| char.is_control() && char != '\n' && char != '\t'), "no control characters");
    // The code survives before anything. It stands in the page itself, as styles may hide a paragraph.
    let marked = format!("{{{{code}}}}<p></p>{html}");
    assert!(text_from_html(&marked).contains("{{code}}"), "the code stands in front of it");
}
