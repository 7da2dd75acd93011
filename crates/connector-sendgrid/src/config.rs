//! SendGrid's configuration: the source of its schema, form, validation and masking.

use connector_kit::{CompiledTemplate, ConnectorConfig, ContentType, Mailbox, Report, Secret, TOKEN, UsageType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the connector needs to know to send through SendGrid. Field names are Logto's; `region` and `sandbox` are ours.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendGridConfig {
    /// An API key with the Mail Send permission, from Settings → API Keys. It starts with `SG.`.
    #[schemars(title = "API key", length(min = 1), regex(pattern = TOKEN), extend("x-form" = { "placeholder": "SG.…" }))]
    pub api_key: Secret,
    /// The sender's address: one of a verified Single Sender or of an authenticated domain.
    #[schemars(title = "From address", extend("x-form" = { "placeholder": "no-reply@example.com" }))]
    pub from_email: Mailbox,
    /// The sender's name, as people see it in their inbox.
    #[schemars(
        title = "From name",
        extend("format" = "single-line", "x-form" = { "placeholder": "Example" })
    )]
    pub from_name: Option<String>,
    /// Where the account lives. EU accounts and subusers have an API host of their own.
    #[schemars(title = "Region", extend("x-form" = { "destination": true }))]
    #[serde(default)]
    pub region: Region,
    /// Has SendGrid check every request and deliver none: for trying a configuration out.
    #[schemars(title = "Sandbox")]
    #[serde(default)]
    pub sandbox: bool,
    /// Subject and content by usage type. `SignIn`, `Register`, `ForgotPassword` and `Generic` are required.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json", "defaultValue": default_templates() }))]
    pub templates: Vec<SendGridTemplate>,
}

/// Which of SendGrid's API hosts to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Region {
    /// `api.sendgrid.com`
    #[default]
    #[schemars(title = "Global")]
    Global,
    /// `api.eu.sendgrid.com`
    #[schemars(title = "European Union")]
    Eu,
}

impl Region {
    /// The Mail Send endpoint.
    #[must_use]
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::Global => "https://api.sendgrid.com/v3/mail/send",
            Self::Eu => "https://api.eu.sendgrid.com/v3/mail/send",
        }
    }
}

/// What is sent for one usage type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendGridTemplate {
    /// What the template is for; `Generic` serves every type that has none of its own.
    #[schemars(title = "Used for")]
    pub usage_type: UsageType,
    /// How to read the content. HTML mail also carries a text alternative made from it.
    // Logto's connector for SendGrid calls it so, its others do not.
    #[serde(rename = "type")]
    #[schemars(title = "Content type")]
    pub content_type: ContentType,
    /// Subject, with variables such as `{{code}}`.
    #[schemars(title = "Subject")]
    pub subject: String,
    /// Content, with variables such as `{{code}}`.
    #[schemars(title = "Content", extend("x-form" = { "type": "MultilineText" }))]
    pub content: String,
}

impl From<SendGridTemplate> for (UsageType, CompiledTemplate) {
    fn from(template: SendGridTemplate) -> Self {
        let compiled = CompiledTemplate::new(template.subject, template.content, template.content_type);
        (template.usage_type, compiled)
    }
}

impl ConnectorConfig for SendGridConfig {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
        let key = config["apiKey"].as_str().unwrap_or_default();
        if !key.is_empty() && !key.starts_with("SG.") {
            report.warning("/apiKey", "SendGrid's API keys start with `SG.`: is this the key itself and not its id?");
        }
        if config["sandbox"] == true {
            report.warning("/sandbox", "sandbox is on: SendGrid accepts messages and delivers none");
        }
    }
}

/// What the form starts with.
fn default_templates() -> Value {
    let template = |usage: &str, subject: &str, what: &str| {
        json!({
            "usageType": usage,
            "type": "text/html",
            "subject": subject,
            "content": format!("<p>Your {what} code is <b>{{{{code}}}}</b>. It expires in 10 minutes.</p>"),
        })
    };
    json!([
        template("SignIn", "Your sign-in code", "sign-in"),
        template("Register", "Your sign-up code", "sign-up"),
        template("ForgotPassword", "Your password reset code", "password reset"),
        template("Generic", "Your verification code", "verification"),
    ])
}
