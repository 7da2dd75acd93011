//! What is sent, through whom: the same message over the same wire for connector and bare client.

use anyhow::{Context as _, Result, anyhow};
use clap::ValueEnum;
use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, UsageType, root_certificates};
use connector_registry::Catalog;
use connector_testkit::Answer;
use serde_json::{Value, json};

pub const FROM: &str = "no-reply@example.com";
pub const TO: &str = "user@example.com";
pub const SUBJECT: &str = "Your sign-in code";
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

/// What a message goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Provider {
    /// An SMTP server, in clear.
    Smtp,
    /// SendGrid.
    Sendgrid,
    /// Mailgun.
    Mailgun,
    /// Amazon SES.
    AwsSes,
    /// Aliyun Direct Mail.
    AliyunDm,
    /// Postmark.
    Postmark,
    /// One's own HTTP endpoint.
    HttpEmail,
    /// The hosted Logto service.
    LogtoEmail,
}

/// Who sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Our connector, as it is used: retry and deadline around it.
    Connector,
    /// The bare client library: lettre over one kept connection per sender, AWS's SDK, or reqwest writing the request that
    /// the connector sends.
    Bare,
    /// lettre with its own pool.
    LettrePool,
}

impl Provider {
    pub const ALL: [Self; 8] = [
        Self::Smtp,
        Self::Sendgrid,
        Self::Mailgun,
        Self::AwsSes,
        Self::AliyunDm,
        Self::Postmark,
        Self::HttpEmail,
        Self::LogtoEmail,
    ];

    /// The crate of its connector.
    pub const fn package(self) -> &'static str {
        match self {
            Self::Smtp => "connector-smtp",
            Self::Sendgrid => "connector-sendgrid",
            Self::Mailgun => "connector-mailgun",
            Self::AwsSes => "connector-aws-ses",
            Self::AliyunDm => "connector-aliyun-dm",
            Self::Postmark => "connector-postmark",
            Self::HttpEmail => "connector-http-email",
            Self::LogtoEmail => "connector-logto-email",
        }
    }

    /// What the tables say of who sends.
    pub const fn sender(self, by: By) -> &'static str {
        match (by, self) {
            (By::Connector, _) => self.package(),
            (By::Bare, Self::Smtp) => "lettre, ten messages a connection, TCP_NODELAY",
            (By::Bare, Self::AwsSes) => "aws-sdk-sesv2, one kept client",
            (By::Bare, _) => "reqwest, the same request",
            (By::LettrePool, _) => "lettre, its own pool",
        }
    }

    /// Those held against each other: the connector, the bare client, then others.
    pub fn contenders(self) -> Vec<By> {
        let others = (self == Self::Smtp).then_some(By::LettrePool);
        [By::Connector, By::Bare].into_iter().chain(others).collect()
    }

    /// The hosts of its API.
    pub const fn hosts(self) -> &'static [&'static str] {
        match self {
            Self::Smtp => &[],
            Self::Sendgrid => &["api.sendgrid.com"],
            Self::Mailgun => &["api.mailgun.net"],
            Self::AwsSes => &["email.us-east-1.amazonaws.com"],
            Self::AliyunDm => &["dm.aliyuncs.com"],
            Self::Postmark => &["api.postmarkapp.com"],
            Self::HttpEmail => &["mail.example.com"],
            Self::LogtoEmail => &["cloud.example.com", "auth.example.com"],
        }
    }

    /// Its answers in turn, the last one repeated.
    pub fn answers(self) -> Vec<Answer> {
        let ok = |body: Value| vec![Answer::status(200).json(body)];
        match self {
            Self::Smtp => Vec::new(),
            Self::Sendgrid => vec![Answer::status(202).header("x-message-id", "bench")],
            Self::Mailgun => ok(json!({ "id": "<bench@example.com>", "message": "Queued. Thank you." })),
            Self::AwsSes => ok(json!({ "MessageId": "bench" })),
            Self::AliyunDm => ok(json!({ "EnvId": "1", "RequestId": "bench" })),
            Self::Postmark => ok(
                json!({ "To": TO, "SubmittedAt": "2026-01-02T03:04:05Z", "MessageID": "bench", "ErrorCode": 0, "Message": "OK" }),
            ),
            Self::HttpEmail => vec![Answer::status(204)],
            Self::LogtoEmail => vec![
                Answer::status(200)
                    .json(json!({ "access_token": "bench", "expires_in": 3600, "token_type": "Bearer" })),
                Answer::status(201),
            ],
        }
    }

    /// A configuration of its connector; only SMTP's has the port in it.
    pub fn config(self, port: u16) -> Value {
        let templates = |extra: Value| -> Value {
            let template = |usage: &str| {
                let mut template = json!({ "usageType": usage, "subject": SUBJECT, "content": HTML });
                if let (Some(template), Some(extra)) = (template.as_object_mut(), extra.as_object()) {
                    template.extend(extra.clone());
                }
                template
            };
            json!(["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
        };
        match self {
            Self::Smtp => json!({
                "host": "127.0.0.1", "port": port, "auth": {}, "fromEmail": FROM,
                "templates": templates(json!({ "contentType": "text/html" })),
            }),
            Self::Sendgrid => {
                json!({ "apiKey": "SG.bench", "fromEmail": FROM, "templates": templates(json!({ "type": "text/html" })) })
            }
            Self::Mailgun => json!({
                "domain": "mg.example.com", "apiKey": "bench", "from": FROM,
                "deliveries": { "Generic": { "subject": SUBJECT, "html": HTML } },
            }),
            Self::AwsSes => json!({
                "accessKeyId": "AKIDBENCH", "accessKeySecret": "bench", "region": "us-east-1", "emailAddress": FROM,
                "templates": templates(json!({})),
            }),
            Self::AliyunDm => json!({
                "accessKeyId": "LTAIBENCH", "accessKeySecret": "bench", "accountName": FROM, "templates": templates(json!({})),
            }),
            Self::Postmark => {
                let template = |usage: &str| json!({ "usageType": usage, "templateAlias": "code" });
                let templates = ["SignIn", "Register", "ForgotPassword", "Generic"].map(template);
                json!({ "serverToken": "bench", "fromEmail": FROM, "templates": templates })
            }
            Self::HttpEmail => json!({ "endpoint": "https://mail.example.com/send", "authorization": "Bearer bench" }),
            Self::LogtoEmail => json!({
                "endpoint": "https://cloud.example.com/api", "tokenEndpoint": "https://auth.example.com/oidc/token",
                "resource": "https://cloud.example.com/api", "appId": "bench", "appSecret": "bench",
            }),
        }
    }

    /// The connector on its way to a server on this port, without retry and deadline.
    pub fn connector(self, port: u16, pem: &[u8]) -> Result<Box<dyn EmailConnector>> {
        let egress = Egress {
            connect_to: self.hosts().iter().map(|host| ConnectTo::new(host, 443, "127.0.0.1", port)).collect(),
            extra_roots: root_certificates(pem).map_err(|fault| anyhow!(fault))?,
            ..Egress::default()
        };
        let catalog = Catalog::builtin();
        let name = self.package().strip_prefix("connector-").context("a connector's crate is named after it")?;
        Ok(catalog.find(name)?.build(&self.config(port), &Context::new(egress)?)?)
    }
}
