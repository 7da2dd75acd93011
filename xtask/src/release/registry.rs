//! The registry that crates are published to, spoken to through cargo alone: it knows every kind there is, and the
//! credentials.

use super::plan::Release;
use crate::run::{cargo, output, shown, told};
use anyhow::{Error, Result, anyhow, bail};
use semver::Version;
use std::path::Path;
use std::process::Command;

/// Cargo's name for crates.io.
const CRATES_IO: &str = "crates-io";

pub struct Registry {
    /// As cargo's configuration calls it.
    pub name: String,
}

impl Registry {
    pub fn new(name: Option<String>) -> Self {
        Self { name: name.unwrap_or_else(|| CRATES_IO.to_owned()) }
    }

    /// What it is called in `registry = "…"` of a dependency, where that has to be said.
    pub fn of_dependency(&self) -> Option<&str> {
        (self.name != CRATES_IO).then_some(self.name.as_str())
    }

    /// Whether this very version is there.
    pub fn has(&self, root: &Path, name: &str, version: &Version) -> Result<bool> {
        let spec = format!("{name}@{version}");
        // The registry is named even where it is crates.io: otherwise cargo would describe our own crate.
        let mut info = cargo(root, ["info", "--quiet", "--color", "never", "--registry", &self.name, &spec]);
        match output(&mut info) {
            Ok(_) => Ok(true),
            Err(error) if error.to_string().contains(&format!("could not find `{spec}`")) => Ok(false),
            Err(error) => Err(error.context(format!("whether {spec} is on {} cannot be told", self.name))),
        }
    }

    /// Packages the crates of the workspace at `manifest` and builds each from its tarball, as `publish` would.
    pub fn rehearse(&self, root: &Path, manifest: &Path, target: &Path, releases: &[Release<'_>]) -> Result<()> {
        let mut command = self.publish_command(root, releases);
        command.args(["--dry-run", "--allow-dirty", "--manifest-path"]).arg(manifest);
        done(command.env("CARGO_TARGET_DIR", target))
    }

    /// Publishes them, in an order that cargo finds. Whether they build was tried before.
    ///
    /// # Errors
    /// How far cargo came, where it did not come to its end.
    pub fn publish(&self, root: &Path, releases: &[Release<'_>]) -> Result<(), Stopped> {
        match told(self.publish_command(root, releases).args(["--no-verify", "--color", "never"])) {
            Ok((None, _)) => Ok(()),
            Ok((Some(problem), said)) => Err(Stopped { error: anyhow!(problem), said }),
            Err(error) => Err(Stopped { error, said: String::new() }),
        }
    }

    /// What a person writes to publish one of them.
    pub fn publish_line(&self, release: &Release<'_>) -> String {
        format!("cargo publish --registry {} --no-verify --package {}", self.name, release.package.name)
    }

    fn publish_command(&self, root: &Path, releases: &[Release<'_>]) -> Command {
        let mut command = cargo(root, ["publish", "--registry", &self.name]);
        command.args(releases.iter().flat_map(|release| ["--package", release.package.name.as_str()]));
        command
    }
}

/// Publishing that came to no good end.
pub struct Stopped {
    pub error: Error,
    /// What cargo said.
    said: String,
}

impl Stopped {
    /// Whether the registry took this one, whether or not it shows it yet.
    pub fn uploaded(&self, release: &Release<'_>) -> bool {
        self.said.contains(&format!("Uploaded {} v{} ", release.package.name, release.to))
    }

    /// Whether the registry may have taken it though nobody heard of that: its upload began, and was not refused.
    pub fn may_have_uploaded(&self, release: &Release<'_>) -> bool {
        let refused = self.said.contains("the remote server responded with an error");
        self.said.contains(&format!("Uploading {} v{} ", release.package.name, release.to)) && !refused
    }
}

fn done(command: &mut Command) -> Result<()> {
    match shown(command)?.first() {
        Some(problem) => bail!("{problem}"),
        None => Ok(()),
    }
}
