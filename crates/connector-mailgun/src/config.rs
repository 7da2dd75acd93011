//! Mailgun's configuration: the source of its schema, form, validation and masking.

use std::collections::BTreeMap;

use connector_kit::{ConnectorConfig, Mailbox, Payload, Report, Secret, UsageType, http::Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

/// Templates by the usage type they are for.
pub type Deliveries = BTreeMap<String, Delivery>;

/// What the connector needs to know to send through Mailgun. Field names are Logto's; `testMode` is ours.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MailgunConfig {
    /// The API of your domain's region: `https://api.mailgun.net` unless set, in the EU `https://api.eu.mailgun.net`.
    #[schemars(title = "Endpoint", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://api.mailgun.net",
        "destination": true,
        "presets": [
            { "title": "United States", "values": { "endpoint": "https://api.mailgun.net" } },
            { "title": "European Union", "values": { "endpoint": "https://api.eu.mailgun.net" } }
        ],
        "tooltip": "The region was chosen when the domain was added; the other one does not know the domain."
    }))]
    pub endpoint: Option<String>,
    /// The sending domain, as it stands in Mailgun's list of domains.
    #[schemars(title = "Domain", length(min = 1), extend("x-form" = {
        "placeholder": "mg.example.com",
        "destination": true
    }))]
    pub domain: String,
    /// A sending key of the domain, or an API key of the account.
    #[schemars(title = "API key", length(min = 1), extend("x-form" = {
        "tooltip": "In Mailgun: the domain, Domain settings, Sending API keys. A key is shown once, when it is created."
    }))]
    pub api_key: Secret,
    /// The sender: an address on the domain, optionally with a name.
    #[schemars(title = "From", extend("x-form" = { "placeholder": "Example <no-reply@mg.example.com>" }))]
    pub from: Mailbox,
    /// Has Mailgun accept every message and deliver none, and charge for it: for trying a configuration out.
    #[schemars(title = "Test mode")]
    #[serde(default)]
    pub test_mode: bool,
    /// What is sent, by usage type (`SignIn`, `Register`, `ForgotPassword`, `Generic` and the like): `html` and `text`, or
    /// the name of a `template` kept at Mailgun.
    #[schemars(title = "Deliveries", extend("x-form" = { "type": "Json", "defaultValue": default_deliveries() }))]
    pub deliveries: Deliveries,
}

/// What is sent for one usage type: content of its own, or a template kept at Mailgun.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Delivery {
    /// HTML content, with variables such as `{{code}}`.
    #[schemars(title = "HTML", extend("x-form" = { "type": "MultilineText" }))]
    pub html: Option<String>,
    /// The text alternative, with variables; made from the HTML where it is absent.
    #[schemars(title = "Text", extend("x-form" = { "type": "MultilineText" }))]
    pub text: Option<String>,
    /// The name of a template kept at Mailgun, in place of `html` and `text`.
    #[schemars(title = "Template at Mailgun")]
    pub template: Option<String>,
    /// Values for that template. Those of the message go before them.
    #[schemars(title = "Variables")]
    pub variables: Option<Payload>,
    /// Subject, with variables.
    #[schemars(title = "Subject")]
    pub subject: Option<String>,
    /// Where replies go, with variables.
    #[schemars(title = "Reply to")]
    pub reply_to: Option<String>,
}

impl ConnectorConfig for MailgunConfig {
    fn rules(config: &Value, report: &mut Report) {
        // What is no URL at all, or has credentials, the format has found already.
        let known = report.problems.iter().any(|problem| problem.pointer == "/endpoint");
        let endpoint = config["endpoint"].as_str().filter(|_| !known);
        if let Some(fault) = endpoint.and_then(|endpoint| endpoint_of(Some(endpoint)).err()) {
            report.problem("/endpoint", fault);
        }
        if let Some(domain) = config["domain"].as_str().filter(|domain| !domain.is_empty()) {
            match ascii_domain(domain) {
                None => report.problem("/domain", "must be a domain name such as mg.example.com, and nothing else"),
                Some(domain) if domain.starts_with("sandbox") && domain.ends_with(".mailgun.org") => {
                    report.warning("/domain", "a sandbox domain sends to authorized recipients only");
                }
                Some(_) => {}
            }
        }
        // As they stand in Mailgun's examples, before or around the key.
        let prefix = |key: &str| ["api:", "Basic ", "Bearer "].into_iter().find(|prefix| key.starts_with(prefix));
        if let Some(prefix) = config["apiKey"].as_str().and_then(prefix) {
            report.problem("/apiKey", format!("must be given without `{}` before it", prefix.trim_end()));
        }
        if config["apiKey"].as_str().is_some_and(|key| key.starts_with("pubkey-")) {
            report.warning("/apiKey", "`pubkey-` begins Mailgun's public key, which cannot send");
        }
        let from = config["from"].as_str().and_then(|from| Mailbox::parse(from).ok());
        if from.is_some_and(|from| !from.local_part().is_ascii()) {
            report.problem("/from", NOT_ASCII);
        }
        if config["testMode"] == true {
            report
                .warning("/testMode", "test mode is on: Mailgun accepts messages, charges for them and delivers none");
        }
        if let Some(deliveries) = config["deliveries"].as_object() {
            for (usage, delivery) in deliveries.iter().filter(|(_, delivery)| delivery.is_object()) {
                let pointer = format!("/deliveries/{}", usage.replace('~', "~0").replace('/', "~1"));
                if let Some(unknown) = UsageType::from(usage.as_str()).unknown() {
                    report.warning(&pointer, unknown);
                }
                delivery_rules(&pointer, delivery, report);
            }
            if !deliveries.contains_key("Generic") {
                let message = "there is none for Generic: usage types without a delivery of their own cannot be sent";
                report.warning("/deliveries", message);
            }
        }
    }
}

/// Why an address with such a local part is no sender here.
pub(crate) const NOT_ASCII: &str = "Mailgun writes a broken header for a sender whose part before the @ is not ASCII";

fn delivery_rules(pointer: &str, delivery: &Value, report: &mut Report) {
    // A field that is there with a wrong type is reported as that.
    let has = |name: &str| delivery.get(name).is_some();
    match (has("html"), has("template")) {
        (false, false) => report.problem(pointer, "needs `html`, or the name of a `template` kept at Mailgun"),
        (_, true) if delivery["template"] != "" => {
            for field in ["html", "text"].into_iter().filter(|field| has(field)) {
                report.warning(format!("{pointer}/{field}"), "has no effect beside `template`");
            }
        }
        _ => {}
    }
    if delivery["template"] == "" && !has("html") {
        report.problem(format!("{pointer}/template"), "cannot be empty");
    }
    let reply_to = delivery["replyTo"].as_str().filter(|text| !text.trim().is_empty() && !text.contains("{{"));
    if let Some(fault) = reply_to.and_then(|text| Mailbox::parse(text).err()) {
        report.problem(format!("{pointer}/replyTo"), fault.to_string());
    }
}

/// The endpoint as a URL, without a path. The error says what is wrong with it.
pub(crate) fn endpoint_of(endpoint: Option<&str>) -> Result<Url, &'static str> {
    let Ok(url) = Url::parse(endpoint.unwrap_or("https://api.mailgun.net")) else { return Err("is not a URL") };
    if url.scheme() != "https" {
        return Err("must be an https:// URL: the API key travels with every request");
    }
    if !url.host_str().is_some_and(|host| host.ends_with(".mailgun.net")) {
        return Err("must be a host under mailgun.net, such as api.mailgun.net or api.eu.mailgun.net");
    }
    let nothing_else = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.port().is_none();
    let no_credentials = url.username().is_empty() && url.password().is_none();
    if !nothing_else || !no_credentials {
        return Err("must be https:// and a host, without credentials, port, path or query");
    }
    Ok(url)
}

/// A domain name in ASCII, and only that: it becomes part of a path, where a slash, written or encoded, or two dots
/// would lead elsewhere, and Mailgun answers 200 there.
pub(crate) fn ascii_domain(domain: &str) -> Option<String> {
    let host = match url::Host::parse(domain) {
        Ok(url::Host::Domain(host)) if !domain.contains('%') => host,
        _ => return None,
    };
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (host.contains('.') && host.split('.').all(label)).then_some(host)
}

/// What the form starts with.
fn default_deliveries() -> Value {
    let delivery = |subject: &str, what: &str| {
        let html = format!("<p>Your {what} code is <b>{{{{code}}}}</b>. It expires in 10 minutes.</p>");
        json!({ "subject": subject, "html": html })
    };
    json!({
        "SignIn": delivery("Your sign-in code", "sign-in"),
        "Register": delivery("Your sign-up code", "sign-up"),
        "ForgotPassword": delivery("Your password reset code", "password reset"),
        "Generic": delivery("Your verification code", "verification"),
    })
}
