//! Style sheets of a mail, as far as they hide and show: rules for a class, an id or an element on its own.
//!
//! Mail hides preheaders and pictures for dark backgrounds by a class. A selector that says more (a descendant, a state, an
//! attribute) is passed over, so that too much is shown rather than too little.

use std::collections::HashMap;

use super::style::{Rank, Style, parts, without_comments};

/// How wide the screen is that media queries are asked of, in CSS pixels.
const WIDTH: f64 = 1024.0;

/// The longest name of an element that rules are looked up for, in bytes.
const LONGEST_NAME: usize = 40;

/// The rules of all style sheets.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    /// By selector: `name`, `.class`, `name.class`, `#id` or `name#id`.
    rules: HashMap<String, Style>,
    order: usize,
    /// The bytes read so far.
    pub(super) steps: u64,
}

impl Sheet {
    /// Adds the rules of a `style` element.
    pub(super) fn read(&mut self, css: &str) {
        let css = without_comments(css);
        let mut rest = css.as_ref();
        while let Some(at) = rest.find(['{', '}', ';']) {
            let (prelude, after) = (rest[..at].trim(), &rest[at + 1..]);
            let before = rest.len();
            rest = after;
            match css_at(&css, rest) {
                // The end of an open media query, or a statement such as `@import …;`.
                b'}' | b';' => {}
                _ if prelude.starts_with('@') => {
                    let holds = prelude
                        .get(..6)
                        .filter(|word| word.eq_ignore_ascii_case("@media"))
                        .is_some_and(|_| media_holds(&prelude[6..]));
                    if !holds {
                        rest = after_block(rest);
                    }
                }
                _ => {
                    let end = rest.find('}').unwrap_or(rest.len());
                    self.add(prelude, &rest[..end]);
                    rest = rest.get(end + 1..).unwrap_or_default();
                }
            }
            self.steps += (before - rest.len()) as u64;
        }
    }

    fn add(&mut self, selectors: &str, declarations: &str) {
        self.order += 1;
        let mut styles: [Option<Style>; 4] = [None; 4];
        for selector in parts(selectors, ',') {
            let selector = selector.trim().trim_start_matches("<!--").trim_start_matches('*');
            self.steps += selector.len() as u64;
            let Some((key, specificity)) = simple(selector) else { continue };
            let style = styles[usize::from(specificity)].get_or_insert_with(|| {
                let mut style = Style::default();
                style.read(declarations, Rank::of_rule(specificity, self.order));
                self.steps += declarations.len() as u64;
                style
            });
            self.rules.entry(key).or_default().add(style);
        }
    }

    /// What the rules say of an element.
    pub(super) fn style(&self, name: &str, classes: Option<&str>, id: Option<&str>) -> Style {
        let mut style = Style::default();
        if self.rules.is_empty() {
            return style;
        }
        let mut add = |key: &str| {
            if let Some(rule) = self.rules.get(key) {
                style.add(rule);
            }
        };
        // No element of HTML has a longer name, and a long one with many classes would be written out for each.
        let name = if name.len() > LONGEST_NAME { "" } else { name };
        add(name);
        for class in classes.unwrap_or_default().split_ascii_whitespace() {
            add(&format!(".{class}"));
            add(&format!("{name}.{class}"));
        }
        if let Some(id) = id {
            add(&format!("#{id}"));
            add(&format!("{name}#{id}"));
        }
        style
    }
}

/// The byte before `rest` in `css`.
fn css_at(css: &str, rest: &str) -> u8 {
    css.as_bytes()[css.len() - rest.len() - 1]
}

/// A selector of one element by its name, class or id, and how specific it is.
fn simple(selector: &str) -> Option<(String, u8)> {
    let is_word =
        |text: &str| text.chars().all(|char| char.is_alphanumeric() || matches!(char, '-' | '_')) && !text.is_empty();
    let name_end = selector.find(['.', '#']).unwrap_or(selector.len());
    let (name, rest) = selector.split_at(name_end);
    if !(name.is_empty() || is_word(name)) || (rest.is_empty() && name.is_empty()) {
        return None;
    }
    if !rest.is_empty() && !is_word(&rest[1..]) {
        return None;
    }
    let specificity = match (rest.bytes().next(), name.is_empty()) {
        (None, _) => 0,
        (Some(b'.'), true) => 1,
        (Some(b'.'), false) => 2,
        _ => 3,
    };
    Some((format!("{}{rest}", name.to_ascii_lowercase()), specificity))
}

/// What follows the block that is open.
fn after_block(css: &str) -> &str {
    let mut depth = 1_usize;
    for (at, byte) in css.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => continue,
        }
        if depth == 0 {
            return &css[at + 1..];
        }
    }
    ""
}

/// Whether a media query holds on a wide screen with a light background.
pub(super) fn media_holds(query: &str) -> bool {
    query.trim().is_empty() || query.split(',').any(|query| alternative_holds(&query.to_ascii_lowercase()))
}

fn alternative_holds(query: &str) -> bool {
    let query = query.trim();
    let query = query.strip_prefix("only ").unwrap_or(query);
    query.split(" and ").all(|condition| {
        let condition = condition.trim();
        let Some(feature) = condition.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) else {
            return matches!(condition, "all" | "screen");
        };
        let (name, value) = feature.split_once(':').unwrap_or((feature, ""));
        match (name.trim(), value.trim()) {
            ("min-width" | "min-device-width", width) => pixels(width).is_some_and(|width| width <= WIDTH),
            ("max-width" | "max-device-width", width) => pixels(width).is_some_and(|width| width >= WIDTH),
            ("prefers-color-scheme", scheme) => scheme == "light",
            _ => false,
        }
    })
}

fn pixels(width: &str) -> Option<f64> {
    let end = width.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(width.len());
    let number: f64 = width[..end].parse().ok()?;
    match &width[end..] {
        "px" | "" => Some(number),
        "em" | "rem" => Some(number * 16.0),
        _ => None,
    }
}
