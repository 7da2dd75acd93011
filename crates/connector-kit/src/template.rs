//! Rendering: `{{ a.b }}` in a template becomes the payload's value at that path.

use std::{collections::HashMap, ops::Range};

use serde_json::Value;

use crate::{
    Error, Payload,
    limits::{self, Size},
};

/// How values are written into the text around them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As they are.
    None,
    /// For HTML, in text and in quoted attributes.
    Html,
}

/// A template, compiled once and rendered for every message.
///
/// A variable is `{{`, a path of names (letters, digits, `_`) joined by dots, `}}`, with white space allowed inside the
/// braces. Anything else in braces is text. A path whose first name the payload lacks is left as written; one that
/// ends nowhere further down is empty. Objects and arrays render as JSON. Rendered values are never rendered again.
///
/// Compiling takes time linear in the length of the text, and rendering in the length of what comes out, which is at most
/// [`limits::RENDERED`].
///
/// ```
/// use connector_kit::{Escape, Payload, Template};
///
/// let template = Template::compile("Your code is {{code}}.");
/// let payload = Payload::from_iter([("code".to_owned(), "123456".into())]);
/// assert_eq!(template.render(&payload, Escape::None)?, "Your code is 123456.");
/// # Ok::<(), connector_kit::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Template {
    source: String,
    /// Every path, once: a template may name the same variable many times.
    paths: Vec<Range<usize>>,
    variables: Vec<Variable>,
}

#[derive(Debug, Clone)]
struct Variable {
    /// The whole `{{ … }}`.
    at: Range<usize>,
    /// Which of the paths is inside.
    path: usize,
}

/// What a path leads to.
enum Found<'v> {
    /// The payload has no such name.
    NoRoot,
    /// It has, and the path ends nowhere further down.
    Nothing,
    Value(&'v Value),
}

impl Template {
    /// Finds the variables of `source`. Every text is a template.
    #[must_use]
    pub fn compile(source: impl Into<String>) -> Self {
        let source = source.into();
        let mut paths: Vec<Range<usize>> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        let mut variables = Vec::new();
        let mut from = 0;
        while let Some(open) = source[from..].find("{{").map(|found| from + found) {
            match variable_at(&source, open) {
                Some((at, path)) => {
                    from = at.end;
                    let path = *known.entry(&source[path.clone()]).or_insert_with(|| {
                        paths.push(path);
                        paths.len() - 1
                    });
                    variables.push(Variable { at, path });
                }
                // One brace further: in `{{{code}}}` the variable starts at the second one.
                None => from = open + 1,
            }
        }
        Self { source, paths, variables }
    }

    /// The text that was compiled.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Where the variables are, braces included, and the path in each.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (Range<usize>, &str)> {
        self.variables.iter().map(|variable| (variable.at.clone(), &self.source[self.paths[variable.path].clone()]))
    }

    /// The template with the values of `payload` in place of its variables.
    ///
    /// # Errors
    /// `InvalidMessage` at `/payload` when it would be longer than [`limits::RENDERED`].
    pub fn render(&self, payload: &Payload, escape: Escape) -> Result<String, Error> {
        self.render_within(&mut { limits::RENDERED }, payload, escape)
    }

    /// The same for one part of a message: `room` is what the message may still be longer by, and is less by the part then.
    pub(crate) fn render_within(&self, room: &mut usize, payload: &Payload, escape: Escape) -> Result<String, Error> {
        let found: Vec<Found<'_>> = self.paths.iter().map(|path| find(&self.source[path.clone()], payload)).collect();
        let mut out = String::with_capacity(self.source.len() + 32);
        let mut from = 0;
        for variable in &self.variables {
            out.push_str(&self.source[from..variable.at.start]);
            from = variable.at.end;
            match found[variable.path] {
                Found::NoRoot => out.push_str(&self.source[variable.at.clone()]),
                Found::Nothing => {}
                // Looked at before it is written: one value may be as long as all that a message may be.
                Found::Value(Value::String(text)) if out.len().saturating_add(text.len()) > *room => {
                    return Err(too_large());
                }
                Found::Value(value) => write_value(&mut out, value, escape),
            }
            if out.len() > *room {
                return Err(too_large());
            }
        }
        out.push_str(&self.source[from..]);
        *room = room.checked_sub(out.len()).ok_or_else(too_large)?;
        Ok(out)
    }
}

fn too_large() -> Error {
    let limit = Size(limits::RENDERED);
    let fault = format!("its values make the message larger than {limit}, the most that is sent: shorten them");
    Error::invalid_message("/payload", fault)
}

fn find<'v>(path: &str, payload: &'v Payload) -> Found<'v> {
    let mut names = path.split('.');
    match names.next().and_then(|root| payload.get(root)) {
        None => Found::NoRoot,
        Some(root) => names.try_fold(root, child).map_or(Found::Nothing, Found::Value),
    }
}

/// The variable whose braces open at `open`, if it is one: the whole of it, and the path inside.
fn variable_at(source: &str, open: usize) -> Option<(Range<usize>, Range<usize>)> {
    let bytes = source.as_bytes();
    // What `\s` is in JavaScript, which Logto reads templates by: no-break and ideographic spaces, too.
    let is_space = |char: char| char.is_whitespace() || char == '\u{feff}';
    let space = |at: usize| source.len() - source[at..].trim_start_matches(is_space).len();
    let start = space(open + 2);
    let mut end = start;
    while bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')) {
        end += 1;
    }
    let close = space(end);
    let closed = end > start && bytes.get(close..close + 2) == Some(b"}}");
    closed.then_some((open..close + 2, start..end))
}

fn child<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(name),
        Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => None,
    }
}

fn write_value(out: &mut String, value: &Value, escape: Escape) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(_), ..) | (_, Some(_), _) => out.push_str(&number.to_string()),
            // As Logto's JavaScript writes numbers: 1e21 is `1e+21`.
            (.., Some(float)) => out.push_str(ryu_js::Buffer::new().format(float)),
            _ => {}
        },
        Value::String(text) => write_text(out, text, escape),
        Value::Array(_) | Value::Object(_) => write_text(out, &value.to_string(), escape),
    }
}

/// Writes `text` as `escape` says.
pub(crate) fn write_text(out: &mut String, text: &str, escape: Escape) {
    if escape == Escape::None {
        return out.push_str(text);
    }
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let entity = match byte {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            b'\'' => "&#39;",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        out.push_str(entity);
        from = at + 1;
    }
    out.push_str(&text[from..]);
}
