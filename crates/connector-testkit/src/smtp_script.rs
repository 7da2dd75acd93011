//! What the SMTP recorder offers and answers, step by step, in the shape the reference recordings use.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The server's side of the conversation.
///
/// Steps are `GREETING`, the commands in capitals (`EHLO`, `HELO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `RSET`,
/// `NOOP`, `QUIT`, …), `END` for the reply to a message's final dot, and two that only take `close`, `silent` and
/// `reset`: `TLS` (the handshake) and `BODY` (once the first bytes of a message have come after the 354).
///
/// An `AUTH` answer of 2xx, 535 or 454 is the verdict after the credentials; any other is given to the command at once.
/// A reply of 421 closes the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SmtpScript {
    /// EHLO's lines after the first. `STARTTLS` is left out once TLS is on, and honoured even where it is not listed.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// TLS from the first byte.
    #[serde(default)]
    pub implicit_tls: bool,
    /// Per step, the answers in turn (across all connections), the last one repeated.
    #[serde(default)]
    pub answers: BTreeMap<String, SmtpAnswers>,
}

impl SmtpScript {
    /// A script that offers these capabilities and answers as usual.
    #[must_use]
    pub fn offering(capabilities: &[&str]) -> Self {
        Self {
            capabilities: capabilities.iter().map(|capability| (*capability).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// TLS from the first byte.
    #[must_use]
    pub fn implicit_tls(mut self) -> Self {
        self.implicit_tls = true;
        self
    }

    /// Sets a step's answers, written as in the recordings: a reply, `close`, `silent`, `reset` or `default`.
    #[must_use]
    pub fn answer(self, step: &str, answers: &[&str]) -> Self {
        self.answer_with(step, answers.iter().map(|answer| SmtpAnswer::from(*answer)).collect())
    }

    /// Sets a step's answers.
    #[must_use]
    pub fn answer_with(mut self, step: &str, answers: Vec<SmtpAnswer>) -> Self {
        self.answers.insert(step.to_owned(), SmtpAnswers { answers, next: 0 });
        self
    }

    /// The answer whose turn it is at this step.
    pub(crate) fn take(&mut self, step: &str) -> SmtpAnswer {
        self.answers.get_mut(step).map_or(SmtpAnswer::Default, SmtpAnswers::take)
    }
}

/// The answers of one step.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct SmtpAnswers {
    answers: Vec<SmtpAnswer>,
    next: usize,
}

impl SmtpAnswers {
    fn take(&mut self) -> SmtpAnswer {
        let answer = self.answers.get(self.next).cloned().unwrap_or(SmtpAnswer::Default);
        self.next = (self.next + 1).min(self.answers.len().saturating_sub(1));
        answer
    }
}

/// What happens at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmtpAnswer {
    /// What a server that likes everything says.
    Default,
    /// This reply, lines parted by CRLF; the last line ends are added.
    Reply(String),
    /// This reply, then the connection is closed.
    ReplyAndClose(String),
    /// The connection is closed without a word.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing is ever said again.
    Silent,
    /// This, without the end of the line, then the connection is closed.
    Cut(String),
    /// This text over and over, so many bytes of it, made while they are sent.
    Endless(String, u64),
}

impl From<&str> for SmtpAnswer {
    fn from(written: &str) -> Self {
        match written {
            "default" => Self::Default,
            "close" => Self::Close,
            "reset" => Self::Reset,
            "silent" => Self::Silent,
            reply if reply.starts_with("421") => Self::ReplyAndClose(reply.to_owned()),
            reply => Self::Reply(reply.to_owned()),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for SmtpAnswers {
    fn from(written: OneOrMany) -> Self {
        let answers = match written {
            OneOrMany::One(answer) => vec![SmtpAnswer::from(answer.as_str())],
            OneOrMany::Many(answers) => answers.iter().map(|answer| SmtpAnswer::from(answer.as_str())).collect(),
        };
        Self { answers, next: 0 }
    }
}
