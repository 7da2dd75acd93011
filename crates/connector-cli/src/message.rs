//! The message and the template of a send, read from JSON with every fault at once.

use connector_kit::{ContentType, EmailTemplate, Mailbox, Message, Problem};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::usage_type;

/// What a field must be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Mailbox,
    Object,
    ContentType,
}

struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

const MESSAGE: [Field; 4] = [
    required("to", Kind::Mailbox),
    required("type", Kind::Text),
    required("payload", Kind::Object),
    optional("ip", Kind::Text),
];

const TEMPLATE: [Field; 5] = [
    required("subject", Kind::Text),
    required("content", Kind::Text),
    optional("contentType", Kind::ContentType),
    optional("replyTo", Kind::Text),
    optional("sendFrom", Kind::Text),
];

/// Reads a message, and warns of a usage type that is not known.
///
/// # Errors
/// Every fault, with pointers such as `/to`.
pub fn message(value: Value) -> Result<Message, Vec<Problem>> {
    let message: Message = read(value, &MESSAGE, "")?;
    usage_type::warn_of_unknown(&message.usage_type);
    match message.problems() {
        problems if problems.is_empty() => Ok(message),
        problems => Err(problems),
    }
}

/// Reads a localized template.
///
/// # Errors
/// Every fault, with pointers such as `/subject`, each beginning with `at`.
pub fn template(value: Value, at: &str) -> Result<EmailTemplate, Vec<Problem>> {
    let template: EmailTemplate = read(value, &TEMPLATE, at)?;
    match template.problems() {
        problems if problems.is_empty() => Ok(template),
        problems => {
            let place = |problem: Problem| Problem { pointer: format!("{at}{}", problem.pointer), ..problem };
            Err(problems.into_iter().map(place).collect())
        }
    }
}

fn read<T: DeserializeOwned>(value: Value, fields: &[Field], at: &str) -> Result<T, Vec<Problem>> {
    let Some(members) = value.as_object() else {
        return Err(vec![Problem::new(at, "must be a JSON object")]);
    };
    let mut problems = Vec::new();
    for field in fields {
        let fault = match members.get(field.name) {
            None if field.required => Some("is required".to_owned()),
            None => None,
            Some(value) => fault(field.kind, value),
        };
        problems.extend(fault.map(|fault| Problem::new(format!("{at}/{}", field.name), fault)));
    }
    for name in members.keys().filter(|name| fields.iter().all(|field| field.name != name.as_str())) {
        tracing::warn!("{at}/{}: unknown field, has no effect", name.escape_debug());
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    // Serde's own words may show a value.
    serde_json::from_value(value).map_err(|_| vec![Problem::new(at, "does not fit: please report this")])
}

fn fault(kind: Kind, value: &Value) -> Option<String> {
    match (kind, value) {
        (Kind::Text, Value::String(text)) if text.is_empty() => Some("cannot be empty".to_owned()),
        (Kind::Text, Value::String(_)) | (Kind::Object, Value::Object(_)) => None,
        (Kind::Mailbox, Value::String(text)) => Mailbox::parse(text).err().map(|fault| fault.to_string()),
        (Kind::ContentType, value) => {
            let [html, plain] = [ContentType::Html.as_str(), ContentType::Plain.as_str()];
            (value != html && value != plain).then(|| format!("must be one of: {html}, {plain}"))
        }
        (Kind::Text | Kind::Mailbox, _) => Some("must be a string".to_owned()),
        (Kind::Object, _) => Some("must be an object".to_owned()),
    }
}
