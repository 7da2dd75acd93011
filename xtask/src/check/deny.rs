//! deny.toml, the one place that says which dependencies may come in.

use crate::run::{cargo, output, shown};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Deny {
    pub licenses: Licenses,
    pub bans: Bans,
    pub sources: Sources,
}

#[derive(Deserialize)]
pub struct Licenses {
    /// SPDX identifiers, each allowed for every crate.
    pub allow: Vec<String>,
    /// Further ones for single crates.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
pub struct Exception {
    #[serde(rename = "crate")]
    pub name: String,
    pub allow: Vec<String>,
}

#[derive(Deserialize)]
pub struct Bans {
    pub deny: Vec<Banned>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Banned {
    #[serde(rename = "crate")]
    pub name: String,
    pub reason: String,
    pub use_instead: Option<String>,
    /// The only crates that may depend on it.
    #[serde(default)]
    pub wrappers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Sources {
    pub allow_registry: Vec<String>,
    #[serde(default)]
    pub allow_git: Vec<String>,
}

impl Deny {
    pub fn load(workspace: &Workspace) -> Result<Self> {
        let file = workspace.root.join("deny.toml");
        let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        toml::from_str(&text).context("deny.toml")
    }
}

/// cargo-deny reads the same lists more thoroughly (licence texts, for one), so it has its say where it is installed.
pub fn cargo_deny(workspace: &Workspace) -> Result<Vec<String>> {
    if output(&mut cargo(&workspace.root, ["deny", "--version"])).is_err() {
        eprintln!("   not installed: our own checks of deny.toml (bans, licences) stand alone");
        return Ok(Vec::new());
    }
    shown(&mut cargo(&workspace.root, ["deny", "--offline", "check", "licenses", "bans", "sources"]))
}
