//! What the terminal shows while steps run, and the list of those that failed.

use anyhow::{Result, bail};
use std::io::IsTerminal as _;
use std::time::Instant;

/// Runs steps one after the other and remembers which failed.
#[derive(Default)]
pub struct Steps {
    failed: Vec<String>,
}

impl Steps {
    /// Runs one step. It gives the problems it found, none when all is well; that it could not be carried out is one too.
    ///
    /// Returns whether all was well.
    pub fn step(&mut self, name: &str, step: impl FnOnce() -> Result<Vec<String>>) -> bool {
        let start = Instant::now();
        eprintln!("{}", bold(&format!("== {name}")));
        let problems = step().unwrap_or_else(|error| vec![format!("{error:#}")]);
        for problem in &problems {
            eprintln!("   {problem}");
        }
        let seconds = start.elapsed().as_secs_f64();
        if problems.is_empty() {
            eprintln!("== {name}: {} ({seconds:.1} s)", green("ok"));
        } else {
            eprintln!("== {name}: {} ({seconds:.1} s)", red("FAILED"));
            self.failed.push(name.to_owned());
        }
        problems.is_empty()
    }

    /// Fails with the list of failed steps, if there are any.
    pub fn finish(self) -> Result<()> {
        if !self.failed.is_empty() {
            bail!("failed: {}", self.failed.join(", "));
        }
        Ok(())
    }
}

fn bold(text: &str) -> String {
    coloured("1", text)
}

fn green(text: &str) -> String {
    coloured("32", text)
}

pub fn red(text: &str) -> String {
    coloured("31", text)
}

/// Colour only for a person: on a terminal, and unless NO_COLOR asks for none (no-color.org).
fn coloured(code: &str, text: &str) -> String {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    if wanted && std::io::stderr().is_terminal() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}
