//! The SMTP configuration: the source of its schema, form, validation and masking.

use std::{borrow::Cow, collections::BTreeMap};

use connector_kit::{ConnectorConfig, Mailbox, Report, Secret, TOKEN, TemplateConfig};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{header, presets::presets};

/// How to reach an SMTP server and what to send. Field names are Logto's, who took nodemailer's.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SmtpConfig {
    /// The server's name or address. Choosing a well-known one fills in port and TLS too.
    #[schemars(title = "Host", length(min = 1), extend("format" = "host", "x-form" = {
        "placeholder": "smtp.example.com",
        "destination": true,
        "presets": presets()
    }))]
    pub host: String,
    /// The server's port: 587 for submission with STARTTLS, 465 for implicit TLS, 25 between servers.
    #[schemars(title = "Port", range(min = 1), extend("x-form" = { "placeholder": "587", "destination": true }))]
    pub port: u16,
    /// TLS from the first byte, as on port 465. Off: the connection starts in clear and STARTTLS encrypts it where
    /// the server offers that.
    #[schemars(title = "Implicit TLS", extend("x-form" = { "destination": true }))]
    #[serde(default)]
    pub secure: bool,
    /// Refuses to go on without TLS. Turn this on unless the server is on the same machine.
    #[schemars(title = "Require TLS", extend("x-form" = { "showWhen": { "secure": false }, "destination": true }))]
    #[serde(default, rename = "requireTLS")]
    pub require_tls: bool,
    /// Stays in clear even where the server offers STARTTLS.
    #[schemars(title = "Ignore STARTTLS", extend("x-form" = {
        "showWhen": { "secure": false, "requireTLS": false },
        "destination": true
    }))]
    #[serde(default, rename = "ignoreTLS")]
    pub ignore_tls: bool,
    /// How to sign in to the server.
    #[schemars(title = "Authentication")]
    pub auth: Auth,
    /// The sender: an address, or a name with an address.
    #[schemars(title = "From", extend("x-form" = { "placeholder": "Example <no-reply@example.com>" }))]
    pub from_email: Mailbox,
    /// Where replies go.
    #[schemars(title = "Reply to", extend("x-form" = { "placeholder": "support@example.com" }))]
    pub reply_to: Option<Mailbox>,
    /// Subject and content by usage type. `SignIn`, `Register`, `ForgotPassword` and `Generic` are required.
    #[schemars(title = "Templates", extend("x-form" = { "type": "Json", "defaultValue": default_templates() }))]
    pub templates: Vec<TemplateConfig>,
    /// Headers added to every message: a text, or a list of texts, by header name.
    #[schemars(title = "Custom headers", transform = blank_at_first, extend("x-form" = { "type": "Json" }))]
    pub custom_headers: Option<BTreeMap<String, CustomHeader>>,
    /// What this client calls itself in EHLO; this machine's name unless set.
    #[schemars(title = "Client name", extend("format" = "ehlo-name", "x-form" = { "placeholder": "mail.example.com" }))]
    pub name: Option<String>,
    /// The local address to connect from, on machines that have several.
    #[schemars(title = "Local address", extend("format" = "ip-address", "x-form" = { "placeholder": "203.0.113.7" }))]
    pub local_address: Option<String>,
    /// The name that the server's certificate must carry, where it is not the host's.
    #[schemars(title = "TLS server name", extend("format" = "host", "x-form" = {
        "placeholder": "mail.example.com",
        "destination": true
    }))]
    pub servername: Option<String>,
    /// How TLS checks the server.
    #[schemars(title = "TLS checks", extend("x-form" = { "type": "Json" }))]
    pub tls: Option<Tls>,
    /// How long connecting may take, in milliseconds.
    #[schemars(title = "Connection timeout (ms)", range(min = 1))]
    #[serde(default = "two_minutes")]
    pub connection_timeout: u64,
    /// How long the server may take to greet, in milliseconds.
    #[schemars(title = "Greeting timeout (ms)", range(min = 1))]
    #[serde(default = "half_a_minute")]
    pub greeting_timeout: u64,
    /// How long the server may take for each reply, in milliseconds.
    #[schemars(title = "Socket timeout (ms)", range(min = 1))]
    #[serde(default = "ten_minutes")]
    pub socket_timeout: u64,
    /// How long resolving the host's name may take, in milliseconds.
    #[schemars(title = "DNS timeout (ms)", range(min = 1))]
    #[serde(default = "half_a_minute")]
    pub dns_timeout: u64,
    /// How many messages go over one connection before it is closed, refused ones included. A stock Exim holds every message
    /// after the tenth of a connection until its next queue run, up to half an hour later, though it accepts them all
    /// (`smtp_accept_queue_per_connection`); other servers refuse them.
    #[schemars(title = "Messages per connection", range(min = 1, max = 1000))]
    #[serde(default = "ten")]
    pub max_messages: u64,
    /// How long a connection is used at most, in milliseconds, however busy it is: so that a changed address of the server,
    /// and a changed password, are noticed.
    #[schemars(title = "Connection age (ms)", range(min = 1000, max = 86_400_000))]
    #[serde(default = "five_minutes")]
    pub max_session_age: u64,
    /// Taken for Logto's sake, without effect: what is logged is the host's choice.
    #[schemars(extend("x-form" = { "hidden": true }))]
    #[serde(default)]
    pub logger: bool,
    /// Taken for Logto's sake, without effect: what is logged is the host's choice.
    #[schemars(extend("x-form" = { "hidden": true }))]
    #[serde(default)]
    pub debug: bool,
    /// Taken for Logto's sake, without effect: templates never read files.
    #[schemars(extend("x-form" = { "hidden": true }))]
    #[serde(default)]
    pub disable_file_access: bool,
    /// Taken for Logto's sake, without effect: templates never fetch URLs.
    #[schemars(extend("x-form" = { "hidden": true }))]
    #[serde(default)]
    pub disable_url_access: bool,
}

const fn two_minutes() -> u64 {
    120_000
}

const fn half_a_minute() -> u64 {
    30_000
}

const fn ten_minutes() -> u64 {
    600_000
}

const fn ten() -> u64 {
    10
}

/// What Postfix grants a connection as a client (`smtp_connection_reuse_time_limit`).
const fn five_minutes() -> u64 {
    300_000
}

/// How to sign in to the server. With nothing set, no authentication: for relays that know their clients by address.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// By user and password, or by OAuth 2.0 (Gmail, Microsoft 365).
    #[schemars(title = "Sign in by", extend("x-form" = {
        "tooltip": "OAuth 2.0 takes one of three: client ID and secret with a refresh token, or with a token endpoint that \
                    grants tokens to the client itself; a service account and its key; or an access token alone."
    }))]
    #[serde(default, rename = "type")]
    pub kind: AuthType,
    /// The user, often the sender's address. Empty together with the password for a relay without authentication.
    #[schemars(title = "User", extend("format" = "single-line", "x-form" = { "placeholder": "no-reply@example.com" }))]
    pub user: Option<String>,
    /// The password. Many providers want one made for this purpose: an app password, an SMTP credential or an API key.
    #[schemars(title = "Password", extend("x-form" = { "showWhen": { "auth.type": "login" } }))]
    pub pass: Option<Secret>,
    /// The OAuth client's id, where access tokens are to be fetched.
    #[schemars(title = "Client ID", extend("format" = "single-line", "x-form" = { "showWhen": { "auth.type": "OAuth2" } }))]
    pub client_id: Option<String>,
    /// The OAuth client's secret, from the same page as its id.
    #[schemars(title = "Client secret", extend("x-form" = { "showWhen": { "auth.type": "OAuth2" } }))]
    pub client_secret: Option<Secret>,
    /// The refresh token of the mailbox. Without one, the client's own credentials ask for the token.
    #[schemars(title = "Refresh token", extend("x-form" = { "showWhen": { "auth.type": "OAuth2" } }))]
    pub refresh_token: Option<Secret>,
    /// An access token to begin with. Alone it works until it expires.
    #[schemars(title = "Access token", regex(pattern = TOKEN), extend("x-form" = { "showWhen": { "auth.type": "OAuth2" } }))]
    pub access_token: Option<Secret>,
    /// When the access token expires, in milliseconds since 1970.
    #[schemars(title = "Access token expires (ms)", extend("x-form" = { "showWhen": { "auth.type": "OAuth2" } }))]
    pub expires: Option<u64>,
    /// The token endpoint; Google's unless set.
    #[schemars(title = "Token endpoint", extend("format" = "http-url", "x-form" = {
        "placeholder": "https://login.microsoftonline.com/<tenant>/oauth2/v2.0/token",
        "showWhen": { "auth.type": "OAuth2" },
        "destination": true
    }))]
    pub access_url: Option<String>,
    /// The scope to ask for. Where the token endpoint is Google's or Microsoft's, the right one unless set.
    #[schemars(title = "Scope", extend("format" = "single-line", "x-form" = { "showWhen": { "auth.type": "OAuth2" } }))]
    pub scope: Option<String>,
    /// A Google service account's private key, `private_key` in its JSON file: RSA, in PEM form, not encrypted.
    #[schemars(title = "Service account key", extend("format" = "pem", "x-form" = {
        "type": "MultilineText",
        "placeholder": "-----BEGIN PRIVATE KEY-----\n…\n-----END PRIVATE KEY-----",
        "showWhen": { "auth.type": "OAuth2" }
    }))]
    pub private_key: Option<Secret>,
    /// The service account's client id or address: `client_id` or `client_email` in its JSON file.
    #[schemars(title = "Service account", extend("format" = "single-line", "x-form" = {
        "placeholder": "mailer@project.iam.gserviceaccount.com",
        "showWhen": { "auth.type": "OAuth2" }
    }))]
    pub service_client: Option<String>,
}

/// How to sign in, in the spellings that Logto takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum AuthType {
    /// By user and password.
    #[default]
    #[serde(rename = "login", alias = "Login", alias = "LOGIN")]
    Login,
    /// By OAuth 2.0.
    #[serde(rename = "OAuth2", alias = "oauth2", alias = "OAUTH2")]
    OAuth2,
}

impl JsonSchema for AuthType {
    fn schema_name() -> Cow<'static, str> {
        "AuthType".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "oneOf": [
            { "const": "login", "title": "User and password" },
            { "const": "OAuth2", "title": "OAuth 2.0" },
            { "const": "Login", "title": "User and password (Login)", "deprecated": true },
            { "const": "LOGIN", "title": "User and password (LOGIN)", "deprecated": true },
            { "const": "oauth2", "title": "OAuth 2.0 (oauth2)", "deprecated": true },
            { "const": "OAUTH2", "title": "OAuth 2.0 (OAUTH2)", "deprecated": true }
        ] })
    }
}

/// How TLS checks the server; Node's names. Its other options have no effect here and are reported.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// The name that the server's certificate must carry, where it is not the host's.
    #[schemars(title = "Server name", extend("format" = "host", "x-form" = { "destination": true }))]
    pub servername: Option<String>,
    /// False takes any certificate, whoever it is for and however old or weak: no protection against an active attacker.
    #[schemars(title = "Refuse invalid certificates", extend("default" = true, "x-form" = { "destination": true }))]
    pub reject_unauthorized: Option<bool>,
    /// Certificates (PEM) to trust instead of the system's: an authority's, or the server's own.
    #[schemars(title = "Trusted certificates", extend("x-form" = {
        "type": "MultilineText",
        "placeholder": "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----",
        "destination": true
    }))]
    pub ca: Option<OneOrMany>,
    /// The oldest TLS version to speak. Older ones than 1.2 are never spoken.
    #[schemars(title = "Oldest version", extend("x-form" = { "destination": true }))]
    pub min_version: Option<TlsMinVersion>,
}

/// Node's names of the TLS versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum TlsMinVersion {
    /// Means 1.2 here.
    #[serde(rename = "TLSv1")]
    #[schemars(title = "TLS 1.0")]
    Tls10,
    /// Means 1.2 here.
    #[serde(rename = "TLSv1.1")]
    #[schemars(title = "TLS 1.1")]
    Tls11,
    /// TLS 1.2 and 1.3.
    #[serde(rename = "TLSv1.2")]
    #[schemars(title = "TLS 1.2")]
    Tls12,
    /// TLS 1.3 alone.
    #[serde(rename = "TLSv1.3")]
    #[schemars(title = "TLS 1.3")]
    Tls13,
}

/// A text, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[schemars(inline)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One text.
    #[schemars(title = "One text", description = "")]
    One(String),
    /// Several texts.
    #[schemars(title = "Several texts", description = "")]
    Many(Vec<String>),
}

impl OneOrMany {
    /// Every text.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts.as_slice(),
        }
        .iter()
        .map(String::as_str)
    }
}

/// The value or values of a custom header.
pub type CustomHeader = OneOrMany;

/// Says that an added header starts as an empty text: a form library would take any value for one of several types.
fn blank_at_first(headers: &mut Schema) {
    if let Some(header) = headers.pointer_mut("/additionalProperties").and_then(Value::as_object_mut) {
        header.insert("default".to_owned(), "".into());
    }
}

impl ConnectorConfig for SmtpConfig {
    fn rules(config: &Value, report: &mut Report) {
        report.require_templates(config);
        tls_rules(config, report);
        auth_rules(&config["auth"], report);
        report.warn_of_clear_url(config, "/auth/accessUrl", "the client's secret and the tokens");
        header_rules(&config["customHeaders"], report);
    }
}

fn tls_rules(config: &Value, report: &mut Report) {
    let on = |field: &str| config[field] == true;
    match config["port"].as_u64() {
        Some(port @ (587 | 25 | 2525)) if on("secure") => report.problem(
            "/secure",
            format!("port {port} starts in clear and encrypts with STARTTLS: set secure to false, or port to 465"),
        ),
        Some(465) if !on("secure") => {
            report.problem("/secure", "port 465 expects TLS from the first byte: set secure to true, or port to 587");
        }
        _ => {}
    }
    if on("requireTLS") && on("ignoreTLS") {
        report.problem("/ignoreTLS", "contradicts requireTLS: set one of them to false");
    }
    if on("secure") && on("ignoreTLS") {
        report.warning("/ignoreTLS", "has no effect with secure: the connection is encrypted from the first byte");
    }
    if on("ignoreTLS") && !on("secure") && config["auth"]["user"].is_string() {
        report.warning("/ignoreTLS", "the password goes over the network in clear");
    }
    let tls = &config["tls"];
    if tls["rejectUnauthorized"] == false {
        report.warning("/tls/rejectUnauthorized", "any certificate is taken: an attacker in between can read the mail");
    }
    if matches!(tls["minVersion"].as_str(), Some("TLSv1" | "TLSv1.1")) {
        report.warning("/tls/minVersion", "TLS older than 1.2 is never spoken: this means TLSv1.2");
    }
    let ca = serde_json::from_value::<OneOrMany>(tls["ca"].clone());
    for pem in ca.iter().flat_map(OneOrMany::iter) {
        match connector_kit::root_certificates(pem.as_bytes()) {
            Err(fault) => report.problem("/tls/ca", fault),
            Ok(certificates) => {
                if connector_kit::holds_private_key(pem) {
                    report.warning("/tls/ca", "holds a private key beside the certificate, kept in clear: take it out");
                }
                if let Some(unfit) = certificates.iter().find_map(connector_kit::unfit_for_server) {
                    let words = format!(
                        "holds a certificate that {unfit}: a server that shows it is not trusted; have a new one made, as \
                         `openssl req -x509` does"
                    );
                    report.warning("/tls/ca", words);
                }
            }
        }
    }
}

fn auth_rules(auth: &Value, report: &mut Report) {
    let has = |field: &str| auth[field].as_str().is_some_and(|text| !text.is_empty());
    let oauth = auth["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("oauth2"));
    if !auth.is_object() {
        return;
    }
    if !oauth {
        match (has("user"), has("pass")) {
            (true, false) => report.problem("/auth/pass", "is required with a user"),
            (false, true) => report.problem("/auth/user", "is required with a password"),
            _ => {}
        }
        if has("clientId") || has("refreshToken") || has("accessToken") || has("privateKey") {
            report.warning("/auth/type", "OAuth fields have no effect unless type is OAuth2");
        }
        return;
    }
    if !has("user") {
        report.problem("/auth/user", "is required with OAuth2: the mailbox to send from");
    }
    let key = &auth["privateKey"];
    if key.is_object() || key.as_str().is_some_and(|pem| pem.contains("ENCRYPTED")) {
        report.problem("/auth/privateKey", "an encrypted key cannot be used: decrypt it with `openssl pkcs8 -in FILE`");
    }
    if has("privateKey") || has("serviceClient") {
        if !has("privateKey") {
            report.problem("/auth/privateKey", "is required with serviceClient");
        }
        if !has("serviceClient") {
            report.problem("/auth/serviceClient", "is required with privateKey");
        }
        return;
    }
    let refreshes = has("clientId") || has("clientSecret") || has("refreshToken");
    if !refreshes && !has("accessToken") {
        report.problem(
            "/auth",
            "OAuth2 needs an accessToken, or clientId and clientSecret with a refreshToken or an accessUrl, \
             or serviceClient and privateKey",
        );
    }
    if refreshes {
        for field in ["clientId", "clientSecret"].into_iter().filter(|field| !has(field)) {
            report.problem(format!("/auth/{field}"), "is required to ask for access tokens");
        }
        if !has("refreshToken") && !has("accessUrl") {
            report.problem("/auth/refreshToken", "is required, unless accessUrl grants tokens to the client itself");
        }
    }
}

fn header_rules(headers: &Value, report: &mut Report) {
    for (name, value) in headers.as_object().into_iter().flatten() {
        let pointer = format!("/customHeaders/{}", name.replace('~', "~0").replace('/', "~1"));
        let texts = serde_json::from_value::<OneOrMany>(value.clone());
        for text in texts.iter().flat_map(OneOrMany::iter) {
            if let Err(fault) = header::custom(name, text) {
                report.problem(pointer.clone(), fault);
                break;
            }
        }
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
