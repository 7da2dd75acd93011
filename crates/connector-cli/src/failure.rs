//! Why a command failed, in the one form that every command reports it.

use std::fmt::Write;

use connector_kit::{Delivery, Error, ErrorKind, Problem, ProviderAnswer};
use serde::Serialize;

use crate::exit::Exit;

/// A failure: for programs as JSON, for people as text.
#[derive(Debug, Serialize)]
pub struct Failure(Box<Inner>);

#[derive(Debug, Serialize)]
struct Inner {
    status: &'static str,
    /// The connector's id, or what was given in its place.
    connector: Option<String>,
    attempts: u32,
    error: Body,
    #[serde(skip)]
    exit: Exit,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    code: &'static str,
    kind: &'static str,
    message: String,
    delivery: &'static str,
    retryable: bool,
    retry_after_seconds: Option<u64>,
    provider: Option<Provider>,
    hint: Option<String>,
    problems: Vec<Problem>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    status: Option<u16>,
    code: Option<String>,
    request_id: Option<String>,
}

impl Failure {
    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::plain(Exit::Usage, "invalid_request_parameters", "Usage", message.into())
    }

    /// The result of a command could not be written.
    pub fn cannot_write(cause: &std::io::Error) -> Self {
        Self::plain(Exit::CannotWrite, "general", "Output", format!("the result could not be written: {cause}"))
    }

    /// This machine did not let a command do its work.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unavailable, message).into()
    }

    /// The message, or the template that goes with it, has `problems`.
    pub fn invalid_message(problems: Vec<Problem>) -> Self {
        let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let mut failure: Self = Error::new(ErrorKind::InvalidMessage, listed.join("; ")).into();
        failure.0.error.message.insert_str(0, "the message is not valid: ");
        failure.0.error.problems = problems;
        failure
    }

    /// A failure that the kit's errors have no word for.
    fn plain(exit: Exit, code: &'static str, kind: &'static str, message: String) -> Self {
        let body = Body {
            code,
            kind,
            message,
            delivery: Delivery::NotSent.as_str(),
            retryable: false,
            retry_after_seconds: None,
            provider: None,
            hint: None,
            problems: Vec::new(),
        };
        Self::new(exit, 0, body)
    }

    fn new(exit: Exit, attempts: u32, error: Body) -> Self {
        Self(Box::new(Inner { status: "failed", connector: None, attempts, error, exit }))
    }

    /// Names the connector.
    pub fn of(mut self, connector: &str) -> Self {
        self.0.connector = Some(connector.to_owned());
        self
    }

    /// How the process ends.
    pub fn exit(&self) -> Exit {
        self.0.exit
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.error.message
    }

    /// The failure for people: what happened, where, and what to do.
    pub fn explain(&self, error_word: &str) -> String {
        let Body { message, problems, hint, provider, retry_after_seconds, .. } = &self.0.error;
        // A message that lists the problems is cut before the list: they follow, one to a line. A single one that
        // concerns the whole file says it all.
        let (what, problems) = match problems.as_slice() {
            [only] if only.pointer.is_empty() => (only.message.as_str(), &[][..]),
            problems => match problems.first().and_then(|first| message.find(&first.to_string())) {
                Some(at) => (message[..at].trim_end_matches([':', ' ']), problems),
                None => (message.as_str(), problems),
            },
        };
        let mut text = format!("{error_word} {what}\n");
        // Writing to a string does not fail.
        for problem in problems {
            let _ = writeln!(text, "  {problem}");
        }
        if let Some(hint) = hint {
            let _ = writeln!(text, "  hint: {hint}");
        }
        let provider = provider.as_ref().map(Provider::explain).unwrap_or_default();
        if !provider.is_empty() {
            let _ = writeln!(text, "  the provider's answer: {provider}");
        }
        if let Some(seconds) = retry_after_seconds {
            let _ = writeln!(text, "  try again in {seconds} s");
        }
        if self.0.attempts > 1 {
            let _ = writeln!(text, "  {} attempts were made", self.0.attempts);
        }
        if self.0.exit == Exit::Unknown {
            let _ = writeln!(text, "  the message may have been sent all the same: look before sending it again");
        }
        text
    }
}

impl Provider {
    fn explain(&self) -> String {
        let status = self.status.map(|status| format!("status {status}"));
        let code = self.code.as_ref().map(|code| format!("code {code}"));
        let request_id = self.request_id.as_ref().map(|id| format!("request id {id}"));
        [status, code, request_id].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let provider = error.provider().cloned();
        let body = Body {
            code: error.kind().code(),
            kind: error.kind().name(),
            message: error.to_string(),
            delivery: error.delivery().as_str(),
            retryable: error.is_retryable(),
            // Rounded up: trying a moment too early would fail again.
            retry_after_seconds: error.retry_after().map(|wait| wait.as_millis().div_ceil(1000) as u64),
            provider: provider.map(|ProviderAnswer { status, code, request_id }| Provider { status, code, request_id }),
            hint: error.hint().map(str::to_owned),
            problems: error.problems().to_vec(),
        };
        Self::new(Exit::of(&error), error.attempts(), body)
    }
}

impl From<connector_registry::Error> for Failure {
    fn from(error: connector_registry::Error) -> Self {
        match error {
            connector_registry::Error::Send(error) | connector_registry::Error::InvalidConfig(error) => error.into(),
            other => Self::unavailable(other.to_string()),
        }
    }
}
