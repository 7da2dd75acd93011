//! What is sent, by whom: the same message over the same wire for every variant.

use clap::ValueEnum;
use connector_kit::{Message, Payload, UsageType};
use serde_json::{Value, json};

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// SMTP in clear.
    Smtp,
    /// HTTPS.
    Https,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Variant {
    /// Our SMTP connector.
    SmtpConnector,
    /// lettre over one kept connection per sender, with TCP_NODELAY.
    LettreKept,
    /// lettre with its own pool.
    LettrePool,
    /// Our SendGrid connector.
    SendgridConnector,
    /// reqwest, posting the same bytes.
    SendgridReqwest,
}

impl Variant {
    /// The server it sends to.
    pub const fn protocol(self) -> Protocol {
        match self {
            Self::SmtpConnector | Self::LettreKept | Self::LettrePool => Protocol::Smtp,
            Self::SendgridConnector | Self::SendgridReqwest => Protocol::Https,
        }
    }

    /// What the table calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::SmtpConnector => "connector-smtp",
            Self::LettreKept => "lettre, kept connection, TCP_NODELAY",
            Self::LettrePool => "lettre, its own pool",
            Self::SendgridConnector => "connector-sendgrid",
            Self::SendgridReqwest => "reqwest, same bytes",
        }
    }
}

pub const FROM: &str = "no-reply@example.com";
pub const TO: &str = "user@example.com";
pub const SUBJECT: &str = "Your sign-in code";
pub const API_KEY: &str = "SG.bench";
pub const HOST: &str = "api.sendgrid.com";
pub const ENDPOINT: &str = "https://api.sendgrid.com/v3/mail/send";
const HTML: &str = "<p>Your sign-in code is <b>{{code}}</b>. It expires in 10 minutes.</p>";

/// The HTML and the text that the template renders to.
pub fn rendered() -> (String, String) {
    let html = HTML.replace("{{code}}", "123456");
    (html, "Your sign-in code is 123456. It expires in 10 minutes.".to_owned())
}

/// The message that the connectors are given.
pub fn message() -> Message {
    let payload: Payload = [("code".to_owned(), Value::from("123456"))].into_iter().collect();
    Message::new(TO, UsageType::SignIn, payload)
}

fn templates(content_type: &str) -> Value {
    let template =
        |usage: &str| json!({ "usageType": usage, content_type: "text/html", "subject": SUBJECT, "content": HTML });
    json!(["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
}

pub fn smtp_config(port: u16) -> Value {
    json!({ "host": "127.0.0.1", "port": port, "auth": {}, "fromEmail": FROM, "templates": templates("contentType") })
}

pub fn sendgrid_config() -> Value {
    json!({ "apiKey": API_KEY, "fromEmail": FROM, "templates": templates("type") })
}
