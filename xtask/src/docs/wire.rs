//! What was seen of the connectors on the wire: by the program `wire`, which sends each one's example.

use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What `wire` printed.
#[derive(Deserialize)]
pub struct Wire {
    pub kinds: Vec<Kind>,
    pub policy: Policy,
    pub connectors: BTreeMap<String, Observed>,
}

/// How often and how long is tried, unless set otherwise.
#[derive(Deserialize)]
pub struct Policy {
    pub attempts: u32,
    pub seconds: u64,
}

/// A kind of error.
#[derive(Deserialize)]
pub struct Kind {
    pub name: String,
    pub code: String,
    pub temporary: bool,
    /// The exit code, where no provider is needed to see it.
    pub exit: Option<i32>,
}

/// What was seen of one connector.
#[derive(Deserialize)]
pub struct Observed {
    /// The language of the blocks.
    language: String,
    /// What was sent, block by block.
    sent: Vec<String>,
    /// The answer for success, where it does not stand in the block.
    answer: Option<String>,
    /// What each answer became.
    pub answers: Vec<Row>,
}

/// An answer, and what it became.
#[derive(Deserialize)]
pub struct Row {
    /// What the answer means.
    pub means: String,
    /// Where it is documented.
    pub source: String,
    /// What was answered: a step of SMTP, the request for a token; the message otherwise.
    pub at: Option<String>,
    /// The answer in short.
    pub answer: String,
    pub exit: i32,
    /// None where the message is sent.
    pub error: Option<Failure>,
}

/// The error as `email-connectors send --json` says it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    pub code: String,
    pub kind: String,
    pub delivery: String,
    pub retryable: bool,
    pub retry_after_seconds: Option<u64>,
    pub provider: Option<Provider>,
    pub hint: Option<String>,
}

/// What the error says of the provider's answer.
#[derive(Deserialize)]
pub struct Provider {
    pub code: Option<String>,
}

impl Wire {
    /// Reads what `wire` printed.
    pub fn read(printed: &str) -> Result<Self> {
        serde_json::from_str(printed).context("not what `wire` prints")
    }
}

/// The section of the page that shows the example.
pub fn section(observed: &Observed) -> String {
    let Observed { language, sent, answer, .. } = observed;
    let block = |text: &str| format!("```{language}\n{text}\n```\n");
    let mut section = format!(
        "## On the wire\n\nThe example configuration of the set-up guide with a sign-in code, as it was sent when this page was made. \
         `<…>` stands for secrets, and for what differs from send to send{}.\n",
        if language == "http" { "; forms are shown decoded, a field to a line" } else { "" },
    );
    for request in sent {
        section += &format!("\n{}", block(request));
    }
    match answer {
        Some(answer) => section += &format!("\nAccepted, when the answer is such as this:\n\n{}", block(answer)),
        None => section += "\nThe connection is kept for the messages to come.\n",
    }
    section
}
