//! The file in which our Python and Node servers write down what happened, one JSON object a line.

use crate::Mail;
use anyhow::{Context as _, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, de::DeserializeOwned};
use std::path::Path;

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Event {
    Connection,
    Mail {
        from: String,
        to: Vec<String>,
        content: String,
        helo: String,
        tls: bool,
        user: Option<String>,
        mechanism: Option<String>,
        parameters: Vec<String>,
    },
}

/// Every line of the journal.
pub(crate) fn events<E: DeserializeOwned>(file: &Path) -> Result<Vec<E>> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error).with_context(|| format!("reading {}", file.display())),
    };
    // A line without its end is still being written: it counts the next time.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("{}: not an event: {line}", file.display())))
        .collect()
}

pub(crate) fn connections(file: &Path) -> Result<usize> {
    Ok(events::<Event>(file)?.iter().filter(|event| matches!(event, Event::Connection)).count())
}

pub(crate) fn mails(file: &Path) -> Result<Vec<Mail>> {
    let mut mails = Vec::new();
    for event in events::<Event>(file)? {
        if let Event::Mail { from, to, content, helo, tls, user, mechanism, parameters } = event {
            let content = STANDARD.decode(content).context("the journal's message is not base64")?;
            mails.push(Mail { from, to, content, helo, tls, user, mechanism, parameters });
        }
    }
    Ok(mails)
}
