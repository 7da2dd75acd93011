//! The command line: which commands there are. Each one's arguments are in its own file.

use clap::{Parser, Subcommand};

use crate::commands::{completions, describe, list, quickstart, schema, send, validate};

/// Email connectors: one-time codes and invitations through the mail provider of your choice.
#[derive(Debug, Parser)]
#[command(
    name = "email-connectors",
    version,
    max_term_width = 110,
    after_help = "\
New here? Start with:
  email-connectors quickstart

Exit codes: 0 sent or valid, 64 usage, 65 invalid configuration or message, 69 refused for good, \
75 try again later, 76 unknown outcome, 77 not authorised"
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Log more to standard error; twice for debugging. RUST_LOG goes before it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the connectors there are.
    List(list::Args),
    /// Show what a connector is and what its configuration holds.
    Describe(describe::Args),
    /// Print the JSON Schema of a connector's configuration, or of what `describe --json` prints.
    Schema(schema::Args),
    /// Check a configuration; opens no connection.
    Validate(validate::Args),
    /// Send one message. Stores nothing.
    Send(send::Args),
    /// See a code sent and verified on this machine. Needs no configuration and no network.
    Quickstart(quickstart::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}
