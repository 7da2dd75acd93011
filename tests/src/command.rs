//! The real binary `email-connectors`, run as a person or a program would.

use crate::process::Process;
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The binary, as cargo built it beside this test.
///
/// # Errors
///
/// When it is not built.
pub fn binary() -> Result<PathBuf> {
    built("email-connectors").context("run `cargo build --package connector-cli`, or the tests with --workspace")
}

/// A program of this workspace, as cargo built it beside this test.
pub(crate) fn built(name: &str) -> Result<PathBuf> {
    let this = std::env::current_exe().context("this program's own path is unknown")?;
    let folder = this.ancestors().nth(2).context("this program is in no target folder")?;
    let program = folder.join(name);
    program.is_file().then_some(program).with_context(|| format!("{name} is not built"))
}

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Runs a program to its end.
    pub(crate) fn of(mut command: Command) -> Result<Self> {
        let output = command.stdin(Stdio::null()).output().with_context(|| format!("running {command:?}"))?;
        let Output { status, stdout, stderr } = output;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok(Self { code: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) })
    }

    /// Standard output as the one JSON object that it must be.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("not one JSON object: {self:?}"))
    }
}

/// Where [`Desk::program`] puts programs.
const PROGRAMS: &str = "programs";

/// What a person may have set for the binary.
const SETTINGS: [&str; 7] = [
    "RUST_LOG",
    "EMAIL_CONNECTORS_STORE",
    "EMAIL_CONNECTORS_TENANT",
    "EMAIL_CONNECTORS_KEY",
    "EMAIL_CONNECTORS_KEY_FILE",
    "EMAIL_CONNECTORS_KEY_COMMAND",
    "EMAIL_CONNECTORS_CODE_SETTINGS",
];

/// Keeps what a person has set for the binary from what tests see, and what tests store from the person's home.
fn alone(command: &mut Command, home: &Path) {
    for name in SETTINGS {
        command.env_remove(name);
    }
    command.env_remove("XDG_DATA_HOME").env("HOME", home).env("RUST_BACKTRACE", "0");
}

/// A command that was started and ends with this.
pub struct Running(Process);

impl Running {
    /// Whether it still runs.
    ///
    /// # Errors
    ///
    /// When it does not: with what it wrote.
    pub fn check(&mut self) -> Result<()> {
        match self.0.exited()? {
            Some(status) => bail!("the command ended ({status}): {}", self.0.output()),
            None => Ok(()),
        }
    }
}

/// A folder of files to run commands in.
pub struct Desk(tempfile::TempDir);

impl Desk {
    /// An empty folder.
    ///
    /// # Errors
    ///
    /// When there is no place for one.
    pub fn new() -> Result<Self> {
        Ok(Self(tempfile::Builder::new().prefix("e2e-desk-").tempdir()?))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes a file.
    ///
    /// # Errors
    ///
    /// When that does not work.
    pub fn write(&self, name: &str, content: &str) -> Result<()> {
        std::fs::write(self.path().join(name), content).with_context(|| format!("writing {name}"))
    }

    /// Runs `email-connectors` with these arguments in this folder.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn run(&self, arguments: &[&str]) -> Result<Ran> {
        let mut command = Command::new(binary()?);
        command.args(arguments);
        self.finish(command)
    }

    /// Runs `email-connectors` with these arguments in this folder, which is also its home, and with no environment but
    /// `env`.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn run_alone(&self, env: &[(&str, &str)], arguments: &[&str]) -> Result<Ran> {
        let mut command = Command::new(binary()?);
        command.args(arguments).env_clear().env("HOME", self.path()).envs(env.iter().copied());
        self.finish(command)
    }

    /// Writes a program that [`Desk::shell`] and [`Desk::start`] find before any other of its name.
    ///
    /// # Errors
    ///
    /// When that does not work.
    pub fn program(&self, name: &str, script: &str) -> Result<()> {
        let folder = self.path().join(PROGRAMS);
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let file = folder.join(name);
        std::fs::write(&file, script).with_context(|| format!("writing {}", file.display()))?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))
            .with_context(|| format!("making {} a program", file.display()))
    }

    /// Runs shell commands in this folder, with the binary in PATH. The first one that fails ends them.
    ///
    /// # Errors
    ///
    /// When they cannot be run.
    pub fn shell(&self, line: &str) -> Result<Ran> {
        self.finish(self.shell_command(line)?)
    }

    /// Starts shell commands in this folder, with the binary in PATH, and leaves them running.
    ///
    /// # Errors
    ///
    /// When they cannot be started.
    pub fn start(&self, line: &str) -> Result<Running> {
        let mut command = self.shell_command(&format!("cd '{}'\n{line}", self.path().display()))?;
        alone(&mut command, self.path());
        Ok(Running(Process::start("a command", &command, &self.path().join("running.log"))?))
    }

    fn shell_command(&self, line: &str) -> Result<Command> {
        let folder = binary()?.parent().context("the binary is in no folder")?.to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.path().join(PROGRAMS), folder];
        let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&path)))?;
        let mut command = Command::new("sh");
        command.args(["-euc", line]).env("PATH", path);
        Ok(command)
    }

    fn finish(&self, mut command: Command) -> Result<Ran> {
        alone(&mut command, self.path());
        command.current_dir(self.path());
        Ran::of(command)
    }
}
