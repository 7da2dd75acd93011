//! Why a command failed, in the one form that every command reports it.

mod stored;

use std::{fmt::Write, path::Path, time::Duration};

use connector_kit::{Delivery, Error, ErrorKind, MailboxFault, Problem, ProviderAnswer};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::exit::Exit;

/// Logto's code for what the caller got wrong.
const INVALID_PARAMETERS: &str = "invalid_request_parameters";

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
    /// What only some kinds have: which limit fired, what would break.
    #[serde(flatten)]
    more: Map<String, Value>,
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
        Self::plain(Exit::Usage, INVALID_PARAMETERS, "Usage", message.into())
    }

    /// The result of a command could not be written.
    pub fn cannot_write(cause: &std::io::Error) -> Self {
        Self::plain(Exit::InputOutput, "general", "Output", format!("the result could not be written: {cause}"))
    }

    /// A file could not be written.
    pub fn cannot_write_to(path: &Path, cause: &std::io::Error) -> Self {
        let message = format!("{}: cannot be written: {cause}", path.display());
        Self::plain(Exit::InputOutput, "general", "Output", message)
    }

    /// This machine did not let a command do its work.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unavailable, message).not_sent().into()
    }

    /// The message, or the template that goes with it, has `problems`.
    pub fn invalid_message(problems: Vec<Problem>) -> Self {
        Self::invalid(ErrorKind::InvalidMessage.name(), "the message is not valid", problems)
    }

    /// The recipient is no address.
    pub fn invalid_recipient(fault: &MailboxFault) -> Self {
        Self::invalid_message(vec![Problem::new("/to", fault.to_string())])
    }

    /// A file cannot be read, or is not what it should be; `what` is a sentence that says which.
    pub fn invalid_file(what: &str, fault: String) -> Self {
        Self::invalid_input(what, vec![Problem::new("", fault)])
    }

    /// What was given has `problems`; `what` is a sentence that says which.
    pub fn invalid_input(what: &str, problems: Vec<Problem>) -> Self {
        Self::invalid("InvalidInput", what, problems)
    }

    fn invalid(kind: &'static str, what: &str, problems: Vec<Problem>) -> Self {
        let listed: Vec<String> = problems.iter().map(ToString::to_string).collect();
        let message = format!("{what}: {}", listed.join("; "));
        let mut failure = Self::plain(Exit::BadInput, INVALID_PARAMETERS, kind, message);
        failure.0.error.problems = problems;
        failure
    }

    /// A failure that the kit's errors have no word for.
    pub fn plain(exit: Exit, code: &'static str, kind: &'static str, message: String) -> Self {
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
            more: Map::new(),
        };
        Self::new(exit, 0, body)
    }

    /// Says that trying again may help, and after how long where that is known.
    pub fn retryable(mut self, after: Option<Duration>) -> Self {
        self.0.error.retryable = true;
        self.0.error.retry_after_seconds = after.map(whole_seconds);
        self
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.error.hint = Some(hint.into());
        self
    }

    /// Adds a member that only this kind of failure has.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.error.more.insert(name.to_owned(), value.into());
        self
    }

    fn new(exit: Exit, attempts: u32, error: Body) -> Self {
        Self(Box::new(Inner { status: "failed", connector: None, attempts, error, exit }))
    }

    /// Says in front which part of the input it is about.
    pub fn within(mut self, part: &str) -> Self {
        let Body { message, problems, .. } = &mut self.0.error;
        message.insert_str(0, &format!("{part}: "));
        // One that concerns the whole of the part says it all, so it says which part, too.
        for problem in problems.iter_mut().filter(|problem| problem.pointer.is_empty()) {
            problem.message.insert_str(0, &format!("{part}: "));
        }
        self
    }

    /// Names the connector.
    pub fn of(mut self, connector: &str) -> Self {
        self.0.connector = Some(connector.to_owned());
        self
    }

    /// Names the connector, where it is known.
    pub fn of_some(self, connector: Option<&str>) -> Self {
        match connector {
            Some(connector) => self.of(connector),
            None => self,
        }
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
            retry_after_seconds: error.retry_after().map(whole_seconds),
            provider: provider.map(|ProviderAnswer { status, code, request_id }| Provider { status, code, request_id }),
            hint: error.hint().map(str::to_owned),
            problems: error.problems().to_vec(),
            more: Map::new(),
        };
        Self::new(Exit::of(&error), error.attempts(), body)
    }
}

/// Rounded up: trying a moment too early would fail again.
fn whole_seconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX)
}
