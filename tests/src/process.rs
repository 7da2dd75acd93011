//! A server's process, and everything it starts, in a process group of its own that ends with its owner.

use crate::until;
use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use serde::de::DeserializeOwned;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Runs the server in the foreground and, beside it, a watcher that ends the whole process group once its standard input
/// closes. So the servers also end when the test is killed and cannot clean up: the pipe closes with the process.
const LEASH: &str = r#"exec 3<&0
(cat <&3; kill -TERM 0) >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// How long a server gets to be ready: on a busy machine an interpreter takes its time to load large libraries.
const START: Duration = Duration::from_secs(60);

/// How long a server gets to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) struct Process {
    what: &'static str,
    child: Child,
    leash: Option<ChildStdin>,
    log: PathBuf,
}

impl Process {
    /// Starts `command` with both outputs going to the file `log`.
    pub(crate) fn start(what: &'static str, command: &Command, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let mut leashed = Command::new("sh");
        leashed.args(["-c", LEASH, "sh"]).arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => leashed.env(name, value),
                None => leashed.env_remove(name),
            };
        }
        let errors = output.try_clone()?;
        leashed.stdin(Stdio::piped()).stdout(output).stderr(errors).process_group(0);
        let mut child = leashed.spawn().with_context(|| format!("starting {what}"))?;
        let leash = child.stdin.take();
        Ok(Self { what, child, leash, log: log.to_owned() })
    }

    /// How the server ended, if it has.
    pub(crate) fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for a file in which the server says that it is ready, and reads the JSON in it.
    pub(crate) fn wait_for_file<T: DeserializeOwned>(&mut self, file: &Path) -> Result<T> {
        let what = self.what;
        let ready = until(START, &format!("{what} to be ready"), || {
            if let Some(status) = self.exited()? {
                bail!("{what} ended at once ({status})");
            }
            Ok(std::fs::read(file).ok())
        });
        let ready = ready.with_context(|| format!("{what} did not start; it wrote:\n{}", self.output()))?;
        serde_json::from_slice(&ready).with_context(|| format!("{what} is ready, but with what?"))
    }

    /// What the server has written to its outputs.
    pub(crate) fn output(&self) -> String {
        std::fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Ends every process of the group and waits until they are gone.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let Some(leash) = self.leash.take() else { return Ok(()) };
        for signal in [Signal::TERM, Signal::KILL] {
            self.signal(signal);
            let what = format!("the end of {}'s processes", self.what);
            if until(GRACE, &what, || Ok(self.running()?.is_empty().then_some(()))).is_ok() {
                drop(leash);
                // Only now: until it is waited for, the group's id cannot be given to anybody else.
                self.child.wait().with_context(|| format!("waiting for {}", self.what))?;
                return Ok(());
            }
        }
        bail!("{} does not end: processes {:?} are left", self.what, self.running()?)
    }

    fn signal(&self, signal: Signal) {
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(group) = group {
            // It fails when nothing is left to signal, which is what is wanted.
            kill_process_group(group, signal).ok();
        }
    }

    /// The group's processes that still run; one that ended and was not waited for yet does not.
    pub(crate) fn running(&self) -> Result<Vec<u32>> {
        running_in_group(self.child.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A test that cares calls `stop` and sees the error; here there is nobody to give it to.
        self.stop().ok();
    }
}

/// The processes of a group that run, read from /proc.
fn running_in_group(group: u32) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").context("reading /proc, which these tests need: they run on Linux")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // It may have ended since the folder was read.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        // "pid (name) state parent group …": the name may hold blanks and brackets, so count from its end.
        let Some((_, fields)) = stat.rsplit_once(')') else { continue };
        let mut fields = fields.split_ascii_whitespace();
        let (state, _parent, pgrp) = (fields.next(), fields.next(), fields.next());
        if pgrp == Some(group.to_string().as_str()) && state != Some("Z") && state != Some("X") {
            found.push(pid);
        }
    }
    Ok(found)
}
