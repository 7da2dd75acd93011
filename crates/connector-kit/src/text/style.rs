//! What CSS declarations say of whether and how an element's text is shown.

use std::borrow::Cow;

/// How an element stands among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Display {
    None,
    Inline,
    /// On lines of its own: blocks and lists.
    Block,
    /// On lines of its own, and never smaller than its contents: tables and their rows.
    Table,
    /// A block whose children are blocks, too.
    Flex,
    /// A box among the text around: blanks at its edges are not shown.
    InlineBlock,
    /// Such a box whose children are blocks.
    InlineFlex,
    /// A table among the text around.
    InlineTable,
    /// Never smaller than its contents, as all of a table.
    Cell,
}

impl Display {
    /// Whether it is on lines of its own.
    pub(super) fn breaks_lines(self) -> bool {
        matches!(self, Self::Block | Self::Table | Self::Flex)
    }

    /// Whether it is a box among the text around.
    pub(super) fn is_box_in_line(self) -> bool {
        matches!(self, Self::InlineBlock | Self::InlineFlex | Self::InlineTable)
    }

    /// Whether the size that a style sets may be smaller than its contents (CSS 2.2, 10.2, 10.5 and 17.5): not of what is
    /// inline, nor of tables.
    pub(super) fn can_be_clipped(self) -> bool {
        matches!(self, Self::Block | Self::InlineBlock | Self::Flex | Self::InlineFlex)
    }

    /// As a child of a flex box or grid, as a float, or taken out of the flow.
    pub(super) fn as_block(self) -> Self {
        match self {
            Self::Inline | Self::InlineBlock | Self::Cell => Self::Block,
            Self::InlineFlex => Self::Flex,
            Self::InlineTable => Self::Table,
            other => other,
        }
    }
}

/// What becomes of blanks and line breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WhiteSpace {
    Collapse,
    /// Blanks collapse, line breaks stay.
    Lines,
    Preserve,
}

/// A property that matters here.
#[derive(Debug, Clone, Copy)]
enum Property {
    Display,
    Visibility,
    WhiteSpace,
    FontSize,
    Overflow,
    Height,
    MaxHeight,
    MinHeight,
    /// Above or below.
    PaddingHeight,
    Width,
    MaxWidth,
    MinWidth,
    /// To the left or right.
    PaddingWidth,
    /// `float`, or `position` of one that is taken out of the flow.
    Float,
    Position,
}

const PROPERTIES: usize = Property::Position as usize + 1;

/// What a property is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Display(Display),
    WhiteSpace(WhiteSpace),
    Zero,
    /// Of sizes: anything but zero. Else: the value that changes nothing.
    Ordinary,
    /// Of `visibility` and `overflow`.
    Hidden,
    /// Of `float` and `position`.
    OutOfFlow,
    /// As what it is in.
    Inherited,
}

/// Which of two declarations counts: the greater one, or the later of equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    important: bool,
    specificity: u8,
    order: usize,
}

impl Rank {
    /// The rank of a `style` attribute.
    pub(super) const INLINE: Self = Self { important: false, specificity: u8::MAX, order: 0 };

    /// The rank of a rule's declarations.
    pub(super) fn of_rule(specificity: u8, order: usize) -> Self {
        Self { important: false, specificity, order }
    }
}

/// Declarations, each with its rank.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style([Option<(Rank, Value)>; PROPERTIES]);

impl Style {
    /// Reads declarations as they stand in a rule or a `style` attribute. What is not understood is passed over.
    pub(super) fn read(&mut self, declarations: &str, rank: Rank) {
        let text = without_comments(declarations);
        for declaration in parts(&text, ';') {
            let Some((name, value)) = declaration.split_once(':') else { continue };
            let (value, important) = match value.split_once('!') {
                Some((value, word)) => (value, word.trim().eq_ignore_ascii_case("important")),
                None => (value, false),
            };
            // No value that is understood is long.
            if name.len() <= 100 && value.len() <= 300 {
                let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_ascii_lowercase());
                let rank = Rank { important, ..rank };
                if let Some((property, value)) = declared(&name, &value) {
                    self.set(property, rank, value);
                } else if let Some(side) = name.strip_prefix("padding") {
                    self.pad(side, &value, rank);
                }
            }
        }
    }

    /// Adds what `other` declares.
    pub(super) fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            if theirs.map(|(rank, _)| rank) >= mine.map(|(rank, _)| rank) {
                *mine = theirs;
            }
        }
    }

    fn set(&mut self, property: Property, rank: Rank, value: Value) {
        let mine = &mut self.0[property as usize];
        if mine.is_none_or(|(known, _)| rank >= known) {
            *mine = Some((rank, value));
        }
    }

    /// Sets the padding of all sides, or adds that of the sides that are named.
    fn pad(&mut self, sides: &str, value: &str, rank: Rank) {
        let any = |lengths: &[&str]| {
            let is_zero = lengths.iter().all(|value| length(value) == Value::Zero);
            if is_zero { Value::Zero } else { Value::Ordinary }
        };
        let given: Vec<&str> = value.split_ascii_whitespace().collect();
        let (height, width) = match (sides, given.as_slice()) {
            ("", [top, right, bottom, left]) => (any(&[top, bottom]), any(&[right, left])),
            ("", [top, beside, bottom]) => (any(&[top, bottom]), any(&[beside])),
            ("", [above, beside]) => (any(&[above]), any(&[beside])),
            ("", [all]) => (any(&[all]), any(&[all])),
            ("-top" | "-bottom" | "-block" | "-block-start" | "-block-end", given) => (any(given), Value::Zero),
            ("-left" | "-right" | "-inline" | "-inline-start" | "-inline-end", given) => (Value::Zero, any(given)),
            _ => return,
        };
        for (property, value) in [(Property::PaddingHeight, height), (Property::PaddingWidth, width)] {
            if sides.is_empty() || value == Value::Ordinary {
                self.set(property, rank, value);
            }
        }
    }

    /// What it all comes to.
    pub(super) fn look(&self) -> Look {
        let value = |property: Property| self.0[property as usize].map(|(_, value)| value);
        let is_zero = |property| value(property) == Some(Value::Zero);
        let either = |property, yes, no| match value(property)? {
            found if found == yes => Some(true),
            found if found == no => Some(false),
            _ => None,
        };
        let is_set = |property| value(property) == Some(Value::Ordinary);
        // What overflows into the padding is shown.
        let collapses = |size, least, padding| is_zero(size) && !is_set(least) && !is_set(padding);
        let (min_height, above, min_width, beside) =
            (Property::MinHeight, Property::PaddingHeight, Property::MinWidth, Property::PaddingWidth);
        let clip = if value(Property::Overflow) != Some(Value::Hidden) {
            Clip::No
        } else if collapses(Property::MaxHeight, min_height, above) || collapses(Property::MaxWidth, min_width, beside)
        {
            Clip::Always
        } else if collapses(Property::Height, min_height, above) || collapses(Property::Width, min_width, beside) {
            Clip::OutsideFlex
        } else {
            Clip::No
        };
        Look {
            display: match value(Property::Display) {
                Some(Value::Display(display)) => Some(display),
                _ => None,
            },
            is_out_of_flow: [Property::Float, Property::Position].map(value).contains(&Some(Value::OutOfFlow)),
            clip,
            is_visible: either(Property::Visibility, Value::Ordinary, Value::Hidden),
            has_no_font_size: is_zero(Property::FontSize),
            white_space: match value(Property::WhiteSpace) {
                Some(Value::WhiteSpace(white_space)) => Some(white_space),
                _ => None,
            },
        }
    }
}

/// Whether a box with such a style is clipped to nothing, with all that is in it. In doubt it is not: to lose a code is worse
/// than to show a preheader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clip {
    No,
    /// Unless a flex box or grid, which it is in, makes it larger: `width:0;flex:1`.
    OutsideFlex,
    Always,
}

/// How an element is shown, as far as styles say so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) display: Option<Display>,
    /// It floats, or is placed elsewhere: either makes it a block.
    pub(super) is_out_of_flow: bool,
    pub(super) clip: Clip,
    pub(super) is_visible: Option<bool>,
    /// Text that stands directly in it has no size. What elements in it say of theirs may stand in rules that are not
    /// understood here, so their text is shown.
    pub(super) has_no_font_size: bool,
    pub(super) white_space: Option<WhiteSpace>,
}

/// What a declaration sets, if it matters.
fn declared(name: &str, value: &str) -> Option<(Property, Value)> {
    let size = |property| Some((property, length(value)));
    // Of a height that its contents decide, no percentage is taken.
    let height = |property| Some((property, if value.ends_with('%') { Value::Ordinary } else { length(value) }));
    let least = |property| {
        let is_none = matches!(value, "auto" | "initial" | "unset" | "revert");
        Some((property, if is_none { Value::Zero } else { length(value) }))
    };
    let word = |property, special: &[&str], meaning| {
        Some((property, if special.contains(&value) { meaning } else { Value::Ordinary }))
    };
    match name {
        "display" => Some((Property::Display, Value::Display(displayed(value)?))),
        "visibility" if matches!(value, "inherit" | "unset") => Some((Property::Visibility, Value::Inherited)),
        "visibility" => word(Property::Visibility, &["hidden", "collapse"], Value::Hidden),
        "white-space" => Some((Property::WhiteSpace, blanks(value)?)),
        "white-space-collapse" => Some((Property::WhiteSpace, blanks(value)?)),
        "font-size" => size(Property::FontSize),
        // The first length is the size: what stands before it is words and a weight.
        "font" => {
            let size = value.split([' ', '/']).find(|word| is_length(word))?;
            Some((Property::FontSize, length(size)))
        }
        "overflow" | "overflow-x" | "overflow-y" => word(Property::Overflow, &["hidden", "clip"], Value::Hidden),
        "height" => height(Property::Height),
        "max-height" => height(Property::MaxHeight),
        "min-height" => least(Property::MinHeight),
        "width" => size(Property::Width),
        "max-width" => size(Property::MaxWidth),
        "min-width" => least(Property::MinWidth),
        "float" => word(Property::Float, &["left", "right"], Value::OutOfFlow),
        "position" => word(Property::Position, &["absolute", "fixed"], Value::OutOfFlow),
        _ => None,
    }
}

fn displayed(value: &str) -> Option<Display> {
    Some(match value {
        "none" => Display::None,
        "inline" | "contents" | "initial" | "ruby" => Display::Inline,
        "inline-block" | "inline flow-root" => Display::InlineBlock,
        "inline-table" => Display::InlineTable,
        "block" | "flow-root" | "list-item" | "table-caption" | "block flow" | "block flow-root" => Display::Block,
        "table" | "table-row" | "table-row-group" | "table-header-group" | "table-footer-group" => Display::Table,
        "flex" | "grid" | "-webkit-box" | "-webkit-flex" => Display::Flex,
        "inline-flex" | "inline-grid" => Display::InlineFlex,
        "table-cell" => Display::Cell,
        "table-column" | "table-column-group" => Display::None,
        _ => return None,
    })
}

fn blanks(value: &str) -> Option<Value> {
    Some(match value {
        "normal" | "nowrap" | "collapse" | "initial" | "wrap" => Value::WhiteSpace(WhiteSpace::Collapse),
        "pre-line" | "preserve-breaks" => Value::WhiteSpace(WhiteSpace::Lines),
        "pre" | "pre-wrap" | "break-spaces" | "preserve" | "preserve nowrap" => Value::WhiteSpace(WhiteSpace::Preserve),
        "inherit" | "unset" => Value::Inherited,
        _ => return None,
    })
}

/// Whether a length is nothing.
fn length(value: &str) -> Value {
    let digits = value.trim_start_matches(['+', '-']);
    let unit = digits.trim_start_matches(['0', '.']);
    let is_zero = unit.len() < digits.len() && (unit == "%" || unit.bytes().all(|byte| byte.is_ascii_alphabetic()));
    if is_zero { Value::Zero } else { Value::Ordinary }
}

fn is_length(word: &str) -> bool {
    let unit = word.trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
    // A bare number before the size is a weight, unless it is 0.
    unit.len() < word.len() && (!unit.is_empty() || word.bytes().all(|byte| matches!(byte, b'0' | b'.')))
}

/// CSS with a blank for each comment.
pub(super) fn without_comments(css: &str) -> Cow<'_, str> {
    let Some(first) = css.find("/*") else { return css.into() };
    let mut out = css[..first].to_owned();
    let mut rest = &css[first..];
    while let Some(start) = rest.find("/*") {
        out.push_str(&rest[..start]);
        out.push(' ');
        rest = rest[start + 2..].split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.into()
}

/// The parts of `css` between separators, strings and brackets kept whole.
pub(super) fn parts(css: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(css);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quote, mut depth) = (None, 0_usize);
        let end = text.char_indices().find(|(_, char)| match (quote, char) {
            (Some(open), char) => {
                quote = Some(open).filter(|open| open != char);
                false
            }
            (None, '"' | '\'') => {
                quote = Some(*char);
                false
            }
            (None, '(' | '[') => {
                depth += 1;
                false
            }
            (None, ')' | ']') => {
                depth = depth.saturating_sub(1);
                false
            }
            (None, char) => *char == separator && depth == 0,
        });
        rest = end.map(|(at, char)| &text[at + char.len_utf8()..]);
        Some(end.map_or(text, |(at, _)| &text[..at]))
    })
}
