//! The command line: which commands there are. Each one's arguments are in its own file.

use clap::{
    CommandFactory, FromArgMatches, Parser, Subcommand,
    error::{Error, ErrorKind},
    parser::ValueSource,
};

use crate::commands::{
    change, code, completions, describe, export, history, import, keys, list, promote, quickstart, remove, rollback,
    schema, send, setup, sign_in, status, templates, test, validate,
};

/// Email connectors: one-time codes and invitations through the mail provider of your choice.
#[derive(Debug, Parser)]
#[command(
    name = "email-connectors",
    version,
    max_term_width = 110,
    after_help = "\
New here? Start with:
  email-connectors quickstart

Exit codes: 0 done, sent or valid, 64 usage, 65 invalid configuration, message or code, or not what is stored, \
69 refused for good, 74 cannot be written, 75 try again later, 76 unknown outcome, 77 not authorised, \
78 the store's key or version is not the right one"
)]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
    /// Log more to standard error; twice for debugging. RUST_LOG goes before it.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl Cli {
    /// Reads the command line.
    ///
    /// # Errors
    /// What is wrong with it, or the help that was asked for.
    pub fn read() -> Result<Self, Error> {
        let mut command = Self::command();
        let matches = command.try_get_matches_from_mut(std::env::args_os())?;
        // clap would take a tenant from the environment for one that was given, and that says nothing of this command.
        if let Some(("export", export)) = matches.subcommand()
            && export.get_flag("all")
            && export.value_source("tenant") == Some(ValueSource::CommandLine)
        {
            let conflict = "--all and --tenant cannot be used together: an export is of every tenant or of one";
            let mut export = command.find_subcommand("export").unwrap_or(&command).clone();
            return Err(export.error(ErrorKind::ArgumentConflict, conflict));
        }
        Self::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See a code sent and verified on this machine. Needs no configuration and no network.
    Quickstart(quickstart::Args),
    /// List the connectors there are.
    List(list::Args),
    /// Show what a connector is and what its configuration holds.
    Describe(describe::Args),
    /// Print the JSON Schema of a connector's configuration, or of what `describe --json` prints.
    Schema(schema::Args),
    /// Check a configuration; opens no connection.
    Validate(validate::Args),
    /// Set up a tenant's first connector.
    Setup(Box<setup::Args>),
    /// Replace the active connector by another, or by another configuration of it.
    Change(Box<change::Args>),
    /// Show which connector is active, and which configurations are kept.
    Status(status::Args),
    /// Show what was done, when, by whom and from where.
    History(history::Args),
    /// Send a test through a configuration, stored or not.
    Test(Box<test::Args>),
    /// Activate an earlier configuration again.
    Rollback(rollback::Args),
    /// Delete a configuration, secrets and all.
    Remove(remove::Args),
    /// Send one message, through the active connector or one that is not stored.
    Send(Box<send::Args>),
    /// Send a one-time code, or verify one.
    Code(Box<code::Args>),
    /// The tenant's own templates, by language.
    Templates(templates::Args),
    /// What sign-in relies on email for.
    SignIn(sign_in::Args),
    /// Take one tenant's active configuration over to another.
    Promote(promote::Args),
    /// Write what tenants have set up as JSON, without secrets or with sealed ones.
    Export(export::Args),
    /// Read in what `export` wrote.
    Import(import::Args),
    /// Make and rotate the master keys that secrets are encrypted under.
    Keys(keys::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}
