//! Text from a provider, made fit for an error or a log.

use serde_json::Value;
use url::form_urlencoded;

use crate::{Escape, Message, RenderedEmail, Secret, template::write_text};

/// Longest text kept, in characters: enough for any provider's sentence, too short for an echoed mail.
const TEXT_MAX: usize = 300;
/// Shorter values than this are everyday words and digits; blanking them would blank the text.
const VALUE_MIN: usize = 3;
const BLANK: &str = "[redacted]";

/// Takes secrets and message content out of what a provider says.
///
/// Providers echo what they were sent, as it stood in the request: escaped for HTML, as JSON, as a form. All of it is
/// hidden. Made on the way of an error only, so it may take its time.
#[derive(Default)]
pub struct Redactor {
    hidden: Vec<String>,
}

impl Redactor {
    /// Hides the recipient, name and address, the client's address and every value of the payload.
    #[must_use]
    pub fn of_message(message: &Message) -> Self {
        let mut redactor = Self::default();
        redactor.hide(&message.to);
        if let Ok(recipient) = message.recipient() {
            redactor.hide(recipient.address());
            recipient.name().iter().for_each(|name| redactor.hide(name));
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

    /// Hides a text as well.
    #[must_use]
    pub fn and_text(mut self, text: &str) -> Self {
        self.hide(text);
        self
    }

    /// Hides rendered mail as well: subject and content.
    #[must_use]
    pub fn and_mail(mut self, mail: &RenderedEmail) -> Self {
        self.hide(&mail.subject);
        self.hide(&mail.text);
        mail.html.iter().for_each(|html| self.hide(html));
        self
    }

    /// Hides `text` in every form in which a request may carry it.
    fn hide(&mut self, text: &str) {
        if text.trim().chars().count() < VALUE_MIN {
            return;
        }
        let mut html = String::new();
        write_text(&mut html, text, Escape::Html);
        for text in [text, &html] {
            let json = Value::from(text).to_string();
            let form: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let percent = form.replace('+', "%20");
            for written in [text, &json[1..json.len() - 1], &form, &percent] {
                let written = on_one_line(written);
                if !self.hidden.contains(&written) {
                    self.hidden.push(written);
                }
            }
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
        let mut clean = on_one_line(text);
        // Longest first, so that a value inside another does not leave the other's rest behind.
        let mut hidden: Vec<&String> = self.hidden.iter().collect();
        hidden.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in hidden {
            clean = blank(&clean, value);
        }
        let mut short: String = clean.chars().take(TEXT_MAX).collect();
        if short.len() < clean.len() {
            short.push('…');
        }
        short
    }
}

/// `text` without line breaks and other control characters. What is hidden goes through it as well, so that a text of
/// several lines is found whatever line ends the provider gives it.
fn on_one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
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
