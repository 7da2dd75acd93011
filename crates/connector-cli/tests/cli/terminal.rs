//! A run of the binary with a terminal for its standard input.

use std::{
    fs::{File, OpenOptions},
    io::{PipeReader, Read, Write, pipe},
    process::{Child, Command, ExitStatus, Stdio},
};

use rustix::{
    process::{Pid, Signal, kill_process},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

/// A talk with somebody at the keyboard.
pub struct Talk {
    keyboard: File,
    child: Child,
    screen: PipeReader,
    pub seen: String,
}

impl Talk {
    /// Begins `command`, whose standard output and standard error are both seen.
    pub fn begin(command: &mut Command) -> Self {
        let (screen, out) = pipe().unwrap();
        Self::begin_with(command, out.try_clone().unwrap(), out, screen)
    }

    /// Begins `command` with its standard output in `file`.
    pub fn begin_into(file: File, command: &mut Command) -> Self {
        let (screen, out) = pipe().unwrap();
        Self::begin_with(command, file, out, screen)
    }

    fn begin_with(
        command: &mut Command,
        stdout: impl Into<Stdio>,
        stderr: impl Into<Stdio>,
        screen: PipeReader,
    ) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let child = command.stdin(terminal).stdout(stdout).stderr(stderr).spawn().unwrap();
        // What was lent to the child would keep the screen from ending.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Self { keyboard: keyboard.into(), child, screen, seen: String::new() }
    }

    /// Reads on until the end of what was said is `prompt`.
    pub fn wait_for(&mut self, prompt: &str) {
        let mut byte = [0];
        while !self.seen.ends_with(prompt) {
            self.screen.read_exact(&mut byte).unwrap_or_else(|_| panic!("{prompt} never came: {}", self.seen));
            self.seen.push(char::from(byte[0]));
        }
    }

    pub fn hit(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub fn end(mut self) -> (i32, String) {
        self.screen.read_to_string(&mut self.seen).unwrap();
        (self.child.wait().unwrap().code().unwrap(), self.seen)
    }

    /// Ends it as Ctrl-C does.
    pub fn interrupt(mut self) -> ExitStatus {
        interrupt(&self.child);
        self.child.wait().unwrap()
    }
}

/// What Ctrl-C does to a process.
pub fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}
