//! What an SMTP server's replies mean.

use std::{error::Error as _, io, time::Duration};

use connector_kit::{Delivery, Error, ErrorKind, ProviderAnswer, Redactor};

/// How far a session had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Greeting,
    StartTls,
    Auth,
    /// Taking back the envelope of a message that was refused.
    Reset,
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
            Self::Reset => "RSET",
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
    /// The server does not offer what is needed.
    NotOffered(&'static str),
    /// The connection was lost, or the server kept silent.
    Lost(String),
    /// The server said something that is not SMTP, or not an answer to what it was asked; where it is known, what is wrong.
    Garbled(Option<String>),
    /// The credentials make a longer line than SMTP allows.
    TooLong,
}

impl Failure {
    pub(crate) fn of(stage: Stage, error: &lettre::transport::smtp::Error) -> Self {
        let source = error.source();
        let text = source.map(ToString::to_string).unwrap_or_default();
        let broken_off = source.and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
        let unreadable = broken_off == Some(io::ErrorKind::InvalidData);
        let cause = match error.status() {
            Some(code) => Cause::Reply { code: code.into(), text },
            None if text == "incomplete response" => Cause::Lost("the server closed the connection".to_owned()),
            None if unreadable => Cause::Garbled(Some(text)),
            None if error.is_response() => Cause::Garbled(None),
            None => Cause::Lost(text),
        };
        Self { stage, cause }
    }

    /// The send was given up before its content was written.
    pub(crate) fn given_up(error: &connector_kit::Error) -> Self {
        Self { stage: Stage::Data, cause: Cause::Lost(error.to_string()) }
    }

    pub(crate) fn silent(stage: Stage, limit: Duration) -> Self {
        Self { stage, cause: Cause::Lost(format!("the server did not reply within {limit:?}")) }
    }

    /// Whether the server has judged the user, the password or the token, and will not have them.
    pub(crate) fn is_refusal_of_credentials(&self) -> bool {
        self.stage == Stage::Auth
            && matches!(self.cause, Cause::Reply { code: 500..600, .. })
            && !self.is_of_the_mechanism()
    }

    /// Whether the server cannot be signed in to by this mechanism, or not now, which says nothing of the credentials: RFC
    /// 4954, 4 and 6, has a client take another one. Not where the server asks for less of everything.
    pub(crate) fn is_of_the_mechanism(&self) -> bool {
        let Cause::Reply { code, text } = &self.cause else { return false };
        let enhanced = enhanced_status(text).unwrap_or_default();
        let is_of_the_mechanism = match code {
            421 => false,
            ..500 => is_limit(enhanced, &text.to_ascii_lowercase()).is_none(),
            _ => is_of_the_protocol(*code, enhanced) || matches!(code, 534 | 538),
        };
        self.stage == Stage::Auth && is_of_the_mechanism
    }

    /// Whether the server may answer otherwise later.
    pub(crate) fn is_temporary(&self) -> bool {
        matches!(self.cause, Cause::Reply { code: ..500, .. })
    }

    /// Whether a session that has served before may be what the server refuses, rather than this message: 452 "too many
    /// messages in this session" and the like.
    pub(crate) fn may_be_of_the_session(&self) -> bool {
        self.is_temporary() || (self.stage == Stage::Mail && matches!(self.cause, Cause::Reply { .. }))
    }

    /// Whether the connection may go on serving after this.
    pub(crate) fn leaves_connection(&self) -> bool {
        matches!(self.cause, Cause::Reply { code, .. } if code != 421) || matches!(self.cause, Cause::NotOffered(_))
    }

    /// Whether a kept connection turned out to be gone: a new one is worth the while.
    pub(crate) fn is_stale_connection(&self) -> bool {
        match &self.cause {
            Cause::Reply { code, .. } => *code == 421 || self.stage == Stage::Reset,
            Cause::Lost(_) => self.stage != Stage::Content,
            Cause::Garbled(_) => self.stage == Stage::Reset,
            Cause::NotOffered(_) | Cause::TooLong => false,
        }
    }

    /// The error to return. `redactor` takes what the server echoes out of its words.
    pub(crate) fn into_error(self, host: &str, redactor: &Redactor) -> Error {
        let stage = self.stage.doing();
        let delivery = if self.stage == Stage::Content { Delivery::Unknown } else { Delivery::NotSent };
        let error = match self.cause {
            Cause::Reply { code, text } => return refusal(host, self.stage, code, &text, redactor),
            Cause::NotOffered(what) => {
                let error = Error::new(ErrorKind::Unauthorized, format!("{host}: the server does not offer {what}"));
                return error
                    .not_sent()
                    .with_hint("many servers offer it only after STARTTLS: check port, secure and ignoreTLS");
            }
            Cause::Lost(cause) => Error::new(ErrorKind::Unavailable, format!("{host}: {stage}: {cause}")),
            Cause::TooLong => {
                let what =
                    "the user with the password or token makes a line longer than the 12288 octets that SMTP allows";
                Error::new(ErrorKind::InvalidConfig, format!("{host}: {stage}: {what}"))
            }
            Cause::Garbled(fault) => {
                let fault = fault.unwrap_or_else(|| "the server's reply is not SMTP".to_owned());
                Error::new(ErrorKind::InvalidResponse, format!("{host}: {stage}: {fault}"))
            }
        };
        let error = error.delivery_is(delivery);
        match self.stage {
            Stage::Greeting => error.with_hint(
                "is this an SMTP port? With secure off the server must greet in clear, with secure on in TLS",
            ),
            _ => error,
        }
    }
}

fn refusal(host: &str, stage: Stage, code: u16, text: &str, redactor: &Redactor) -> Error {
    let enhanced = enhanced_status(text);
    let says = redactor.clean(text);
    // Read without what it echoes: an address may hold any word.
    let (kind, hint) = meaning(stage, code, enhanced.unwrap_or_default(), &says.to_ascii_lowercase());
    let error = Error::new(kind, format!("{host}: {}: {code} {says}", stage.doing()))
        .not_sent()
        .with_provider(ProviderAnswer { status: Some(code), code: enhanced.map(str::to_owned), request_id: None });
    let error =
        if is_of_recipient(stage, code, enhanced, &says.to_ascii_lowercase()) { error.of_recipient() } else { error };
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

/// Whether the recipient's address or mailbox is why, rather than the sender, the server or a limit.
fn is_of_recipient(stage: Stage, code: u16, enhanced: Option<&str>, text: &str) -> bool {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match enhanced {
        Some(status) => is_status_of_recipient(status),
        // RFC 5321, 4.2.3. Greylisting borrows these codes.
        None if stage == Stage::Rcpt && matches!(code, 450 | 452 | 550..=553) => {
            let names_it = says(&["mailbox", "user", "recipient", "account", "address", "quota", "storage"]);
            names_it
                && is_limit("", text).is_none()
                && !says(&["greylist", "graylist", "grey list", "postgrey", "relay"])
        }
        None => false,
    }
}

/// Whether an enhanced status code is of the recipient's address or mailbox (RFC 3463, 3.2 and 3.3; RFC 7505, 4.1), rather
/// than of the sender's.
fn is_status_of_recipient(code: &str) -> bool {
    let mut parts = code.split('.');
    match [parts.next(), parts.next(), parts.next()] {
        [Some("4" | "5"), Some("1"), Some(detail)] => matches!(detail, "0" | "1" | "2" | "3" | "4" | "6" | "10"),
        // 4.2.0 says nothing of the mailbox (RFC 3463, 3.3): greylisting is commonly reported so.
        [Some("4"), Some("2"), Some(detail)] => matches!(detail, "1" | "2" | "3" | "4"),
        [Some("5"), Some("2"), Some(_)] => true,
        _ => false,
    }
}

/// An amount of the account is used up: Gmail, Amazon SES, SendGrid, Microsoft 365, cPanel's Exim.
const QUOTA: [&str; 14] = [
    "daily user sending",
    "daily sending",
    "daily message",
    "daily quota",
    "daily limit",
    "sending quota",
    "sending limit",
    "message quota",
    "monthly limit",
    "monthly quota",
    "credits exceeded",
    "emails per hour",
    "submissionquotaexceeded",
    "storedrv.submission.exception:quotaexceeded",
];
/// Too much at once: Gmail, Amazon SES, Microsoft 365, Postfix.
const BURST: [&str; 14] = [
    "too many",
    "too much mail",
    "too fast",
    "too quickly",
    "too frequent",
    "slow down",
    "throttl",
    "rate limit",
    "rate exceeded",
    "at a rate",
    "unusual rate",
    "relay limit exceeded",
    "per second",
    "per minute",
];
/// More connections than the server takes from one client or mailbox: Microsoft 365 takes three.
const CONNECTIONS: [&str; 3] = ["concurrent connection", "thread limit exceeded", "connections from"];

/// Whether a limit is why, and which: an amount that is used up, or, with a temporary refusal, too much at once.
fn is_limit(enhanced: &str, text: &str) -> Option<(ErrorKind, Option<&'static str>)> {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // Gmail: 550 5.4.5 Daily user sending limit exceeded.
    if says(&QUOTA) || enhanced == "5.4.5" {
        return Some((ErrorKind::QuotaExceeded, Some("the account's sending quota, or its own mailbox, is used up")));
    }
    if says(&CONNECTIONS) {
        let hint = "the server takes fewer connections at once: send less in parallel, or through several accounts";
        return Some((ErrorKind::RateLimited, Some(hint)));
    }
    (says(&BURST) || enhanced == "4.7.28").then_some((ErrorKind::RateLimited, None))
}

/// Whether a refusal of AUTH is of the command, not of the credentials: RFC 5321, 4.2.1 (500 to 504), RFC 3463 (x.5.x), and
/// 555 of servers for which the line is too long (Gmail).
fn is_of_the_protocol(code: u16, enhanced: &str) -> bool {
    matches!(code, 500..=504 | 555) || (enhanced.starts_with("5.5.") && code != 535)
}

/// What a refusal means, by RFC 5321 (codes), RFC 4954 (authentication), RFC 3463 (enhanced codes), and, where those
/// leave it open, by the words that servers use. `text` is in lower case.
fn meaning(stage: Stage, code: u16, enhanced: &str, text: &str) -> (ErrorKind, Option<&'static str>) {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let is_temporary = code < 500;
    match is_limit(enhanced, text) {
        Some((ErrorKind::RateLimited, _)) if !is_temporary => {}
        Some(limit) => return limit,
        None => {}
    }
    if stage == Stage::Auth || matches!(code, 530 | 534 | 535 | 538) {
        return authentication(code, enhanced, text);
    }
    if matches!(enhanced, "5.3.4" | "5.2.3") || (code == 552 && says(&["size", "too large", "too big"])) {
        return (ErrorKind::Rejected, Some("the message is larger than the server takes: shorten the template"));
    }
    if matches!(enhanced, "5.2.2" | "4.2.2") || says(&["mailbox full", "mailbox is full", "over quota"]) {
        let kind = if is_temporary { ErrorKind::Unavailable } else { ErrorKind::Rejected };
        return (kind, Some("the recipient's mailbox is full"));
    }
    if is_temporary {
        let hint = "the server puts off senders that it does not know yet; it takes the message some minutes later";
        return (ErrorKind::Unavailable, says(&["greylist", "graylist"]).then_some(hint));
    }
    let hint = match stage {
        Stage::Greeting => Some("the server turns this client away: for its address, or for its name (`name`)"),
        Stage::StartTls => Some("the server refuses STARTTLS: use port 465 with secure, if it has one"),
        Stage::Mail => Some("the server does not take this sender: fromEmail must belong to the account"),
        Stage::Rcpt if says(&["relay"]) => Some("the server relays for known users or addresses only: check auth"),
        Stage::Rcpt => Some("the server refuses this recipient"),
        _ if says(&["not verified", "sendas", "send as", "sender"]) => {
            Some("the server does not take this sender: fromEmail must belong to the account, and be verified there")
        }
        _ if enhanced.starts_with("5.7.") || says(&["spam", "dmarc", "policy"]) => {
            Some("the server refuses the content or the sender's domain: check its SPF, DKIM and DMARC records")
        }
        _ => None,
    };
    (ErrorKind::Rejected, hint)
}

fn authentication(code: u16, enhanced: &str, text: &str) -> (ErrorKind, Option<&'static str>) {
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let hint = match code {
        // RFC 4954: the server wants the password set anew, or another way to sign in used once.
        432 if enhanced == "4.7.12" => "the server wants the password changed first",
        ..500 => return (ErrorKind::Unavailable, None),
        _ if is_of_the_protocol(code, enhanced) => {
            let hint = "the server did not take the command to sign in, and has not judged user or password: does it take \
                        passwords, or OAuth2 alone? Is this its port for submission?";
            return (ErrorKind::Rejected, Some(hint));
        }
        530 | 538 => "the server wants TLS or a user first: set requireTLS and auth",
        // Microsoft 365.
        _ if enhanced == "5.7.139" || enhanced == "5.7.30" || says(&["smtpclientauthentication"]) => {
            "signing in by password is switched off for this mailbox or tenant: use OAuth2, or allow SMTP AUTH"
        }
        534 => "the server wants a stronger way to sign in, such as an app password or OAuth2",
        _ => "check user and password; many providers want an app password or an SMTP credential",
    };
    (ErrorKind::Unauthorized, Some(hint))
}
