//! The text alternative of HTML: what a browser would show as text, with the targets of links.
//!
//! The text is `document.body.innerText` of a wide screen without scripting, as closely as mail needs it, with these
//! differences, each for the sake of somebody who reads the text alone:
//!
//! - a link's target follows its text in parentheses, once, unless the text is the target;
//! - an image stands as its `alt` text, and a link around an image without one as its target;
//! - what has no size (`max-height:0;overflow:hidden`, text directly in `font-size:0`) is left out, as are soft hyphens
//!   and the invisible characters that pad preheaders;
//! - `text-transform` is not applied: a code keeps its case;
//! - lines are neither indented nor preceded by more than one blank line, except in preformatted text.
//!
//! **Why this parser.** Only a tree built by the rules of the HTML standard puts the words of real mail (missing end
//! tags, misnested tables) into the order that browsers show. html5ever's tree builder does, and Servo keeps it. The
//! tokens come from html5gum, as html5ever's own tokenizer compares each attribute of a tag with all before it, which
//! takes quadratic time. `lol_html` builds no tree, `tl` does not follow the standard, and `scraper` wraps html5ever.
//!
//! **Templates.** The text is derived from a template, once. Its variables become marks before the HTML is parsed, so that
//! `href={{ link }}` is one attribute, and variables again afterwards.
//!
//! **Logs.** html5ever logs what it is given, so it is given numbers in place of texts and unknown names: see `stand_ins`.
//!
//! **Work.** Everything is linear in the length of the HTML: `tokens` bounds how deep elements are nested and how often the
//! tree builder may repeat one.

mod element;
mod link;
mod marks;
mod render;
mod sheet;
mod stand_ins;
mod style;
mod tokens;
mod tree;
mod writer;

use crate::Template;
use marks::Marks;

/// The text alternative of HTML: what a browser would show as text, followed by the targets of links.
///
/// Variables such as `{{code}}` stay variables wherever they stand. The work is linear in the length of `html`.
///
/// ```
/// let text = connector_kit::text_from_html("<p>Your code: <b>{{code}}</b>, or <a href={{ link }}>sign in</a>");
/// assert_eq!(text, "Your code: {{code}}, or sign in ({{ link }})");
/// ```
#[must_use]
pub fn text_from_html(html: &str) -> String {
    text_of(&Template::compile(html))
}

/// [`text_from_html`] of a template that is compiled.
pub(crate) fn text_of(html: &Template) -> String {
    derive(html).0
}

/// The text, and the number of steps that it took: tokens, calls of the tree builder, nodes and bytes written.
fn derive(html: &Template) -> (String, u64) {
    let (marked, marks) = Marks::put(html);
    let document = tokens::parse(&marked);
    let (text, steps) = render::render(&document);
    (marks.take(&text), steps)
}

#[cfg(test)]
mod tests;
