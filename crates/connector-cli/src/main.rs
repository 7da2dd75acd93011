//! The binary `email-connectors`: try out email connectors, keep one active per tenant, and send through it.

mod cli;
mod commands;
mod config;
mod egress;
mod exit;
mod export_file;
mod failure;
mod input;
mod interruption;
mod logs;
mod mail_sink;
mod message;
mod output;
mod private_file;
mod prompt;
mod saved;
mod stored;
mod table;
mod usage;
mod usage_type;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::Cli::read() {
        Ok(cli) => {
            logs::start(cli.verbose);
            commands::run(&cli.command).into()
        }
        Err(error) => usage::report(&error).into(),
    }
}
