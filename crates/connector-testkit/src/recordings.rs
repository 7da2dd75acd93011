//! The reference recordings: what Logto's published connectors put on the wire for given inputs.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http_answer::Answer;
use crate::smtp_script::SmtpScript;

/// The connectors there are recordings of.
pub const CONNECTORS: [&str; 8] =
    ["aliyun-dm", "aws-ses", "http-email", "logto-email", "mailgun", "postmark", "sendgrid", "smtp"];

/// The recordings of one connector, named like its crate without `connector-`.
///
/// # Panics
///
/// When there are none of that name.
#[must_use]
pub fn recordings(connector: &str) -> Vec<Recording> {
    let text = match connector {
        "aliyun-dm" => include_str!("../recordings/aliyun-dm.json"),
        "aws-ses" => include_str!("../recordings/aws-ses.json"),
        "http-email" => include_str!("../recordings/http-email.json"),
        "logto-email" => include_str!("../recordings/logto-email.json"),
        "mailgun" => include_str!("../recordings/mailgun.json"),
        "postmark" => include_str!("../recordings/postmark.json"),
        "sendgrid" => include_str!("../recordings/sendgrid.json"),
        "smtp" => include_str!("../recordings/smtp.json"),
        other => panic!("there are no recordings of {other:?}, only of {CONNECTORS:?}"),
    };
    serde_json::from_str(text).unwrap_or_else(|error| panic!("recordings/{connector}.json: {error}"))
}

/// An input and what Logto's connector made of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The input.
    pub given: Given,
    /// What came of it.
    pub recorded: Recorded,
}

impl Recording {
    /// The recording's name, `sendgrid/answer-200-html`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.given.id
    }
}

/// The input of a recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Given {
    /// The recording's name.
    pub id: String,
    /// The connector factory's id.
    pub connector: String,
    /// The stored configuration, right or wrong.
    pub config: Value,
    /// A configuration passed along with the message, to be used instead of the stored one.
    pub input_config: Option<Value>,
    /// The message: `to`, `type`, `payload`, `ip`.
    pub data: Value,
    /// What looking up a localized template came to.
    pub i18n: Option<I18n>,
    /// The provider's answers in turn, the last repeated; none: its usual success.
    pub answers: Option<Vec<Answer>>,
    /// The SMTP server.
    pub smtp: Option<SmtpScript>,
    /// What is wrong with the network.
    pub network: Option<Network>,
}

impl Given {
    /// The configuration the message is to be sent with.
    #[must_use]
    pub fn effective_config(&self) -> &Value {
        self.input_config.as_ref().unwrap_or(&self.config)
    }

    /// The localized template, where one was found.
    #[must_use]
    pub fn template(&self) -> Option<&Value> {
        match &self.i18n {
            Some(I18n::Template(template)) => Some(template),
            Some(I18n::Throws) | None => None,
        }
    }
}

/// What looking up a localized template came to.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum I18n {
    /// It was found: an object with `subject`, `content` and perhaps more.
    Template(Value),
    /// It failed.
    Throws,
}

impl TryFrom<Value> for I18n {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Object(_) => Ok(Self::Template(value)),
            Value::String(word) if word == "throws" => Ok(Self::Throws),
            other => Err(format!("i18n cannot be {other}")),
        }
    }
}

/// What is wrong with the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Network {
    /// Connections are refused.
    pub refuse: bool,
    /// The certificate is of an authority the client does not know.
    pub untrusted: bool,
}

/// What Logto's connector did.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recorded {
    /// `"valid"`, or the list of what Logto's validation found.
    pub config_guard: Value,
    /// The connections opened.
    pub connections: Vec<ConnectionRecord>,
    /// The HTTP requests sent.
    pub requests: Vec<RequestRecord>,
    /// The SMTP sessions held.
    pub smtp: Vec<SessionRecord>,
    /// What the caller got.
    pub outcome: Outcome,
}

impl Recorded {
    /// Whether Logto's validation accepts the stored configuration.
    #[must_use]
    pub fn config_is_valid(&self) -> bool {
        self.config_guard == "valid"
    }
}

/// A connection that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectionRecord {
    /// The host asked for.
    pub host: String,
    /// The port asked for.
    pub port: u16,
    /// Whether it was TLS from the first byte.
    pub tls: bool,
}

/// An HTTP request that was sent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRecord {
    /// The method.
    pub method: String,
    /// `http` or `https`.
    pub scheme: String,
    /// The host, without a port.
    pub host: String,
    /// The path.
    pub path: String,
    /// The query as decoded pairs.
    pub query: Vec<(String, String)>,
    /// The headers that matter, names in lower case, values strings.
    pub headers: Map<String, Value>,
    /// The body, where there was one.
    pub body: Option<RequestBody>,
}

/// A request's body: `json`, or `form` with `raw`, or `text`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestBody {
    /// The body was JSON.
    pub json: Option<Value>,
    /// The body was a form: decoded pairs in order.
    pub form: Option<Vec<(String, String)>>,
    /// The form as it was on the wire.
    pub raw: Option<String>,
    /// The body was anything else.
    pub text: Option<String>,
}

/// An SMTP session that was held.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionRecord {
    /// `none`, `starttls` or `implicit`.
    pub tls: String,
    /// Both sides in order, `C: …` and `S: …`.
    pub lines: Vec<String>,
    /// The messages that came to their final dot.
    pub messages: Vec<MailRecord>,
}

/// A message of an SMTP session.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MailRecord {
    /// What stood behind `MAIL FROM:`.
    pub mail_from: String,
    /// What stood behind each `RCPT TO:`.
    pub rcpt_to: Vec<String>,
    /// The header fields in order, decoded.
    pub headers: Vec<(String, String)>,
    /// The message, with the stuffed dots taken out.
    pub source: String,
    /// From, to, subject, text, html, …, decoded.
    pub decoded: Value,
}

/// What the caller got.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// The message counts as sent.
    Result(Value),
    /// An error, `kind` `ConnectorError` with Logto's `code` where the connector raised it itself.
    Error(Value),
}

impl Outcome {
    /// Whether the message counts as sent.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        matches!(self, Self::Result(_))
    }

    /// Logto's error code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Result(_) => None,
            Self::Error(error) => error.get("code").and_then(Value::as_str),
        }
    }
}
