//! What an element is shown as where no style says otherwise (HTML, section 15.3).

use super::style::{Display, WhiteSpace};
use super::tree::Language;

/// Whether it has no contents, and no end tag.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "img"
            | "image"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Whether what is in it is text, whatever it looks like.
pub(super) fn is_raw(name: &str) -> bool {
    matches!(name, "iframe" | "noembed" | "noframes" | "plaintext" | "script" | "style" | "textarea" | "title" | "xmp")
}

/// How a browser shows an element of HTML.
pub(super) fn display(name: &str) -> Display {
    match name {
        "address" | "article" | "aside" | "blockquote" | "body" | "caption" | "center" | "dd" | "details"
        | "dialog" | "dir" | "div" | "dl" | "dt" | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "h1"
        | "h2" | "h3" | "h4" | "h5" | "h6" | "header" | "hgroup" | "hr" | "html" | "legend" | "li" | "listing"
        | "main" | "menu" | "nav" | "ol" | "optgroup" | "option" | "p" | "plaintext" | "pre" | "search" | "section"
        | "select" | "summary" | "ul" | "xmp" => Display::Block,
        "table" | "tbody" | "tfoot" | "thead" | "tr" => Display::Table,
        "td" | "th" => Display::Cell,
        "button" | "marquee" => Display::InlineBlock,
        "audio" | "base" | "col" | "colgroup" | "datalist" | "head" | "iframe" | "link" | "meta" | "meter"
        | "noembed" | "noframes" | "param" | "progress" | "rp" | "script" | "source" | "style" | "template"
        | "textarea" | "title" | "track" | "video" => Display::None,
        _ => Display::Inline,
    }
}

/// How a browser shows an element of any language.
pub(super) fn display_in(language: Language, name: &str) -> Display {
    match (language, name) {
        (Language::Html, name) => display(name),
        (Language::Svg, "text") => Display::Block,
        (Language::Svg, "defs" | "desc" | "metadata" | "script" | "style" | "symbol" | "title") => Display::None,
        (Language::MathMl, "annotation" | "annotation-xml") => Display::None,
        (Language::MathMl, "mi" | "mn" | "mo" | "ms" | "mtext") => Display::Block,
        (Language::Svg | Language::MathMl, _) => Display::Inline,
    }
}

/// What an element does to blanks.
pub(super) fn white_space(name: &str) -> Option<WhiteSpace> {
    matches!(name, "listing" | "plaintext" | "pre" | "xmp").then_some(WhiteSpace::Preserve)
}

/// Whether no style brings it to light: there is nothing in it for readers.
pub(super) fn is_never_shown(name: &str) -> bool {
    matches!(
        name,
        "audio"
            | "head"
            | "iframe"
            | "meter"
            | "progress"
            | "script"
            | "style"
            | "template"
            | "textarea"
            | "title"
            | "video"
    )
}

/// Whether browsers make it no smaller than what is in it, whatever size a style sets (HTML, 15.3.13 and 15.5).
pub(super) fn is_as_large_as_its_contents(name: &str) -> bool {
    matches!(name, "button" | "fieldset" | "legend")
}

/// Whether text that stands directly in an element is shown, where that is not as around it: pictures and formulas show
/// only what is in certain elements, and a list of choices only the choices.
pub(super) fn shows_text(language: Language, name: &str) -> Option<bool> {
    match (language, name) {
        (Language::Html, "select") | (Language::Svg, "svg") | (Language::MathMl, "math") => Some(false),
        (Language::Html, "option")
        | (Language::Svg, "text" | "foreignObject")
        | (Language::MathMl, "mi" | "mn" | "mo" | "ms" | "mtext") => Some(true),
        _ => None,
    }
}

/// Whether a standard knows an element of that name.
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.binary_search(&name).is_ok()
}

/// In the order of bytes.
#[rustfmt::skip]
const KNOWN: [&str; 172] = [
    "a", "abbr", "acronym", "address", "altglyph", "annotation", "annotation-xml", "applet", "area", "article",
    "aside", "audio", "b", "base", "basefont", "bdi", "bdo", "bgsound", "big", "blink", "blockquote", "body", "br",
    "button", "canvas", "caption", "center", "cite", "clippath", "code", "col", "colgroup", "command", "content",
    "data", "datalist", "dd", "defs", "del", "desc", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em",
    "embed", "fieldset", "figcaption", "figure", "font", "footer", "foreignobject", "form", "frame", "frameset", "g",
    "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr", "html", "i", "iframe", "image", "img",
    "input", "ins", "isindex", "kbd", "keygen", "label", "legend", "li", "link", "listing", "main", "malignmark",
    "map", "mark", "marquee", "math", "menu", "menuitem", "meta", "metadata", "meter", "mfrac", "mglyph", "mi", "mn",
    "mo", "mrow", "ms", "msqrt", "mtext", "nav", "nobr", "noembed", "noframes", "noscript", "object", "ol",
    "optgroup", "option", "output", "p", "param", "path", "picture", "plaintext", "pre", "progress", "q", "rb",
    "rect", "rp", "rt", "rtc", "ruby", "s", "samp", "script", "search", "section", "select", "selectedcontent",
    "semantics", "shadow", "small", "source", "span", "strike", "strong", "style", "sub", "summary", "sup", "svg",
    "switch", "symbol", "table", "tbody", "td", "template", "text", "textarea", "textpath", "tfoot", "th", "thead",
    "time", "title", "tr", "track", "tspan", "tt", "u", "ul", "use", "var", "video", "wbr", "xmp",
];
