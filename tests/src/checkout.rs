//! A copy of this workspace with a history of its own, for what changes files, commits and tags.

use crate::CargoRegistry;
use crate::command::{Ran, built};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A folder with a copy of the workspace as it stands on this disk, committed, and room for other projects beside it.
/// Cargo builds and downloads within the folder, and finds there what this machine has from crates.io already.
pub struct Checkout {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Checkout {
    /// Copies the workspace: all files that git tracks or would track.
    ///
    /// # Errors
    ///
    /// When that does not work.
    pub fn new() -> Result<Self> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let checkout =
            Self { folder: tempfile::Builder::new().prefix("e2e-checkout-").tempdir()?, environment: Vec::new() };
        let list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let files = said(Command::new("git").current_dir(&source).args(list))?;
        for file in files.split_terminator('\0') {
            copy(&source.join(file), &checkout.root().join(file))?;
        }
        checkout.git(&["init", "--quiet", "--initial-branch", "main"])?;
        for (key, value) in [
            ("user.name", "A Maintainer"),
            ("user.email", "maintainer@example.test"),
            ("commit.gpgsign", "false"),
            ("tag.gpgsign", "false"),
        ] {
            checkout.git(&["config", key, value])?;
        }
        checkout.commit("As it is")?;
        checkout.share_downloads()?;
        Ok(checkout)
    }

    /// The workspace.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.beside("workspace")
    }

    /// A place of this name beside the workspace.
    #[must_use]
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Has its crates require one another from `registry`, makes cargo know it, and commits that with all changes so
    /// far.
    ///
    /// # Errors
    ///
    /// When that does not work.
    pub fn publish_to(&mut self, registry: &CargoRegistry) -> Result<()> {
        let own = registry.environment().map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.environment.extend(own);
        let named = format!(", registry = \"{}\", version = ", CargoRegistry::NAME);
        self.edit("Cargo.toml", |text| text.replace(", version = ", &named))?;
        self.commit("Publish to a registry of our own")
    }

    /// Has `cargo xtask` call a cargo that does these lines of shell for `command`; in them, the real one is
    /// `$CARGO_ITSELF`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn wrap_cargo(&mut self, command: &str, lines: &str) -> Result<()> {
        let itself = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let wrapper = self.beside("cargo-wrapper");
        shell_script(
            &wrapper,
            &format!("case \"$1\" in {command}) {lines};; *) exec \"$CARGO_ITSELF\" \"$@\";; esac"),
        )?;
        let wrapper = wrapper.to_string_lossy().into_owned();
        self.environment.extend([("CARGO_ITSELF".to_owned(), itself), ("CARGO".to_owned(), wrapper)]);
        Ok(())
    }

    /// Changes a file of the workspace.
    ///
    /// # Errors
    ///
    /// When it stays as it is.
    pub fn edit(&self, file: &str, change: impl FnOnce(&str) -> String) -> Result<()> {
        let path = self.root().join(file);
        let before = fs::read_to_string(&path).with_context(|| format!("reading {file}"))?;
        let after = change(&before);
        if after == before {
            bail!("{file} does not hold what was to be changed");
        }
        fs::write(&path, after).with_context(|| format!("writing {file}"))
    }

    /// Commits everything.
    ///
    /// # Errors
    ///
    /// When there is nothing to commit.
    pub fn commit(&self, message: &str) -> Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--no-verify", "--message", message]).map(drop)
    }

    /// Runs git in the workspace.
    ///
    /// # Errors
    ///
    /// When it fails, with what it wrote.
    pub fn git(&self, arguments: &[&str]) -> Result<String> {
        fs::create_dir_all(self.root())?;
        said(Command::new("git").current_dir(self.root()).args(arguments))
    }

    /// Runs `cargo xtask` in the workspace.
    ///
    /// # Errors
    ///
    /// When it is not built.
    pub fn xtask(&self, arguments: &[&str]) -> Result<Ran> {
        let mut xtask = Command::new(built("xtask")?);
        // As `cargo run` does, from which xtask knows its workspace.
        xtask.args(arguments).env("CARGO_MANIFEST_DIR", self.root().join("xtask"));
        self.finish(xtask, &self.root())
    }

    /// Runs cargo in `folder`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn cargo(&self, folder: &Path, arguments: &[&str]) -> Result<Ran> {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(arguments).env_remove("CARGO_MANIFEST_DIR");
        self.finish(cargo, folder)
    }

    fn finish(&self, mut command: Command, folder: &Path) -> Result<Ran> {
        command.current_dir(folder);
        // Neither what cargo tells this test of itself, nor what whoever runs it has set for the workspace's own build.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_")) {
            command.env_remove(name);
        }
        command.env("CARGO_HOME", self.beside("cargo-home")).env("CARGO_TARGET_DIR", self.beside("target"));
        // It is built once: what helps a second build or a debugger is only in the way.
        command.env("CARGO_INCREMENTAL", "0").env("CARGO_PROFILE_DEV_DEBUG", "0").env("RUST_BACKTRACE", "0");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ran::of(command)
    }

    /// Gives this checkout a home of cargo's own, so that nothing of its registry stays on the machine. What was
    /// downloaded from crates.io is the machine's.
    fn share_downloads(&self) -> Result<()> {
        let home = match std::env::var_os("CARGO_HOME") {
            Some(home) => PathBuf::from(home),
            None => {
                PathBuf::from(std::env::var_os("HOME").context("neither CARGO_HOME nor HOME is set")?).join(".cargo")
            }
        };
        let own = self.beside("cargo-home");
        for kind in ["registry/index", "registry/cache", "registry/src"] {
            fs::create_dir_all(own.join(kind))?;
            for entry in fs::read_dir(home.join(kind)).with_context(|| format!("cargo's {kind}"))? {
                let entry = entry?;
                std::os::unix::fs::symlink(entry.path(), own.join(kind).join(entry.file_name()))?;
            }
        }
        for file in ["config.toml", "config"] {
            if home.join(file).is_file() {
                fs::copy(home.join(file), own.join(file))?;
            }
        }
        Ok(())
    }
}

/// Writes a program of these lines of shell.
///
/// # Errors
///
/// When it cannot be written.
pub fn shell_script(file: &Path, lines: &str) -> Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(file))?;
    fs::write(file, format!("#!/bin/sh\n{lines}\n")).with_context(|| file.display().to_string())?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).with_context(|| file.display().to_string())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    // One that was deleted and not yet committed is listed, too.
    let Ok(kind) = fs::symlink_metadata(from) else { return Ok(()) };
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    if kind.is_symlink() {
        std::os::unix::fs::symlink(fs::read_link(from)?, to)?;
    } else {
        fs::copy(from, to).with_context(|| format!("copying {}", from.display()))?;
    }
    Ok(())
}

/// What a program wrote, when all went well.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
