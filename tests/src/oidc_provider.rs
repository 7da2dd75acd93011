//! The npm package oidc-provider: an OpenID provider that grants access tokens and says what they are good for.

use crate::certificates::Certificates;
use crate::process::Process;
use crate::{USER, installed, program};
use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// oidc-provider running `tests/peers/oidc_provider.cjs`, over TLS.
pub struct OidcProvider {
    process: Process,
    _folder: TempDir,
    certificates: Certificates,
    ready: Ready,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    port: u16,
    refresh_token: String,
    service_key: String,
}

impl OidcProvider {
    /// A machine-to-machine client: client credentials, authenticated by HTTP Basic.
    pub const APP: &str = "m2m/app";
    /// Its secret, with what HTTP Basic must not have raw (RFC 6749, 2.3.1).
    pub const APP_SECRET: &str = "100%+secret/of=the:app";
    /// A mail client: client credentials and refresh tokens, its secret in the form.
    pub const MAILER: &str = "mailer";
    /// Its secret.
    pub const MAILER_SECRET: &str = "s3cret&of=the+mailer";
    /// A resource whose tokens are opaque.
    pub const OPAQUE_RESOURCE: &str = "https://cloud.example.test/api";
    /// A resource whose tokens are JWTs.
    pub const JWT_RESOURCE: &str = "https://jwt.example.test/api";
    /// What may be asked for, for either resource.
    pub const SEND_SCOPE: &str = "send:email";
    /// What [`Self::MAILER`] may ask for: to send mail.
    pub const SMTP_SCOPE: &str = "smtp.send";

    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start: the message holds its output.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("e2e-oidc-provider-").tempdir()?;
        let certificates = Certificates::valid_for(&["localhost"], folder.path())?;
        let ready = folder.path().join("ready.json");
        let client = |id: &str, secret: &str, method: &str, grants: &[&str]| {
            json!({
                "client_id": id, "client_secret": secret, "token_endpoint_auth_method": method,
                "grant_types": grants, "redirect_uris": [], "response_types": [],
            })
        };
        let both = ["client_credentials", "refresh_token"];
        let options = json!({
            "ready": ready,
            "certificate": certificates.certificate,
            "key": certificates.key,
            "clients": [
                client(Self::APP, Self::APP_SECRET, "client_secret_basic", &both[..1]),
                client(Self::MAILER, Self::MAILER_SECRET, "client_secret_post", &both),
            ],
            "resources": {
                Self::OPAQUE_RESOURCE: { "scope": Self::SEND_SCOPE, "format": "opaque" },
                Self::JWT_RESOURCE: { "scope": Self::SEND_SCOPE, "format": "jwt" },
            },
            "scope": Self::SMTP_SCOPE,
            "refresh": { "client": Self::MAILER, "account": USER },
            "service": Self::MAILER,
        });
        let mut command = program::node_command()?;
        command.arg(installed::script("oidc_provider.cjs")).arg(options.to_string());
        let mut process = Process::start("oidc-provider", &command, &folder.path().join("output.log"))?;
        let ready = process.wait_for_file(&ready)?;
        Ok(Self { process, _folder: folder, certificates, ready })
    }

    /// Its URL.
    pub fn issuer(&self) -> String {
        format!("https://localhost:{}", self.ready.port)
    }

    /// The certificate authority (PEM) that signed its certificate, for `localhost`.
    pub fn ca_file(&self) -> &Path {
        &self.certificates.ca
    }

    /// A refresh token that [`Self::MAILER`] holds for [`USER`]'s mailbox, with [`Self::SMTP_SCOPE`].
    pub fn refresh_token(&self) -> &str {
        &self.ready.refresh_token
    }

    /// The private key (PEM) with which [`Self::MAILER`] may speak for whomever it likes.
    pub fn service_key(&self) -> &str {
        &self.ready.service_key
    }

    /// Where access tokens are granted.
    pub fn token_endpoint(&self) -> String {
        format!("{}/token", self.issuer())
    }

    /// Where they are granted for the assertions of a service account (RFC 7523).
    pub fn service_token_endpoint(&self) -> String {
        format!("{}/service-account/token", self.issuer())
    }

    /// What it says of an opaque token when asked by [`Self::APP`].
    ///
    /// # Errors
    ///
    /// When it cannot be asked.
    pub fn introspect(&self, token: &str) -> Result<Value> {
        let client = json!({ "client": Self::APP, "secret": Self::APP_SECRET });
        self.check(&json!({ "issuer": self.issuer(), "token": token, "introspect": client }))
    }

    /// The claims of a JWT that one of its published keys has signed, for this audience.
    ///
    /// # Errors
    ///
    /// When it is no such token.
    pub fn verify(&self, token: &str, audience: &str) -> Result<Value> {
        self.check(&json!({ "issuer": self.issuer(), "token": token, "audience": audience }))
    }

    fn check(&self, order: &Value) -> Result<Value> {
        program::node("token_check.cjs", order, Some(self.ca_file()))
    }

    /// What an SMTP server asks it, for [`NodeSmtpServerBuilder::introspection`](crate::NodeSmtpServerBuilder::introspection).
    pub(crate) fn for_smtp(&self) -> Value {
        json!({
            "endpoint": format!("{}/token/introspection", self.issuer()),
            "client": Self::APP,
            "secret": Self::APP_SECRET,
            "scope": Self::SMTP_SCOPE,
            "trusted": Self::MAILER,
        })
    }

    /// What it has logged: for a failure's message.
    pub fn log(&self) -> String {
        self.process.output()
    }
}
