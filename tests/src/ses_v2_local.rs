//! The npm package aws-ses-v2-local: an SES that keeps all that it is sent, and checks nobody's signature.

use crate::process::Process;
use crate::{installed, program};
use anyhow::Result;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

/// aws-ses-v2-local running `tests/peers/ses_v2_local.cjs`.
pub struct SesV2Local {
    _process: Process,
    _folder: TempDir,
    ready: Ready,
}

#[derive(Deserialize)]
struct Ready {
    port: u16,
}

impl SesV2Local {
    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When it is not installed or does not start: the message holds its output.
    pub fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("e2e-ses-v2-local-").tempdir()?;
        let ready = folder.path().join("ready.json");
        let mut command = program::node_command()?;
        command.arg(installed::script("ses_v2_local.cjs")).arg(json!({ "ready": ready }).to_string());
        let mut process = Process::start("aws-ses-v2-local", &command, &folder.path().join("output.log"))?;
        let ready = process.wait_for_file(&ready)?;
        Ok(Self { _process: process, _folder: folder, ready })
    }

    /// Its URL, in clear.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.ready.port)
    }
}
