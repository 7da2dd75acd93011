//! The binary `email-connectors`: list, describe, validate and try out email connectors.

mod cli;
mod code;
mod commands;
mod egress;
mod exit;
mod failure;
mod input;
mod logs;
mod mail_sink;
mod message;
mod output;
mod usage;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match cli::Cli::try_parse() {
        Ok(cli) => {
            logs::start(cli.verbose);
            commands::run(&cli.command).into()
        }
        Err(error) => usage::report(&error).into(),
    }
}
