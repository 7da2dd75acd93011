//! A real browser: the set-up page of `admin-ui/` in it, and what it shows of mail.

use crate::{binary, installed};
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What setting a connector up came to.
#[derive(Debug, Deserialize)]
pub struct SetUp {
    /// The configurations that the page saved: one for each way in the connector's answers.
    pub saved: Vec<Value>,
    /// How many form items the page drew.
    pub items: usize,
    /// How many of them show only under conditions.
    pub conditional: usize,
}

/// A file or folder of `admin-ui/`.
#[must_use]
pub fn admin_ui(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("admin-ui").join(name)
}

/// Sets up every connector that the binary lists, as `admin-ui/answers/` says, in Chromium.
///
/// # Errors
///
/// When something is not installed, or the page did not do what it must: the message says at which connector.
pub fn set_up_every_connector() -> Result<BTreeMap<String, SetUp>> {
    let modules = installed::peer("the set-up page's packages", "admin-ui/node_modules")?;
    let mut command = Command::new(installed::program("node", "nodejs")?);
    command.arg(admin_ui("drive/main.cjs")).arg(binary()?).arg(installed::program("chromium", "chromium")?);
    command.env("NODE_PATH", modules).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("starting node")?;
    // It ends, and the browser with it, when this closes: also when the test is killed.
    let leash = child.stdin.take();
    let output = child.wait_with_output().context("waiting for node")?;
    drop(leash);
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("what node printed")
}

/// What Chromium shows of each of `mails`, by name, as text: the JSON that `peers/inner_text.cjs` prints.
///
/// # Errors
///
/// When something is not installed, or the browser does not start.
pub fn inner_texts(mails: &BTreeMap<String, String>) -> Result<Value> {
    let modules = installed::peer("the set-up page's packages", "admin-ui/node_modules")?;
    let mut command = Command::new(installed::program("node", "nodejs")?);
    command.arg(installed::script("inner_text.cjs")).arg(installed::program("chromium", "chromium")?);
    command.env("NODE_PATH", modules).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().context("starting node")?;
    // It ends, and the browser with it, when this closes: also when the test is killed.
    let mut leash = child.stdin.take().context("node has no standard input")?;
    writeln!(leash, "{}", serde_json::to_string(mails)?).context("writing to node")?;
    let output = child.wait_with_output().context("waiting for node")?;
    drop(leash);
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("what node printed")
}
