//! The real binary `email-connectors`.

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::sync::Arc;
use tokio::process::Command;

/// Where it is.
#[derive(Clone)]
pub struct Tool(Arc<PathBuf>);

/// What it printed, and how it ended.
pub struct Ran {
    pub json: Value,
    pub exit: i32,
}

impl Tool {
    pub fn new(path: PathBuf) -> Self {
        Self(Arc::new(path))
    }

    /// Runs it with `--json`.
    pub async fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Ran> {
        let mut command = Command::new(&*self.0);
        command.args(args).arg("--json").env_remove("RUST_LOG").stdin(Stdio::null()).kill_on_drop(true);
        let what = format!("{:?}", command.as_std());
        let Output { status, stdout, stderr } = command.output().await.with_context(|| format!("running {what}"))?;
        let Some(exit) = status.code() else { bail!("{what} was killed: {}", String::from_utf8_lossy(&stderr)) };
        let json = serde_json::from_slice(&stdout);
        let json = json.with_context(|| format!("{what} did not print JSON: {}", String::from_utf8_lossy(&stderr)))?;
        Ok(Ran { json, exit })
    }
}
