//! A run of the binary with a terminal for its standard input.

use std::{
    fs::{File, OpenOptions},
    io::{Read, Write},
    process::{Child, ChildStdout, Command},
};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A talk with somebody at the keyboard.
pub struct Talk {
    keyboard: File,
    child: Child,
    stdout: ChildStdout,
    pub seen: String,
}

impl Talk {
    pub fn begin(command: &mut Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
        let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let mut child = command.stdin(terminal).spawn().unwrap();
        let stdout = child.stdout.take().unwrap();
        Self { keyboard: keyboard.into(), child, stdout, seen: String::new() }
    }

    /// Reads on until the end of what was said is `prompt`.
    pub fn wait_for(&mut self, prompt: &str) {
        let mut byte = [0];
        while !self.seen.ends_with(prompt) {
            self.stdout.read_exact(&mut byte).unwrap_or_else(|_| panic!("{prompt} never came: {}", self.seen));
            self.seen.push(char::from(byte[0]));
        }
    }

    pub fn hit(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub fn end(mut self) -> (i32, String) {
        self.stdout.read_to_string(&mut self.seen).unwrap();
        (self.child.wait().unwrap().code().unwrap(), self.seen)
    }
}
