//! Limits on what tenants, recipients and providers choose.
//!
//! Each is far above what mail needs. They bound the memory and time that one input can cost, so that nobody's input
//! slows down everybody's mail. Sizes are in bytes.

use std::fmt;

use serde_json::Value;

use crate::{Payload, Problem, Report, validate::escape};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The content of a template.
pub const TEMPLATE_CONTENT: usize = 256 * KIB;
/// A template's subject, Reply-To or sender.
pub const TEMPLATE_LINE: usize = 4 * KIB;
/// A message once its template is rendered: subject, HTML and text together.
pub const RENDERED: usize = 10 * MIB;
/// All names and texts of a payload together.
pub const PAYLOAD: usize = MIB;
/// The values of a payload, those inside objects and lists included.
pub const PAYLOAD_VALUES: usize = 20_000;
/// How deep objects and lists of a payload may be nested.
pub const PAYLOAD_DEPTH: usize = 64;
/// A message's usage type or client address.
pub const MESSAGE_FIELD: usize = 128;
/// All names and texts of a configuration together.
pub const CONFIG: usize = MIB;
/// One text of a configuration, a template's content among them.
pub const CONFIG_TEXT: usize = TEMPLATE_CONTENT;
/// The entries of one list or object of a configuration, its templates among them.
pub const CONFIG_ENTRIES: usize = 1000;
/// The values of a configuration, those inside objects and lists included.
pub const CONFIG_VALUES: usize = 10_000;
/// How deep objects and lists of a configuration may be nested.
pub const CONFIG_DEPTH: usize = 32;
/// A provider's id of a message or a request, or its error code, in characters.
pub const PROVIDER_ID: usize = 1000;

/// A size in the largest unit that it is a whole number of.
pub(crate) struct Size(pub(crate) usize);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes >= MIB && bytes % MIB == 0 => write!(f, "{} MiB", bytes / MIB),
            bytes if bytes >= KIB && bytes % KIB == 0 => write!(f, "{} KiB", bytes / KIB),
            bytes => write!(f, "{bytes} bytes"),
        }
    }
}

/// What is wrong with a text that is longer than `limit` bytes.
pub(crate) fn too_long(text: &str, limit: usize) -> Option<String> {
    (text.len() > limit).then(|| format!("is too long: at most {} are allowed", Size(limit)))
}

/// What stays the same for all values of one document.
struct Bounds {
    text: usize,
    values: usize,
    depth: usize,
}

/// What a document still may have.
struct Left {
    text: usize,
    values: usize,
}

impl Bounds {
    const fn left(&self) -> Left {
        Left { text: self.text, values: self.values }
    }

    /// What is too much, if anything is.
    fn exceeded(&self, value: &Value, left: &mut Left, depth: usize) -> Option<String> {
        let Some(values) = left.values.checked_sub(1) else {
            return Some(format!("has too many values: at most {} are allowed", self.values));
        };
        left.values = values;
        match value {
            Value::String(text) => self.takes(text, left),
            Value::Array(_) | Value::Object(_) if depth == 0 => {
                Some(format!("is nested too deep: at most {} levels are allowed", self.depth))
            }
            Value::Array(items) => items.iter().find_map(|item| self.exceeded(item, left, depth - 1)),
            Value::Object(members) => members
                .iter()
                .find_map(|(name, member)| self.takes(name, left).or_else(|| self.exceeded(member, left, depth - 1))),
            Value::Null | Value::Bool(_) | Value::Number(_) => None,
        }
    }

    fn takes(&self, text: &str, left: &mut Left) -> Option<String> {
        match left.text.checked_sub(text.len()) {
            Some(rest) => {
                left.text = rest;
                None
            }
            None => Some(format!("is too large: at most {} of text are allowed", Size(self.text))),
        }
    }
}

/// What is wrong with the size of a payload. Stops at the first fault: the work is bounded by the limits, not by the payload.
pub(crate) fn of_payload(payload: &Payload) -> Option<String> {
    const BOUNDS: Bounds = Bounds { text: PAYLOAD, values: PAYLOAD_VALUES, depth: PAYLOAD_DEPTH };
    let mut left = BOUNDS.left();
    payload.iter().find_map(|(name, value)| {
        BOUNDS.takes(name, &mut left).or_else(|| BOUNDS.exceeded(value, &mut left, BOUNDS.depth - 1))
    })
}

/// Adds what is wrong with the size of a configuration, each with its place.
pub(crate) fn of_config(config: &Value, report: &mut Report) {
    const BOUNDS: Bounds = Bounds { text: CONFIG, values: CONFIG_VALUES, depth: CONFIG_DEPTH };
    of_field(config, "", "", BOUNDS.depth, report);
    // Only where no field is at fault by itself: that one is the place to mend.
    if report.is_valid()
        && let Some(fault) = BOUNDS.exceeded(config, &mut BOUNDS.left(), BOUNDS.depth)
    {
        report.problem("", fault);
    }
}

fn of_field(value: &Value, name: &str, pointer: &str, depth: usize, report: &mut Report) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let too_many = |entries: usize| {
        (entries > CONFIG_ENTRIES).then(|| format!("has {entries} entries: at most {CONFIG_ENTRIES} are allowed"))
    };
    match value {
        Value::String(text) => {
            let limit = if name == "subject" { TEMPLATE_LINE } else { CONFIG_TEXT };
            if let Some(fault) = too_long(text, limit) {
                report.problem(pointer, fault);
            }
        }
        Value::Array(items) => match too_many(items.len()) {
            Some(fault) => report.problem(pointer, fault),
            None => {
                for (index, item) in items.iter().enumerate() {
                    of_field(item, name, &format!("{pointer}/{index}"), depth, report);
                }
            }
        },
        Value::Object(members) => match too_many(members.len()) {
            Some(fault) => report.problem(pointer, fault),
            None => {
                for (name, member) in members {
                    of_field(member, name, &format!("{pointer}/{}", escape(name)), depth, report);
                }
            }
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The faults of `fields`, each a name, its text and how long it may be.
pub(crate) fn of_texts<'t>(fields: impl IntoIterator<Item = (&'static str, &'t str, usize)>) -> Vec<Problem> {
    let fault = |(name, text, limit)| Some(Problem::new(format!("/{name}"), too_long(text, limit)?));
    fields.into_iter().filter_map(fault).collect()
}

/// Cuts `text` after `limit` characters.
pub(crate) fn cut(text: &mut String, limit: usize) {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        text.truncate(end);
    }
}
