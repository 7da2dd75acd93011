//! The one error of every connector: what happened, whether the message may have gone out, and what to do.

use std::{fmt, time::Duration};

use crate::{Problem, limits};

/// What went wrong, in terms a caller can act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot work; [`Error::problems`] lists every fault.
    InvalidConfig,
    /// No template for the usage type, and no `Generic` one.
    TemplateNotFound,
    /// The message itself is at fault: recipient, payload or template.
    InvalidMessage,
    /// The provider does not accept the credentials, or they may not send.
    Unauthorized,
    /// The provider refused this message for good.
    Rejected,
    /// Too many requests just now: wait and try again.
    RateLimited,
    /// A daily, monthly or paid-for amount is used up: retrying will not help.
    QuotaExceeded,
    /// Network trouble, a provider's fault or a temporary refusal.
    Unavailable,
    /// The provider answered something that cannot be understood.
    InvalidResponse,
    /// The provider does not offer this.
    NotImplemented,
}

impl ErrorKind {
    /// Every kind this version knows.
    pub const ALL: [Self; 10] = [
        Self::InvalidConfig,
        Self::TemplateNotFound,
        Self::InvalidMessage,
        Self::Unauthorized,
        Self::Rejected,
        Self::RateLimited,
        Self::QuotaExceeded,
        Self::Unavailable,
        Self::InvalidResponse,
        Self::NotImplemented,
    ];

    /// Logto's code for this kind.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidConfig => "invalid_config",
            Self::TemplateNotFound => "template_not_found",
            Self::InvalidMessage => "invalid_request_parameters",
            Self::Unauthorized => "authorization_failed",
            Self::Rejected | Self::Unavailable => "general",
            Self::RateLimited => "rate_limit_exceeded",
            Self::QuotaExceeded => "usage_limit_exceeded",
            Self::InvalidResponse => "invalid_response",
            Self::NotImplemented => "not_implemented",
        }
    }

    /// The kind's own name, as in this enum.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidConfig => "InvalidConfig",
            Self::TemplateNotFound => "TemplateNotFound",
            Self::InvalidMessage => "InvalidMessage",
            Self::Unauthorized => "Unauthorized",
            Self::Rejected => "Rejected",
            Self::RateLimited => "RateLimited",
            Self::QuotaExceeded => "QuotaExceeded",
            Self::Unavailable => "Unavailable",
            Self::InvalidResponse => "InvalidResponse",
            Self::NotImplemented => "NotImplemented",
        }
    }

    /// Whether the same message may succeed later, provided that it was not sent.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable => true,
            Self::InvalidConfig
            | Self::TemplateNotFound
            | Self::InvalidMessage
            | Self::Unauthorized
            | Self::Rejected
            | Self::QuotaExceeded
            | Self::InvalidResponse
            | Self::NotImplemented => false,
        }
    }

    /// Whether an error of this kind can only come before anything is sent.
    const fn is_before_sending(self) -> bool {
        match self {
            Self::InvalidConfig | Self::TemplateNotFound | Self::InvalidMessage | Self::NotImplemented => true,
            Self::Unauthorized
            | Self::Rejected
            | Self::RateLimited
            | Self::QuotaExceeded
            | Self::Unavailable
            | Self::InvalidResponse => false,
        }
    }
}

/// Whether a message that failed may have been accepted all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// The provider has certainly not accepted the message.
    NotSent,
    /// It may have: nobody vouches for the contrary.
    Unknown,
}

impl Delivery {
    /// `not_sent` or `unknown`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// What the provider said of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderAnswer {
    /// HTTP status or SMTP reply code.
    pub status: Option<u16>,
    /// The provider's own error code.
    pub code: Option<String>,
    /// The id to quote to the provider's support.
    pub request_id: Option<String>,
}

/// A send, a configuration or a message that failed.
///
/// Neither [`fmt::Display`] nor [`fmt::Debug`] ever shows a secret or the content of a message; text that comes from
/// a provider goes through [`crate::Redactor`] before it gets here.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Debug, Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    delivery: Delivery,
    retry_after: Option<Duration>,
    provider: Option<ProviderAnswer>,
    hint: Option<String>,
    problems: Vec<Problem>,
    of_recipient: bool,
    attempts: u32,
}

impl Error {
    /// An error of `kind`.
    ///
    /// What nothing is known of is unknown: unless [`Error::not_sent`] or [`Error::delivery_is`] says otherwise, the message
    /// may have been accepted. The kinds that can only come before anything is sent vouch by themselves: `InvalidConfig`,
    /// `TemplateNotFound`, `InvalidMessage` and `NotImplemented`.
    ///
    /// ```
    /// use connector_kit::{Delivery, Error, ErrorKind};
    ///
    /// assert_eq!(Error::new(ErrorKind::InvalidMessage, "no recipient").delivery(), Delivery::NotSent);
    /// let error = Error::new(ErrorKind::Unavailable, "mail.example.com: no route");
    /// assert_eq!(error.delivery(), Delivery::Unknown);
    /// assert!(error.not_sent().is_retryable());
    /// ```
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            delivery: if kind.is_before_sending() { Delivery::NotSent } else { Delivery::Unknown },
            retry_after: None,
            provider: None,
            hint: None,
            problems: Vec::new(),
            of_recipient: false,
            attempts: 0,
        }))
    }

    /// The configuration has `problems`.
    #[must_use]
    pub fn invalid_config(problems: Vec<Problem>) -> Self {
        Self::with_problems(ErrorKind::InvalidConfig, "the configuration is not valid", problems)
    }

    /// The message has one fault, at `pointer`.
    #[must_use]
    pub fn invalid_message(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_messages(vec![Problem::new(pointer, message)])
    }

    /// The message has `problems`.
    pub(crate) fn invalid_messages(problems: Vec<Problem>) -> Self {
        Self::with_problems(ErrorKind::InvalidMessage, "the message is not valid", problems)
    }

    fn with_problems(kind: ErrorKind, what: &str, problems: Vec<Problem>) -> Self {
        let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let mut error = Self::new(kind, format!("{what}: {}", listed.join("; ")));
        error.0.problems = problems;
        error
    }

    /// Vouches that the message is not sent: nothing of it was written, or the provider said no.
    #[must_use]
    pub fn not_sent(self) -> Self {
        self.delivery_is(Delivery::NotSent)
    }

    /// Sets whether the message may have been accepted.
    #[must_use]
    pub fn delivery_is(mut self, delivery: Delivery) -> Self {
        self.0.delivery = delivery;
        self
    }

    /// Sets how long the provider asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    /// Sets what the provider answered. Its code and id are cut at [`limits::PROVIDER_ID`] characters.
    #[must_use]
    pub fn with_provider(mut self, mut provider: ProviderAnswer) -> Self {
        for text in [&mut provider.code, &mut provider.request_id].into_iter().flatten() {
            limits::cut(text, limits::PROVIDER_ID);
        }
        self.0.provider = Some(provider);
        self
    }

    /// Sets what a person can do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Says that the recipient's address or mailbox is why.
    #[must_use]
    pub fn of_recipient(mut self) -> Self {
        self.0.of_recipient = true;
        self
    }

    /// Sets how many attempts were made.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the message may have been accepted all the same.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// How long to wait before the next attempt, where the provider says.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the provider answered, where it did.
    #[must_use]
    pub fn provider(&self) -> Option<&ProviderAnswer> {
        self.0.provider.as_ref()
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Every fault of a configuration or message, each with its JSON pointer.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// Whether the recipient's address or mailbox is known to be why.
    #[must_use]
    pub fn is_of_recipient(&self) -> bool {
        self.0.of_recipient || self.0.problems.iter().any(|problem| problem.pointer == "/to")
    }

    /// How many attempts were made; 0 when none was, because nothing was sent at all.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether sending the same message again is safe and may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.delivery == Delivery::NotSent && self.0.kind.is_temporary()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {}
