//! `validate`: everything that is wrong with a configuration, and everything worth knowing of it.

use std::fmt::Write;

use connector_kit::{Problem, Report};
use serde::Serialize;

use super::connector;
use crate::{
    exit::Exit,
    failure::Failure,
    input::Source,
    output::{self, Style, paint},
};

/// Arguments of `validate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  email-connectors validate sendgrid --config sendgrid.json")]
pub struct Args {
    /// The connector: its id, target or short name.
    connector: String,
    /// The configuration, a JSON file; - reads standard input.
    #[arg(long, value_name = "FILE")]
    config: Source,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Validated<'r> {
    valid: bool,
    #[serde(flatten)]
    report: &'r Report,
}

/// Validates.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let factory = match connector(&args.connector) {
        Ok(factory) => factory,
        // A program that asked for a validation gets one.
        Err(failure) if args.json => {
            report_as_json(&fault(failure.message().to_owned()))?;
            return Ok(failure.exit());
        }
        Err(failure) => return Err(failure),
    };
    let report = match args.config.json() {
        Ok(config) => factory.validate(&config),
        Err(cause) if args.json => fault(cause),
        Err(cause) => {
            return Err(connector_kit::Error::new(connector_kit::ErrorKind::InvalidConfig, cause).into());
        }
    };
    if args.json {
        report_as_json(&report)?;
    } else {
        output::result(&explain(&report, &args.config, factory.id(), output::colours_on_stdout()))?;
    }
    Ok(if report.is_valid() { Exit::Ok } else { Exit::BadInput })
}

/// Prints `report` as the contract's object.
pub fn report_as_json(report: &Report) -> Result<(), Failure> {
    output::json(&Validated { valid: report.is_valid(), report })
}

/// The report of a configuration that could not even be read.
fn fault(message: String) -> Report {
    let mut report = Report::default();
    report.problem("", message);
    report
}

fn explain(report: &Report, file: &Source, id: &str, colours: bool) -> String {
    let Report { problems, warnings } = report;
    let verdict = match problems.len() {
        0 => paint("valid", Style::Success, colours),
        _ => paint("not valid", Style::Error, colours),
    };
    let mut text = format!("{file}: {verdict} for {id}\n");
    let mut list = |word: &str, entries: &[Problem]| {
        for entry in entries {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {word} {entry}");
        }
    };
    list("problem", problems);
    list("warning", warnings);
    text
}
