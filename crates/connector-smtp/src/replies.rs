//! What an SMTP server's replies mean.

use std::error::Error as _;

use connector_kit::{Delivery, Error, ErrorKind, ProviderAnswer, Redactor};

/// How far a session had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    StartTls,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// The message and its final dot.
    Content,
}

impl Stage {
    fn doing(self) -> &'static str {
        match self {
            Self::Greeting => "greeting",
            Self::StartTls => "STARTTLS",
            Self::Auth => "authentication",
            Self::Mail => "MAIL FROM",
            Self::Rcpt => "RCPT TO",
            Self::Data => "DATA",
            Self::Content => "the message",
        }
    }
}

/// A step of a session that failed.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) stage: Stage,
    pub(crate) cause: Cause,
}

#[derive(Debug)]
pub(crate) enum Cause {
    /// The server said no.
    Reply { code: u16, text: String },
    /// The connection was lost, or the server kept silent.
    Lost(String),
    /// The server said something that is not SMTP.
    Garbled,
}

impl Failure {
    pub(crate) fn of(stage: Stage, error: &lettre::transport::smtp::Error) -> Self {
        let source = error.source().map(ToString::to_string).unwrap_or_default();
        let cause = match error.status() {
            Some(code) => Cause::Reply { code: code.into(), text: source },
            None if source == "incomplete response" => Cause::Lost("the server closed the connection".to_owned()),
            None if error.is_response() => Cause::Garbled,
            None => Cause::Lost(source),
        };
        Self { stage, cause }
    }

    pub(crate) fn silent(stage: Stage, seconds: f64) -> Self {
        Self { stage, cause: Cause::Lost(format!("the server did not reply within {seconds} s")) }
    }

    /// Whether the connection may go on serving after this.
    pub(crate) fn leaves_connection(&self) -> bool {
        matches!(self.cause, Cause::Reply { code, .. } if code != 421)
    }

    /// Whether a kept connection turned out to be gone: a new one is worth the while.
    pub(crate) fn is_stale_connection(&self) -> bool {
        match &self.cause {
            Cause::Reply { code, .. } => *code == 421,
            Cause::Lost(_) => self.stage != Stage::Content,
            Cause::Garbled => false,
        }
    }

    /// The error to return. `redactor` takes what the server echoes out of its words.
    pub(crate) fn into_error(self, host: &str, redactor: &Redactor) -> Error {
        let stage = self.stage.doing();
        match self.cause {
            Cause::Lost(cause) => {
                let unknown = self.stage == Stage::Content;
                let delivery = if unknown { Delivery::Unknown } else { Delivery::NotSent };
                Error::new(ErrorKind::Unavailable, format!("{host}: {stage}: {cause}")).delivery_is(delivery)
            }
            Cause::Garbled => {
                let delivery = if self.stage == Stage::Content { Delivery::Unknown } else { Delivery::NotSent };
                Error::new(ErrorKind::InvalidResponse, format!("{host}: {stage}: the server's reply is not SMTP"))
                    .delivery_is(delivery)
                    .with_hint(
                        "is this an SMTP port? With secure off the server must greet in clear, with secure on in TLS",
                    )
            }
            Cause::Reply { code, text } => refusal(host, self.stage, code, &text, redactor),
        }
    }
}

fn refusal(host: &str, stage: Stage, code: u16, text: &str, redactor: &Redactor) -> Error {
    let enhanced = enhanced_status(text);
    let (kind, hint) = meaning(stage, code, enhanced, &text.to_ascii_lowercase());
    let error = Error::new(kind, format!("{host}: {}: {code} {}", stage.doing(), redactor.clean(text)))
        .with_provider(ProviderAnswer { status: Some(code), code: enhanced.map(str::to_owned), request_id: None });
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The enhanced status code (RFC 3463) at the start of a reply's text, such as `5.7.8`.
fn enhanced_status(text: &str) -> Option<&str> {
    let word = text.split_ascii_whitespace().next()?;
    let mut parts = word.split('.');
    let digits = |part: Option<&str>, most| {
        part.is_some_and(|part| (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let valid = digits(parts.next(), 1) && digits(parts.next(), 3) && digits(parts.next(), 3) && parts.next().is_none();
    valid.then_some(word)
}

/// What a refusal means, by RFC 5321 (codes), RFC 4954 (authentication), RFC 3463 (enhanced codes), and, where those
/// leave it open, by the words that servers use.
fn meaning(stage: Stage, code: u16, enhanced: Option<&str>, text: &str) -> (ErrorKind, Option<&'static str>) {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let temporary = (400..500).contains(&code);
    let quota = says(&["daily", "quota exceeded", "sending limit", "message limit", "sending quota", "limit exceeded"])
        && !says(&["mailbox", "over quota", "storage", "recipient", "size", "rate"]);
    if stage == Stage::Auth || matches!(code, 530 | 534 | 535 | 538) {
        return match code {
            400..500 => (ErrorKind::Unavailable, None),
            530 | 538 => {
                (ErrorKind::Unauthorized, Some("the server wants TLS or a user first: set requireTLS and auth"))
            }
            534 => (
                ErrorKind::Unauthorized,
                Some("the server wants a stronger way to sign in, such as an app password or OAuth2"),
            ),
            _ => (
                ErrorKind::Unauthorized,
                Some("check user and password; many providers want an app password or an SMTP credential"),
            ),
        };
    }
    // Gmail: 550 5.4.5 Daily user sending limit exceeded.
    if quota || enhanced == Some("5.4.5") {
        return (ErrorKind::QuotaExceeded, Some("the account's sending quota is used up"));
    }
    if temporary
        && (says(&["too many", "rate limit", "throttl", "too fast", "slow down"]) || enhanced == Some("4.7.28"))
    {
        return (ErrorKind::RateLimited, None);
    }
    if matches!(enhanced, Some("5.3.4" | "5.2.3")) || (code == 552 && says(&["size", "too large", "too big"])) {
        return (ErrorKind::Rejected, Some("the message is larger than the server takes: shorten the template"));
    }
    if matches!(enhanced, Some("5.2.2" | "4.2.2")) || says(&["mailbox full", "over quota", "mailbox is full"]) {
        let kind = if temporary { ErrorKind::Unavailable } else { ErrorKind::Rejected };
        return (kind, Some("the recipient's mailbox is full"));
    }
    if temporary {
        return (ErrorKind::Unavailable, None);
    }
    let hint = match (stage, enhanced) {
        (Stage::Mail, _) => Some("the server does not take this sender: fromEmail must belong to the account"),
        (Stage::StartTls, _) => Some("the server refuses STARTTLS: use port 465 with secure, if it has one"),
        (_, Some("5.7.1")) => Some("the server relays for known senders or users only: check auth and fromEmail"),
        (Stage::Rcpt, _) => Some("the server refuses this recipient"),
        _ => None,
    };
    (ErrorKind::Rejected, hint)
}
