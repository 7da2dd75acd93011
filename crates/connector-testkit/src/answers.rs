//! A provider's answers as data: each connector's `tests/answers.json` says what the provider answers, where that is
//! documented, and what must become of it. The check [`conformance::answers`](crate::conformance::answers) sends a
//! message for every row.
//!
//! ```json
//! [
//!   {
//!     "case": "The from address is not verified",
//!     "source": "https://docs.example.com/errors",
//!     "answer": { "status": 403, "headers": { "retry-after": "30" }, "json": { "message": "unverified" } },
//!     "becomes": { "kind": "Rejected", "delivery": "not_sent", "says": "unverified", "hint": "verify it" }
//!   }
//! ]
//! ```
//!
//! - `case`: a short sentence for people, the row's name.
//! - `source`: where the answer is documented or was logged: a URL, or words where there is none.
//! - `answer`: over HTTP the answer as the recordings write it, over SMTP `{"step", "reply"}`, lines parted by CRLF.
//!   With `"to": "token"` it is the answer to the request that carries no message, such as the one for an access token,
//!   and the message must not go out.
//! - `becomes`: `kind`, `delivery`, and of `retryAfterSeconds`, `code` and `requestId` those that the error has. `says`
//!   is a part of the error's text, `hint` a part of its hint; without `hint` there is none. An acceptance is
//!   `{"sent": true, "messageId": "…"}`, in which `{{any}}` stands for what the connector makes up.
//!
//! Any text of an answer may hold `{{date+90}}`, the time ninety seconds from now as `Sun, 06 Nov 1994 08:49:37`
//! without its zone, and `{{unix-30}}`, the time thirty seconds ago in seconds since 1970. The message sent goes to
//! `Ann Recipient <ann.recipient@example.org>` with the code `739-126`: an answer that quotes them shows that they are
//! redacted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Answer;

/// One row: an answer, and what must become of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerCase {
    /// What it is about, in a sentence without a full stop.
    pub case: String,
    /// Where the answer is documented or was logged.
    pub source: String,
    /// The answer as written.
    answer: Map<String, Value>,
    /// What must become of it.
    pub becomes: Becomes,
}

/// What must become of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub enum Becomes {
    /// The message is sent.
    Sent {
        /// The receipt's message id.
        message_id: Option<String>,
    },
    /// The send fails.
    Failed(Failure),
}

/// How a send fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the error's kind.
    pub kind: String,
    /// `not_sent` or `unknown`.
    pub delivery: String,
    /// How long to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// The provider's own code.
    pub code: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// A part of the error's text; empty where nothing is asked of it.
    pub says: String,
    /// A part of the hint; none where there is no hint.
    pub hint: Option<String>,
}

/// An answer ready to be given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// Over HTTP, to the message.
    ToMessage(Answer),
    /// Over HTTP, to the request that carries no message.
    ToToken(Answer),
    /// Over SMTP.
    Reply {
        /// The step that is answered, as in an [`SmtpScript`](crate::SmtpScript).
        step: String,
        /// The reply, lines parted by CRLF.
        reply: String,
    },
}

/// The rows of an `answers.json`.
///
/// # Panics
///
/// When the file is not as this module describes it.
#[must_use]
pub fn answer_cases(json: &str) -> Vec<AnswerCase> {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("answers.json: {error}"))
}

impl AnswerCase {
    /// The answer, its times counted from `now`.
    ///
    /// # Panics
    ///
    /// When it is written neither as an HTTP answer nor as an SMTP reply.
    #[must_use]
    pub fn given(&self, now: SystemTime) -> Given {
        let mut answer = self.answer.clone();
        answer.values_mut().for_each(|value| self.fill_in(value, now));
        let to = answer.shift_remove("to");
        let is_reply = answer.contains_key("reply");
        let answer = Value::Object(answer);
        let unreadable = |error: serde_json::Error| -> ! { panic!("{}: its answer: {error}", self.case) };
        match (to.as_ref().map(Value::as_str), is_reply) {
            (None, true) => {
                let SmtpReply { step, reply } =
                    serde_json::from_value(answer).unwrap_or_else(|error| unreadable(error));
                Given::Reply { step, reply }
            }
            (None, false) => Given::ToMessage(serde_json::from_value(answer).unwrap_or_else(|error| unreadable(error))),
            (Some(Some("token")), false) => {
                Given::ToToken(serde_json::from_value(answer).unwrap_or_else(|error| unreadable(error)))
            }
            (Some(_), _) => panic!("{}: an HTTP answer may be to \"token\", nothing else", self.case),
        }
    }

    /// Whether the answer holds a time counted from now.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        Value::Object(self.answer.clone()).to_string().contains("{{")
    }

    fn fill_in(&self, value: &mut Value, now: SystemTime) {
        match value {
            Value::String(text) => *text = self.filled_in(text, now),
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill_in(item, now)),
            Value::Object(members) => members.values_mut().for_each(|member| self.fill_in(member, now)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn filled_in(&self, text: &str, now: SystemTime) -> String {
        let mut parts = text.split("{{");
        let mut filled = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let time = part.split_once("}}").and_then(|(name, rest)| Some((time(name, now)?, rest)));
            let (time, rest) = time.unwrap_or_else(|| panic!("{}: no such placeholder: {{{{{part}", self.case));
            filled.push_str(&time);
            filled.push_str(rest);
        }
        filled
    }
}

/// The text for `date+90` or `unix-30`.
fn time(name: &str, now: SystemTime) -> Option<String> {
    let (form, offset) = name.split_at_checked(4)?;
    let offset: i64 = offset.parse().ok().filter(|_| offset.starts_with(['+', '-']))?;
    let since_1970 = now.duration_since(UNIX_EPOCH).ok()?.as_secs().checked_add_signed(offset)?;
    match form {
        "date" => {
            let date = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(since_1970));
            Some(date.trim_end_matches(" GMT").to_owned())
        }
        "unix" => Some(since_1970.to_string()),
        _ => None,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SmtpReply {
    step: String,
    reply: String,
}

/// What becomes of an answer, as it is written.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    sent: Option<bool>,
    message_id: Option<String>,
    kind: Option<String>,
    delivery: Option<String>,
    retry_after_seconds: Option<u64>,
    code: Option<String>,
    request_id: Option<String>,
    says: Option<String>,
    hint: Option<String>,
}

impl TryFrom<Written> for Becomes {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let Written { sent, message_id, kind, delivery, retry_after_seconds, code, request_id, says, hint } = written;
        match (sent, message_id, kind, delivery) {
            (Some(true), message_id, None, None) => {
                let nothing_more =
                    (retry_after_seconds, code, request_id, says, hint) == (None, None, None, None, None);
                if nothing_more { Ok(Self::Sent { message_id }) } else { Err("an acceptance has a messageId at most") }
            }
            (None, None, Some(kind), Some(delivery)) => Ok(Self::Failed(Failure {
                kind,
                delivery,
                retry_after: retry_after_seconds.map(Duration::from_secs),
                code,
                request_id,
                says: says.unwrap_or_default(),
                hint,
            })),
            _ => Err("an answer becomes either sent: true, or a kind and a delivery"),
        }
    }
}
