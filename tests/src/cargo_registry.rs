//! A registry of crates, to publish to and build from.

use crate::process::Process;
use crate::{installed, until};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How long it gets to make its first commit.
const START: Duration = Duration::from_secs(60);

/// cargo-http-registry: `cargo publish` uploads to it, and cargo builds from it.
pub struct CargoRegistry {
    process: Process,
    folder: TempDir,
    index: String,
}

impl CargoRegistry {
    /// What [`Self::environment`] has cargo call it.
    pub const NAME: &str = "local";

    /// Starts an empty one.
    ///
    /// # Errors
    ///
    /// When it is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let program = installed::peer("cargo-http-registry", "cargo/bin/cargo-http-registry")?;
        let folder = tempfile::Builder::new().prefix("e2e-registry-").tempdir()?;
        let crates = folder.path().join("crates");
        let mut command = Command::new(program);
        command.arg(&crates);
        let mut process = Process::start("cargo-http-registry", &command, &folder.path().join("log"))?;
        // This link is the last thing that it makes; its port stands in a file it has made before.
        let ready = until(START, "cargo-http-registry to be ready", || {
            if let Some(status) = process.exited()? {
                bail!("it ended at once ({status})");
            }
            Ok(crates.join("index").is_symlink().then_some(()))
        });
        ready.with_context(|| format!("cargo-http-registry did not start; it wrote:\n{}", process.output()))?;
        let index = format!("{}/git", address(&crates.join("config.json"))?);
        Ok(Self { process, folder, index })
    }

    /// What makes it a registry of cargo's, under the name [`Self::NAME`].
    #[must_use]
    pub fn environment(&self) -> [(&str, &str); 3] {
        [
            ("CARGO_REGISTRIES_LOCAL_INDEX", &self.index),
            // It asks for none, but cargo does.
            ("CARGO_REGISTRIES_LOCAL_TOKEN", "none"),
            // It serves its index as plain files, which only git itself reads.
            ("CARGO_NET_GIT_FETCH_WITH_CLI", "true"),
        ]
    }

    /// The packages that were uploaded, `connector-smtp-0.1.0.crate`, in order of their names.
    ///
    /// # Errors
    ///
    /// When its folder cannot be read.
    pub fn packages(&self) -> Result<Vec<String>> {
        let files = std::fs::read_dir(self.root())?;
        let names: std::io::Result<Vec<String>> =
            files.map(|file| Ok(file?.file_name().to_string_lossy().into_owned())).collect();
        let mut packages: Vec<String> = names?.into_iter().filter(|name| name.ends_with(".crate")).collect();
        packages.sort();
        Ok(packages)
    }

    /// Has it refuse every version of a crate that it does not have yet, or no longer.
    ///
    /// # Errors
    ///
    /// When the file system does not allow it.
    pub fn refuse(&self, name: &str, refuse: bool) -> Result<()> {
        let [first, second] = [name.get(..2), name.get(2..4)].map(Option::unwrap_or_default);
        // It cannot write its index's file of the crate where a folder is.
        let folder = self.root().join(first).join(second).join(name);
        let done = if refuse { std::fs::create_dir_all(&folder) } else { std::fs::remove_dir(&folder) };
        done.with_context(|| folder.display().to_string())
    }

    /// Where its index is, and next to it, in `away`, has to be for it to know of nothing.
    #[must_use]
    pub fn index_and_away(&self) -> [PathBuf; 2] {
        [".git", "away"].map(|name| self.root().join(name))
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("crates")
    }

    /// Stops it, as dropping it does, and says so if that does not work.
    ///
    /// # Errors
    ///
    /// When a process of it is still there.
    pub fn stop(mut self) -> Result<()> {
        self.process.stop()
    }
}

/// Where it listens, from the file that tells cargo.
fn address(config: &Path) -> Result<String> {
    let text = std::fs::read_to_string(config).with_context(|| format!("reading {}", config.display()))?;
    let config: serde_json::Value = serde_json::from_str(&text).context("config.json of the registry")?;
    Ok(config["api"].as_str().context("config.json of the registry names no address")?.to_owned())
}
