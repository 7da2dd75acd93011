//! The configuration of Logto's email service: the source of its schema, form, validation and masking.

use connector_kit::{ConnectorConfig, Report, Secret, TOKEN};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What the connector needs to know to send through Logto's email service. Field names are Logto's, whose cloud fills in
/// the first five by itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogtoEmailConfig {
    /// The service's URL, with or without `/api` at its end.
    #[schemars(title = "Endpoint", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://cloud.logto.io/api",
        "destination": true,
        "presets": [{ "title": "Logto Cloud", "values": {
            "endpoint": "https://cloud.logto.io/api",
            "tokenEndpoint": "https://auth.logto.io/oidc/token",
            "resource": "https://cloud.logto.io/api"
        } }]
    }))]
    pub endpoint: String,
    /// Where access tokens are granted, by OAuth 2.0 client credentials.
    #[schemars(title = "Token endpoint", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://auth.logto.io/oidc/token",
        "destination": true
    }))]
    pub token_endpoint: String,
    /// The resource indicator of the service, for which the token is asked.
    #[schemars(title = "Resource", length(min = 1), extend("format" = "single-line", "x-form" = {
        "placeholder": "https://cloud.logto.io/api"
    }))]
    pub resource: String,
    /// The id of the machine-to-machine application that may send.
    #[schemars(title = "App ID", length(min = 1), extend("format" = "token", "x-form" = {
        "tooltip": "In Logto's console: Applications, the machine-to-machine application. It needs a role with the \
                    scope `send:email`."
    }))]
    pub app_id: String,
    /// The secret of that application, on the same page.
    #[schemars(title = "App secret", length(min = 1), regex(pattern = TOKEN))]
    pub app_secret: Secret,
    /// The sender's name, as people see it in their inbox. It cannot hold a URL.
    #[schemars(title = "Sender name", extend("format" = "single-line", "x-form" = { "placeholder": "Example" }))]
    pub sender_name: Option<String>,
    /// What stands at the foot of the mail: the company's name, address or zip code. It cannot hold a URL.
    #[schemars(title = "Company information", extend("x-form" = {
        "placeholder": "Example, Inc., 1 Example St., 10115 Berlin"
    }))]
    pub company_information: Option<String>,
    /// The URL of the logo at the head of the mail.
    #[schemars(title = "App logo", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://example.com/logo.png"
    }))]
    pub app_logo: Option<String>,
}

impl ConnectorConfig for LogtoEmailConfig {
    fn rules(config: &Value, report: &mut Report) {
        for field in ["senderName", "companyInformation"] {
            if config[field].as_str().is_some_and(has_url) {
                report.problem(format!("/{field}"), "cannot hold a URL: Logto's email service does not send it");
            }
        }
        for pointer in ["/endpoint", "/tokenEndpoint"] {
            report.warn_of_clear_url(config, pointer, "the codes and the secret");
        }
    }
}

/// Whether one of the words is a URL, or what mail programs make a link of.
fn has_url(text: &str) -> bool {
    text.split(|char: char| char.is_whitespace() || "()[]<>{},;\"'|".contains(char)).any(is_url)
}

fn is_url(word: &str) -> bool {
    let word = word.trim_matches(['.', ':', '!', '?']);
    if word.contains("://") || word.to_ascii_lowercase().starts_with("www.") {
        return true;
    }
    // `example.com/path` and `example.com:8080`, but not `help@example.com`.
    let host = word.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let [_, .., top] = labels.as_slice() else { return false };
    let is_label = |label: &&str| !label.is_empty() && label.chars().all(|char| char.is_alphanumeric() || char == '-');
    labels.iter().all(is_label) && is_top_level(top, host)
}

/// Whether a name may end so: `1.5` does not, nor `p.s.a.`, nor the `Smith` of `Dr.Smith`.
fn is_top_level(label: &str, host: &str) -> bool {
    let letters = label.chars().count() >= 2 && label.chars().all(char::is_alphabetic) || label.starts_with("xn--");
    letters && (!label.chars().any(char::is_uppercase) || !host.chars().any(char::is_lowercase))
}
