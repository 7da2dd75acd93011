//! Programs that answer one question and end: a provider's own client or library, run on what a test gives it.

use crate::installed;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a script of `tests/peers/` in the environment of the Python packages, with `order` as its argument, and gives the
/// JSON that it prints.
///
/// # Errors
///
/// When the packages are not installed, or the script fails: with what it wrote.
pub fn python(name: &str, order: &Value) -> Result<Value> {
    let python = installed::peer("a Python environment", "venv/bin/python")?;
    run(Command::new(python), name, order)
}

/// Runs a script of `tests/peers/` in Node.js with the npm packages, with `order` as its argument, and gives the JSON that
/// it prints. It trusts the root certificates in the file `ca` besides the usual ones.
///
/// # Errors
///
/// As [`python`].
pub fn node(name: &str, order: &Value, ca: Option<&Path>) -> Result<Value> {
    let mut node = node_command()?;
    if let Some(ca) = ca {
        node.env("NODE_EXTRA_CA_CERTS", ca);
    }
    run(node, name, order)
}

/// Node.js, which finds the npm packages.
pub(crate) fn node_command() -> Result<Command> {
    let modules = installed::peer("a set of npm packages", "node/node_modules")?;
    let mut node = Command::new(installed::program("node", "nodejs")?);
    node.env("NODE_PATH", modules);
    Ok(node)
}

fn run(mut program: Command, name: &str, order: &Value) -> Result<Value> {
    program.arg(installed::script(name)).arg(order.to_string()).stdin(Stdio::null());
    let output = program.output().with_context(|| format!("running {name}"))?;
    if !output.status.success() {
        bail!("{name} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("{name} printed no JSON: {}", String::from_utf8_lossy(&output.stdout)))
}
