//! What a connector crate says of itself, so that the suite can test it.

use std::sync::LazyLock;

use connector_kit::{ConnectorFactory, Context, Egress, Report};
use serde_json::Value;

use crate::{Answer, ParsedMailbox, RecordedRequest, parse_mail};

/// A connector and everything the suite needs to know of it.
pub struct Subject {
    /// What the connector crate exports.
    pub factory: &'static ConnectorFactory,
    /// A valid configuration without warnings, in which every field of `secrets` is set. Its sender has an address of
    /// its own, that of nobody else in the configuration.
    pub config: Value,
    /// JSON pointers to the secrets of `config`: no output ever shows their values.
    pub secrets: &'static [&'static str],
    /// JSON pointers to the fields that name a host or a URL to which nothing secret is sent, each with the reason.
    pub no_destinations: &'static [(&'static str, &'static str)],
    /// JSON pointer to the sender of `config`; none where the provider fixes it.
    pub sender: Option<&'static str>,
    /// Every host and port that a connector made from `config` connects to.
    pub hosts: &'static [(&'static str, u16)],
    /// Where the templates are.
    pub templates: Templates,
    /// How to stand in for the provider.
    pub provider: Provider,
    /// What is different for it under [`faults`](super::faults): the text of `tests/faults.json`.
    pub faults: &'static str,
    /// The crate's `tests/answers.json`: what the provider answers, and what must become of it (see
    /// [`answers`](crate::answers)).
    pub answers: &'static str,
}

/// Where the templates are, and how to put others into a configuration.
pub enum Templates {
    /// In the configuration; the connector renders them. Replaces them by these.
    Rendered(fn(&mut Value, &[TemplateText])),
    /// With the provider, under a name per usage type. Replaces the pairs of usage type and name by these.
    Named(fn(&mut Value, &[(&str, &str)])),
    /// With the provider, who chooses by the usage type.
    ByProvider,
}

/// A template as the suite writes it: HTML.
#[derive(Clone, Copy, Debug)]
pub struct TemplateText {
    /// Which messages it is for.
    pub usage_type: &'static str,
    /// Its subject.
    pub subject: &'static str,
    /// Its content.
    pub content: &'static str,
}

/// How to stand in for the provider: by what protocol, and what its words are.
pub enum Provider {
    /// It is spoken to over HTTPS.
    Http(HttpProvider),
    /// It is spoken to over SMTP with TLS.
    Smtp(SmtpProvider),
}

/// A provider with an HTTPS API.
#[derive(Clone, Copy)]
pub struct HttpProvider {
    /// Its answer to a message it accepts, and to whatever else it is asked, such as for a token.
    pub accepts: fn(&RecordedRequest) -> Answer,
    /// Its answer to a message it refuses for good, in its usual shape, with this text wherever it may quote the
    /// request.
    pub refuses: fn(&str) -> Answer,
    /// What it makes of a request; none of one that carries no message.
    pub reads: fn(&RecordedRequest) -> Option<Arrived>,
}

/// An SMTP server. TLS is there whenever the client asks for it.
#[derive(Clone, Copy)]
pub struct SmtpProvider {
    /// What it offers in answer to EHLO.
    pub capabilities: &'static [&'static str],
    /// TLS from the first byte instead of by STARTTLS.
    pub implicit_tls: bool,
}

/// One message as the provider understood it. What its protocol does not carry is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrived {
    /// Whom it goes to.
    pub to: ParsedMailbox,
    /// Whom else it would go to: further recipients, copies, and what the provider is known to take for one.
    pub others: Vec<String>,
    /// The sender.
    pub from: Option<ParsedMailbox>,
    /// Where replies go.
    pub reply_to: Option<ParsedMailbox>,
    /// The subject.
    pub subject: Option<String>,
    /// The HTML content.
    pub html: Option<String>,
    /// The plain content.
    pub text: Option<String>,
    /// The usage type, where the provider is told.
    pub usage_type: Option<String>,
    /// The name of the provider's template.
    pub template: Option<String>,
    /// The variables, where the provider renders.
    pub payload: Option<Value>,
}

/// Reads a mailbox written as a header value (encoded words are decoded) or as a bare address.
///
/// # Panics
///
/// When it is none, or several.
#[must_use]
pub fn mailbox(text: &str) -> ParsedMailbox {
    let mut found = parse_mail(format!("To: {text}\r\n\r\n").as_bytes()).to;
    assert_eq!(found.len(), 1, "{text:?} is not one mailbox");
    found.remove(0)
}

impl Subject {
    /// The values of the secrets.
    pub(super) fn secret_values(&self) -> Vec<&str> {
        let value = |pointer: &&str| {
            let found = self.config.pointer(pointer).and_then(Value::as_str);
            found.unwrap_or_else(|| panic!("the subject's config has no text at {pointer}"))
        };
        self.secrets.iter().map(value).collect()
    }

    /// The configured sender.
    pub(super) fn sender_mailbox(&self) -> Option<ParsedMailbox> {
        let pointer = self.sender?;
        let text = self.config.pointer(pointer).and_then(Value::as_str);
        Some(mailbox(text.unwrap_or_else(|| panic!("the subject's config has no text at {pointer}"))))
    }

    /// What validation makes of a configuration, and what building it comes to.
    ///
    /// # Panics
    ///
    /// When the two disagree, or one of them shows one of `hidden`.
    pub(super) fn judge(&self, config: &Value, hidden: &[&str], what: &str) -> Report {
        // Made once: it reads the system's roots.
        static CONTEXT: LazyLock<Context> = LazyLock::new(|| Context::new(Egress::default()).unwrap());
        let report = self.factory.validate(config);
        let mut shown = format!("{report:?} {}", serde_json::to_string(&report).unwrap());
        match self.factory.build(config, &CONTEXT) {
            Ok(_) => assert!(report.is_valid(), "{what}: built, though validation says {report:#?}"),
            Err(error) => {
                assert_eq!(error.kind().code(), "invalid_config", "{what}: {error}");
                assert_eq!(error.problems(), report.problems, "{what}: validation and building disagree");
                shown.push_str(&format!("{error} {error:?}"));
            }
        }
        for (at, secret) in hidden.iter().enumerate() {
            assert!(!shown.contains(secret), "{what}: secret number {at} shows");
        }
        report
    }
}

/// Puts `value` at `pointer`, making the objects on the way.
///
/// # Panics
///
/// When something else than an object or a list is in the way.
pub(super) fn set(config: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap_or_else(|| panic!("{pointer:?} is no pointer to a field"));
    if config.pointer(parent).is_none_or(Value::is_null) {
        set(config, parent, Value::Object(serde_json::Map::new()));
    }
    match config.pointer_mut(parent) {
        Some(Value::Object(members)) => drop(members.insert(name.to_owned(), value)),
        Some(Value::Array(items)) => items[name.parse::<usize>().unwrap()] = value,
        other => panic!("{parent} is no object: {other:?}"),
    }
}

/// Takes the field at `pointer` away.
pub(super) fn remove(config: &mut Value, pointer: &str) {
    if let Some((parent, name)) = pointer.rsplit_once('/')
        && let Some(Value::Object(members)) = config.pointer_mut(parent)
    {
        members.shift_remove(name);
    }
}
