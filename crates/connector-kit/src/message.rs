//! The message to send, and the template that a host may choose for it.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{CompiledTemplate, Error, Mailbox, Problem, UsageType, limits};

/// The variables of a template: a JSON object.
pub type Payload = Map<String, Value>;

/// One message to one recipient.
#[derive(Clone, Serialize, Deserialize)]
pub struct Message {
    /// The recipient: an address, optionally with a display name. It is parsed before anything is sent.
    pub to: String,
    /// What the message is for.
    #[serde(rename = "type")]
    pub usage_type: UsageType,
    /// The template's variables, the code among them.
    #[serde(default)]
    pub payload: Payload,
    /// The address of the client that asked for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// The template in the recipient's language, where the host found one. It goes before the configured ones.
    #[serde(skip)]
    pub template: Option<Arc<CompiledTemplate>>,
    /// A key by which a provider that can recognises the same message sent twice.
    #[serde(skip)]
    pub idempotency_key: Option<String>,
}

impl Message {
    /// A message to `to` with the variables in `payload`.
    #[must_use]
    pub fn new(to: impl Into<String>, usage_type: UsageType, payload: Payload) -> Self {
        Self { to: to.into(), usage_type, payload, ip: None, template: None, idempotency_key: None }
    }

    /// Sets the localized template. Compile it once, and share it with every message that it is for:
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use connector_kit::{ContentType, EmailTemplate, Message, Payload, UsageType};
    ///
    /// let template = EmailTemplate {
    ///     subject: "Seu código".to_owned(),
    ///     content: "<p>Seu código é {{code}}.</p>".to_owned(),
    ///     content_type: ContentType::Html,
    ///     reply_to: None,
    ///     send_from: None,
    /// };
    /// let compiled = Arc::new(template.compile()?);
    /// let message = Message::new("ana@example.com", UsageType::SignIn, Payload::new()).with_template(compiled.clone());
    /// # let _ = message;
    /// # Ok::<(), connector_kit::Error>(())
    /// ```
    #[must_use]
    pub fn with_template(mut self, template: impl Into<Arc<CompiledTemplate>>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Everything that is beyond its limit: the payload, the usage type, the client's address.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = limits::of_texts([
            ("type", self.usage_type.as_str(), limits::MESSAGE_FIELD),
            ("ip", self.ip.as_deref().unwrap_or_default(), limits::MESSAGE_FIELD),
        ]);
        problems.extend(limits::of_payload(&self.payload).map(|fault| Problem::new("/payload", fault)));
        problems
    }

    /// The recipient, parsed. A connector begins with this, so the message's limits are checked here, too.
    ///
    /// # Errors
    /// `InvalidMessage` at `/to` unless it is exactly one mailbox, and for every one of [`Message::problems`].
    pub fn recipient(&self) -> Result<Mailbox, Error> {
        let problems = self.problems();
        if !problems.is_empty() {
            return Err(Error::invalid_messages(problems));
        }
        Mailbox::parse(&self.to).map_err(|fault| Error::invalid_message("/to", fault.to_string()))
    }
}

/// Shows the usage type only: the rest is personal or secret.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("type", &self.usage_type).finish_non_exhaustive()
    }
}

/// How a template's content is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[schemars(inline)]
pub enum ContentType {
    /// HTML: values are escaped, and a text alternative goes along.
    #[default]
    #[serde(rename = "text/html")]
    #[schemars(title = "HTML")]
    Html,
    /// Plain text.
    #[serde(rename = "text/plain")]
    #[schemars(title = "Plain text")]
    Plain,
}

impl ContentType {
    /// The media type.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Html => "text/html",
            Self::Plain => "text/plain",
        }
    }
}

/// A template chosen by locale before the connector sees the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmailTemplate {
    /// Subject, with variables.
    pub subject: String,
    /// Content, with variables.
    pub content: String,
    /// How to read the content; HTML unless said otherwise.
    #[serde(default)]
    pub content_type: ContentType,
    /// Reply-To, with variables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// Sender, with variables: a display name goes with the configured address, a full mailbox replaces it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_from: Option<String>,
}
