//! The one place that writes: results to standard output, everything else to standard error.

use std::{
    env,
    io::{self, ErrorKind, IsTerminal, Write},
};

use serde::Serialize;

use crate::{exit::Exit, failure::Failure};

/// Writes a result, all at once.
///
/// # Errors
/// When standard output cannot take it. A reader that has seen enough, such as `head`, is no error.
pub fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(cause) if cause.kind() != ErrorKind::BrokenPipe => Err(Failure::cannot_write(&cause)),
        _ => Ok(()),
    }
}

/// Writes a result as one line of JSON.
///
/// # Errors
/// As [`result`].
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_string(value).map_err(|cause| Failure::cannot_write(&cause.into()))?;
    line.push('\n');
    result(&line)
}

/// Writes a result as JSON that people read, too.
///
/// # Errors
/// As [`result`].
pub fn pretty_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|cause| Failure::cannot_write(&cause.into()))?;
    result(&(text + "\n"))
}

/// Ends a command that has done something. Where its result could not be `written`, that is told on standard error, and
/// the command has succeeded all the same: whoever took it for a failure would do it twice.
pub fn done(written: Result<(), Failure>) -> Exit {
    if let Err(unwritten) = written {
        failure(&unwritten, false);
    }
    Exit::Ok
}

/// Writes to standard error. When not even that works there is nobody left to tell.
pub fn note(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Reports `failure`: as JSON on standard output, or for a person on standard error.
pub fn failure(failure: &Failure, as_json: bool) {
    if as_json && json(failure).is_ok() {
        return;
    }
    note(&failure.explain(&paint("error:", Style::Error, colours_on_stderr())));
}

/// What a piece of text is, where colours are used.
#[derive(Debug, Clone, Copy)]
pub enum Style {
    /// Something went wrong.
    Error,
    /// Something went well.
    Success,
    /// A heading or a name.
    Strong,
}

/// `text` in the colours of `style`, if `colours` are wanted.
pub fn paint(text: &str, style: Style, colours: bool) -> String {
    let code = match style {
        Style::Error => "1;31",
        Style::Success => "1;32",
        Style::Strong => "1",
    };
    if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Whether standard output takes colours.
pub fn colours_on_stdout() -> bool {
    io::stdout().is_terminal() && colours_wanted()
}

/// Whether standard error takes colours.
pub fn colours_on_stderr() -> bool {
    io::stderr().is_terminal() && colours_wanted()
}

/// <https://no-color.org>: any value but the empty one switches colours off.
fn colours_wanted() -> bool {
    env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && env::var_os("TERM").is_none_or(|term| term != "dumb")
}
