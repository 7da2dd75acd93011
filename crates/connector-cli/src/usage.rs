//! A command line that cannot be understood: help where it was asked for, else a usage error.

use std::env;

use clap::error::{Error, ErrorKind};
use connector_kit::Report;

use crate::{commands::validate, exit::Exit, failure::Failure, output};

/// Prints what `error` has to say, which may be the help that was asked for.
pub fn report(error: &Error) -> Exit {
    let rendered = error.render();
    let text = |colours| if colours { rendered.ansi().to_string() } else { rendered.to_string() };
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match output::result(&text(output::colours_on_stdout())) {
            Ok(()) => Exit::Ok,
            Err(failure) => failure.exit(),
        };
    }
    output::note(&text(output::colours_on_stderr()));
    // Nothing was parsed, so whether a program is listening can only be read off the words.
    let words: Vec<String> = env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().any(|word| word == "--json") {
        // The first paragraph says what is wrong; usage and tips follow.
        let message = rendered.to_string();
        let message = message.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ").trim().to_owned();
        if words.iter().find(|word| !word.starts_with('-')).is_some_and(|command| command == "validate") {
            let mut report = Report::default();
            report.problem("", message);
            // Told on standard error already.
            let _ = validate::report_as_json(&report);
        } else {
            output::failure(&Failure::usage(message), true);
        }
    }
    Exit::Usage
}
