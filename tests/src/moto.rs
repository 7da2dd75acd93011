//! moto: an AWS with SES, STS and IAM, which checks who signed a request and what they may do.

use crate::certificates::Certificates;
use crate::process::Process;
use crate::{installed, journal};
use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// moto running `tests/peers/moto_server.py`.
///
/// A user there may send from [`Moto::SENDER`]'s domain, and assume a role that may do so too, with [`Moto::EXTERNAL_ID`].
pub struct Moto {
    process: Process,
    folder: TempDir,
    certificates: Certificates,
    ready: Ready,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ready {
    port: u16,
    access_key_id: String,
    secret_access_key: String,
    role: String,
    session: Value,
}

/// A request as moto got it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct AwsRequest {
    /// The host asked for, with the port where that was given.
    pub host: String,
    /// The path.
    pub path: String,
    /// Its signature.
    pub authorization: Option<String>,
    /// The answer's status.
    pub status: u16,
}

impl AwsRequest {
    /// The access key that signed it; empty when nobody did.
    pub fn signed_by(&self) -> &str {
        let credential = self.authorization.as_deref().and_then(|text| text.split_once("Credential="));
        credential.and_then(|(_, rest)| rest.split_once('/')).map_or("", |(key, _)| key)
    }
}

impl Moto {
    /// The region it is set up in.
    pub const REGION: &str = "us-east-1";
    /// SES there.
    pub const SES: &str = "email.us-east-1.amazonaws.com";
    /// STS there.
    pub const STS: &str = "sts.us-east-1.amazonaws.com";
    /// An address that mail may be sent from.
    pub const SENDER: &str = "no-reply@example.test";
    /// What the role's trust policy asks for.
    pub const EXTERNAL_ID: &str = "connectors-7";

    /// Starts it and waits until it is set up.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start: the message holds its output.
    pub fn start() -> Result<Self> {
        Self::start_trusting(0)
    }

    /// As [`Self::start`], with this many requests answered at first without a look at who signed them: moto does not
    /// know that AssumeRoleWithWebIdentity, whose proof is the token, goes unsigned.
    ///
    /// # Errors
    ///
    /// As [`Self::start`].
    pub fn start_trusting(unauthenticated: u32) -> Result<Self> {
        let python = installed::peer("moto", "venv/bin/python")?;
        let folder = tempfile::Builder::new().prefix("e2e-moto-").tempdir()?;
        let certificates = Certificates::valid_for(&["localhost", Self::STS, Self::SES], folder.path())?;
        let ready = folder.path().join("ready.json");
        let options = json!({
            "ready": ready,
            "journal": folder.path().join("journal.jsonl"),
            "certificate": certificates.certificate,
            "key": certificates.key,
            "ca": certificates.ca,
            "sender": "example.test",
            "externalId": Self::EXTERNAL_ID,
            "unauthenticated": unauthenticated,
        });
        let mut command = Command::new(python);
        command.arg(installed::script("moto_server.py")).arg(options.to_string());
        let mut process = Process::start("moto", &command, &folder.path().join("output.log"))?;
        let ready = process.wait_for_file(&ready)?;
        Ok(Self { process, folder, certificates, ready })
    }

    /// The port on 127.0.0.1, for TLS.
    pub fn port(&self) -> u16 {
        self.ready.port
    }

    /// The certificate authority (PEM) that signed its certificate, for [`Self::SES`], [`Self::STS`] and `localhost`.
    pub fn ca_file(&self) -> &Path {
        &self.certificates.ca
    }

    /// The user's access key.
    pub fn access_key_id(&self) -> &str {
        &self.ready.access_key_id
    }

    /// That key's secret.
    pub fn secret_access_key(&self) -> &str {
        &self.ready.secret_access_key
    }

    /// The ARN of the role.
    pub fn role(&self) -> &str {
        &self.ready.role
    }

    /// Credentials of the role, as a container's own service answers with them.
    pub fn session(&self) -> &Value {
        &self.ready.session
    }

    /// The requests to SES and STS, oldest first.
    ///
    /// # Errors
    ///
    /// When they cannot be read.
    pub fn requests(&self) -> Result<Vec<AwsRequest>> {
        let mut requests: Vec<AwsRequest> = journal::events(&self.folder.path().join("journal.jsonl"))?;
        // Those that set it up, and that read its data back, name the machine.
        requests.retain(|request| request.host.ends_with(".amazonaws.com"));
        Ok(requests)
    }

    /// What it has logged: for a failure's message.
    pub fn log(&self) -> String {
        self.process.output()
    }
}
