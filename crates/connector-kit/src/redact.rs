//! Text from a provider, made fit for an error or a log.

use serde_json::Value;

use crate::{Message, Secret};

/// Longest text kept, in characters: enough for any provider's sentence, too short for an echoed mail.
const TEXT_MAX: usize = 300;
/// Shorter values than this are everyday words and digits; blanking them would blank the text.
const VALUE_MIN: usize = 3;
const BLANK: &str = "[redacted]";

/// Takes secrets and message content out of what a provider says.
///
/// Providers echo what they were sent. Made on the way of an error only, so it may take its time.
#[derive(Default)]
pub struct Redactor {
    hidden: Vec<String>,
}

impl Redactor {
    /// Hides the recipient, the client's address and every value of the payload.
    #[must_use]
    pub fn of_message(message: &Message) -> Self {
        let mut redactor = Self::default();
        redactor.hide(&message.to);
        if let Ok(recipient) = message.recipient() {
            redactor.hide(recipient.address());
        }
        message.ip.iter().for_each(|ip| redactor.hide(ip));
        message.payload.values().for_each(|value| redactor.hide_value(value));
        redactor
    }

    /// Hides a secret as well.
    #[must_use]
    pub fn and_secret(mut self, secret: &Secret) -> Self {
        self.hide(secret.expose());
        self
    }

    /// Hides rendered content as well.
    #[must_use]
    pub fn and_text(mut self, text: &str) -> Self {
        self.hide(text);
        self
    }

    fn hide(&mut self, text: &str) {
        if text.chars().count() >= VALUE_MIN {
            self.hidden.push(text.to_owned());
        }
    }

    fn hide_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Number(number) => self.hide(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.hide_value(item)),
            Value::Object(members) => members.values().for_each(|member| self.hide_value(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// `text` on one line, shortened, with everything hidden blanked out in whatever case it is written.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let mut clean: String = text.split(|c: char| c.is_control()).collect::<Vec<_>>().join(" ");
        // Longest first, so that a value inside another does not leave the other's rest behind.
        let mut hidden: Vec<&String> = self.hidden.iter().collect();
        hidden.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in hidden {
            clean = blank(&clean, value);
        }
        let mut short: String = clean.trim().chars().take(TEXT_MAX).collect();
        if short.len() < clean.trim().len() {
            short.push('…');
        }
        short
    }
}

/// `text` with every occurrence of `value` blanked, ASCII case aside.
fn blank(text: &str, value: &str) -> String {
    let (lower, value) = (text.to_ascii_lowercase(), value.to_ascii_lowercase());
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    while let Some(at) = lower[from..].find(&value).map(|found| from + found) {
        out.push_str(&text[from..at]);
        out.push_str(BLANK);
        from = at + value.len();
    }
    out.push_str(&text[from..]);
    out
}
