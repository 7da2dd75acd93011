//! The configuration of an HTTP endpoint: the source of its schema, form, validation and masking.

use connector_kit::{ConnectorConfig, Report, Secret};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::signature::SigningKey;

/// Where messages are posted, and how the endpoint knows that they are ours. Field names are Logto's; `signingSecrets`
/// and `timeout` are ours.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpEmailConfig {
    /// The URL of your own service that messages are posted to, as JSON.
    #[schemars(title = "Endpoint", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://mail.example.com/hooks/send",
        "destination": true
    }))]
    pub endpoint: String,
    /// What goes into the Authorization header, scheme included, so that your service knows who is calling.
    #[schemars(title = "Authorization header", extend("x-form" = { "placeholder": "Bearer …" }))]
    pub authorization: Option<Secret>,
    /// Secrets to sign each message with, by Standard Webhooks: `whsec_` and base64. Several while one replaces another.
    #[schemars(title = "Signing secrets", extend("x-form" = {
        "tooltip": "`echo whsec_$(openssl rand -base64 32)` makes one."
    }))]
    pub signing_secrets: Option<Vec<Secret>>,
    /// Longest time to wait for the endpoint's answer, in seconds, within the deadline of the send as a whole.
    #[schemars(title = "Timeout (seconds)", range(min = 0.1, max = 60), extend("x-form" = { "placeholder": "10" }))]
    pub timeout: Option<f64>,
}

impl ConnectorConfig for HttpEmailConfig {
    fn rules(config: &Value, report: &mut Report) {
        report.warn_of_clear_url(config, "/endpoint", "the codes and the authorization");
        if config["authorization"].as_str().is_some_and(|text| !text.is_ascii()) {
            report.problem("/authorization", "can only hold ASCII characters; was it copied whole?");
        }
        for (index, secret) in config["signingSecrets"].as_array().into_iter().flatten().enumerate() {
            if let Some(Err(fault)) = secret.as_str().map(SigningKey::parse) {
                report.problem(format!("/signingSecrets/{index}"), fault);
            }
        }
    }
}
