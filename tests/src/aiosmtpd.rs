//! aiosmtpd: a Python server that misbehaves on order, over STARTTLS and with AUTH PLAIN and LOGIN.

use crate::certificates::Certificates;
use crate::process::Process;
use crate::{Mail, PASSWORD, SmtpPeer, USER, installed, journal};
use anyhow::Result;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// aiosmtpd running `tests/peers/aiosmtpd_server.py`.
///
/// By default STARTTLS and, inside it, AUTH PLAIN and LOGIN are offered, who has not authenticated is refused, and
/// every recipient is accepted.
pub struct Aiosmtpd {
    process: Process,
    folder: TempDir,
    certificates: Certificates,
    port: u16,
}

/// Whether STARTTLS is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartTls {
    /// Every other command is answered `530` before it.
    Required,
    /// Offered, and AUTH only inside it.
    Offered,
    /// Not offered; AUTH is offered in clear.
    Off,
}

/// The step of a transaction that is answered as the test says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// MAIL FROM
    Mail,
    /// RCPT TO
    Rcpt,
    /// The end of the message, after its last line
    Data,
}

/// What follows a message that was taken (and is in [`SmtpPeer::mails`] in any case).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterData {
    /// `250`
    Answer,
    /// Nothing, with the connection left open.
    Silence,
    /// The connection is closed without an answer.
    HangUp,
}

/// What a test wants different from [`Aiosmtpd::start`].
pub struct AiosmtpdBuilder {
    starttls: StartTls,
    auth: bool,
    smtputf8: bool,
    idle_timeout: Duration,
    refused: Map<String, Value>,
    once: Map<String, Value>,
    always: Map<String, Value>,
    after_data: AfterData,
    weak_certificate: bool,
}

#[derive(Deserialize)]
struct Ready {
    port: u16,
}

impl Aiosmtpd {
    /// Starts it as described above and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start: the message holds its output.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// To change something before it starts.
    pub fn builder() -> AiosmtpdBuilder {
        AiosmtpdBuilder {
            starttls: StartTls::Offered,
            auth: true,
            smtputf8: true,
            idle_timeout: Duration::from_secs(300),
            refused: Map::new(),
            once: Map::new(),
            always: Map::new(),
            after_data: AfterData::Answer,
            weak_certificate: false,
        }
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.jsonl")
    }
}

impl AiosmtpdBuilder {
    /// Whether STARTTLS is there.
    pub fn starttls(mut self, starttls: StartTls) -> Self {
        self.starttls = starttls;
        self
    }

    /// No AUTH: anybody may send.
    pub fn without_auth(mut self) -> Self {
        self.auth = false;
        self
    }

    /// SMTPUTF8 is not offered, and an address that needs it is refused.
    pub fn without_smtputf8(mut self) -> Self {
        self.smtputf8 = false;
        self
    }

    /// Closes a connection on which nothing came for this long.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Answers RCPT for this address with `reply`, such as `550 5.1.1 No such mailbox`.
    pub fn refuse(mut self, address: &str, reply: &str) -> Self {
        self.refused.insert(address.to_owned(), reply.into());
        self
    }

    /// Answers the step with `reply` the first time, such as `451 4.7.1 Greylisted`. After `421 …` the connection is closed.
    pub fn answer_once(mut self, step: Step, reply: &str) -> Self {
        self.once.insert(step.command().to_owned(), reply.into());
        self
    }

    /// Answers the step with `reply` every time. After `421 …` the connection is closed.
    pub fn answer_always(mut self, step: Step, reply: &str) -> Self {
        self.always.insert(step.command().to_owned(), reply.into());
        self
    }

    /// What follows a message that was taken.
    pub fn after_data(mut self, after: AfterData) -> Self {
        self.after_data = after;
        self
    }

    /// Shows a certificate for `mail.lab.example` with an RSA key of 1024 bits, which rustls does not verify.
    pub fn weak_certificate(mut self) -> Self {
        self.weak_certificate = true;
        self
    }

    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// As [`Aiosmtpd::start`].
    pub fn start(self) -> Result<Aiosmtpd> {
        let python = installed::peer("aiosmtpd", "venv/bin/python")?;
        let folder = tempfile::Builder::new().prefix("e2e-aiosmtpd-").tempdir()?;
        let certificates = Certificates::write_to(folder.path())?;
        let ready = folder.path().join("ready.json");
        let (certificate, key) = match self.weak_certificate {
            true => ["test-only-rsa1024.pem", "test-only-rsa1024-key.pem"].map(installed::script).into(),
            false => (certificates.certificate.clone(), certificates.key.clone()),
        };
        let options = json!({
            "ready": ready,
            "journal": folder.path().join("journal.jsonl"),
            "certificate": certificate,
            "key": key,
            "weak": self.weak_certificate,
            "users": self.auth.then(|| json!({ USER: PASSWORD })),
            "starttls": match self.starttls {
                StartTls::Required => "required",
                StartTls::Offered => "offered",
                StartTls::Off => "off",
            },
            "smtputf8": self.smtputf8,
            "idleTimeout": self.idle_timeout.as_secs_f64(),
            "refused": self.refused,
            "once": self.once,
            "always": self.always,
            "afterData": match self.after_data {
                AfterData::Answer => "answer",
                AfterData::Silence => "silent",
                AfterData::HangUp => "hang-up",
            },
        });
        let mut command = Command::new(python);
        command.arg(installed::script("aiosmtpd_server.py")).arg(options.to_string());
        let mut process = Process::start("aiosmtpd", &command, &folder.path().join("output.log"))?;
        let Ready { port } = process.wait_for_file(&ready)?;
        Ok(Aiosmtpd { process, folder, certificates, port })
    }
}

impl Step {
    fn command(self) -> &'static str {
        match self {
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
        }
    }
}

impl SmtpPeer for Aiosmtpd {
    fn name(&self) -> &'static str {
        "aiosmtpd"
    }

    fn port(&self) -> u16 {
        self.port
    }

    fn tls_port(&self) -> Option<u16> {
        None
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
