//! The npm package smtp-server: STARTTLS, implicit TLS, and AUTH PLAIN, LOGIN, CRAM-MD5 and XOAUTH2.

use crate::certificates::Certificates;
use crate::process::Process;
use crate::{Mail, OidcProvider, PASSWORD, SmtpPeer, USER, installed, journal, program};
use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// smtp-server running `tests/peers/node_smtp_server.cjs`.
///
/// By default STARTTLS and, inside TLS, all four mechanisms are offered, who has not authenticated is refused, and
/// every recipient is accepted.
pub struct NodeSmtpServer {
    process: Process,
    folder: TempDir,
    certificates: Certificates,
    ready: Ready,
}

/// What a test wants different from [`NodeSmtpServer::start`].
pub struct NodeSmtpServerBuilder {
    starttls: bool,
    auth: bool,
    mechanisms: Vec<String>,
    introspection: Option<(Value, PathBuf)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    port: u16,
    tls_port: u16,
}

impl NodeSmtpServer {
    /// The access token XOAUTH2 takes for [`USER`].
    pub const ACCESS_TOKEN: &str = "ya29.a-token-for-tests";

    /// Starts it as described above and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start: the message holds its output.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// To change something before it starts.
    pub fn builder() -> NodeSmtpServerBuilder {
        let mechanisms = ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"].map(str::to_owned).to_vec();
        NodeSmtpServerBuilder { starttls: true, auth: true, mechanisms, introspection: None }
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.jsonl")
    }
}

impl NodeSmtpServerBuilder {
    /// No STARTTLS on the plain port; AUTH is offered there in clear.
    pub fn without_starttls(mut self) -> Self {
        self.starttls = false;
        self
    }

    /// No AUTH: anybody may send.
    pub fn without_auth(mut self) -> Self {
        self.auth = false;
        self
    }

    /// The only mechanisms offered, of `PLAIN`, `LOGIN`, `CRAM-MD5` and `XOAUTH2`.
    pub fn mechanisms(mut self, mechanisms: &[&str]) -> Self {
        self.mechanisms = mechanisms.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// XOAUTH2's tokens are `provider`'s: it is asked what each is good for. [`OidcProvider::MAILER`] may sign in as anybody
    /// by its own credentials.
    pub fn introspection(mut self, provider: &OidcProvider) -> Self {
        self.introspection = Some((provider.for_smtp(), provider.ca_file().to_owned()));
        self
    }

    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// As [`NodeSmtpServer::start`].
    pub fn start(self) -> Result<NodeSmtpServer> {
        let mut command = program::node_command()?;
        let folder = tempfile::Builder::new().prefix("e2e-smtp-server-").tempdir()?;
        let certificates = Certificates::write_to(folder.path())?;
        let ready = folder.path().join("ready.json");
        let options = json!({
            "ready": ready,
            "journal": folder.path().join("journal.jsonl"),
            "certificate": certificates.certificate,
            "key": certificates.key,
            "users": self.auth.then(|| json!({ USER: PASSWORD })),
            "tokens": { USER: NodeSmtpServer::ACCESS_TOKEN },
            "introspection": self.introspection.as_ref().map(|(provider, _)| provider),
            "mechanisms": self.mechanisms,
            "starttls": self.starttls,
        });
        command.arg(installed::script("node_smtp_server.cjs")).arg(options.to_string());
        if let Some((_, ca)) = self.introspection {
            command.env("NODE_EXTRA_CA_CERTS", ca);
        }
        let mut process = Process::start("smtp-server", &command, &folder.path().join("output.log"))?;
        let ready = process.wait_for_file(&ready)?;
        Ok(NodeSmtpServer { process, folder, certificates, ready })
    }
}

impl SmtpPeer for NodeSmtpServer {
    fn name(&self) -> &'static str {
        "smtp-server"
    }

    fn port(&self) -> u16 {
        self.ready.port
    }

    fn tls_port(&self) -> Option<u16> {
        Some(self.ready.tls_port)
    }

    fn ca_file(&self) -> &Path {
        &self.certificates.ca
    }

    fn mails(&self) -> Result<Vec<Mail>> {
        journal::mails(&self.journal())
    }

    fn connections(&self) -> Result<usize> {
        journal::connections(&self.journal())
    }

    fn processes(&self) -> Result<Vec<u32>> {
        self.process.running()
    }

    fn log(&self) -> String {
        self.process.output()
    }

    fn stop(mut self) -> Result<()> {
        self.process.stop()
    }
}
