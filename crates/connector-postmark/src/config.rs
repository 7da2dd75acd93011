//! Postmark's configuration: the source of its schema, form, validation and masking.

use connector_kit::{ConnectorConfig, Mailbox, Report, Secret, TOKEN, UsageType};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// With this token Postmark checks a request and delivers nothing.
const TEST_TOKEN: &str = "POSTMARK_API_TEST";

/// What the connector needs to know to send through Postmark. Field names are Logto's; `messageStream` is ours.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostmarkConfig {
    /// The Server API token, from the API Tokens tab of the Postmark server that has the templates.
    #[schemars(title = "Server token", length(min = 1), regex(pattern = TOKEN), extend("x-form" = {
        "placeholder": "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
    }))]
    pub server_token: Secret,
    /// The sender: a confirmed Sender Signature, or any address of a verified domain, perhaps with a name.
    #[schemars(title = "From address", extend("x-form" = { "placeholder": "Example <no-reply@example.com>" }))]
    pub from_email: Mailbox,
    /// The id of the message stream to send through. Postmark takes its default transactional stream, `outbound`,
    /// where none is named.
    #[schemars(title = "Message stream", extend("format" = "single-line", "x-form" = { 
        "placeholder": "outbound",
        "tooltip": "In Postmark: the server, Message Streams, the stream's settings. Take a transactional one: who \
                    unsubscribes from a broadcast stream gets no codes through it."
    }))]
    pub message_stream: Option<String>,
    /// The alias of a Postmark template by usage type. `SignIn`, `Register`, `ForgotPassword` and `Generic` are required.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json", "defaultValue": default_templates() }))]
    pub templates: Vec<PostmarkTemplate>,
}

/// Which of Postmark's templates serves a usage type.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PostmarkTemplate {
    /// What the template is for; `Generic` serves every type that has none of its own.
    #[schemars(title = "Used for")]
    pub usage_type: UsageType,
    /// The template's alias on the server. Postmark renders it with the message's payload as the model.
    #[schemars(title = "Template alias", extend("x-form" = { "placeholder": "sign-in" }))]
    pub template_alias: String,
}

impl From<PostmarkTemplate> for (UsageType, String) {
    fn from(template: PostmarkTemplate) -> Self {
        (template.usage_type, template.template_alias)
    }
}

impl ConnectorConfig for PostmarkConfig {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
        if config["serverToken"] == TEST_TOKEN {
            report.warning("/serverToken", "with this token Postmark accepts messages and delivers none");
        }
        for (index, template) in config["templates"].as_array().into_iter().flatten().enumerate() {
            if template["templateAlias"].as_str().is_some_and(|alias| alias.trim().is_empty()) {
                let pointer = format!("/templates/{index}/templateAlias");
                report.warning(pointer, "without an alias Postmark refuses every message of this type");
            }
        }
    }
}

/// What the form starts with.
fn default_templates() -> Value {
    let template = |usage: &str, alias: &str| json!({ "usageType": usage, "templateAlias": alias });
    json!([
        template("SignIn", "sign-in"),
        template("Register", "register"),
        template("ForgotPassword", "forgot-password"),
        template("Generic", "generic"),
    ])
}
