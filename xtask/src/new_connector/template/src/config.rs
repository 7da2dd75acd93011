//! %Title%'s configuration: the source of its schema, form, validation and masking.

use connector_kit::{CompiledTemplate, ConnectorConfig, ContentType, Mailbox, Report, Secret, TOKEN, UsageType};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// What the connector needs to know to send through %Title%.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct %Camel%Config {
    /// An API key that may send mail.
    #[schemars(title = "API key", length(min = 1), regex(pattern = TOKEN))]
    pub api_key: Secret,
    /// The sender: an address that %Title% has verified, perhaps with a name.
    #[schemars(title = "From address", extend("x-form" = { "placeholder": "Example <no-reply@example.com>" }))]
    pub from_email: Mailbox,
    /// Subject and content by usage type. `SignIn`, `Register`, `ForgotPassword` and `Generic` are required.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json", "defaultValue": default_templates() }))]
    pub templates: Vec<%Camel%Template>,
}

/// What is sent for one usage type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct %Camel%Template {
    /// What the template is for; `Generic` serves every type that has none of its own.
    #[schemars(title = "Used for")]
    pub usage_type: UsageType,
    /// How to read the content. HTML mail also carries a text alternative made from it.
    #[schemars(title = "Content type")]
    pub content_type: ContentType,
    /// Subject, with variables such as `{{code}}`.
    #[schemars(title = "Subject")]
    pub subject: String,
    /// Content, with variables such as `{{code}}`.
    #[schemars(title = "Content", extend("x-form" = { "type": "MultilineText" }))]
    pub content: String,
}

impl From<%Camel%Template> for (UsageType, CompiledTemplate) {
    fn from(template: %Camel%Template) -> Self {
        let compiled = CompiledTemplate::new(template.subject, template.content, template.content_type);
        (template.usage_type, compiled)
    }
}

impl ConnectorConfig for %Camel%Config {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
    }
}

/// What the form starts with.
fn default_templates() -> Value {
    let template = |usage: &str, subject: &str, what: &str| {
        json!({
            "usageType": usage,
            "contentType": "text/html",
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
