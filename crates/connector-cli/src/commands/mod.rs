//! The commands: a file each.

pub mod completions;
pub mod describe;
pub mod list;
pub mod quickstart;
pub mod schema;
pub mod send;
pub mod validate;

use connector_kit::{About, ConnectorFactory};
use connector_registry::Catalog;

use crate::{cli::Command, exit::Exit, failure::Failure, output};

/// Runs `command` and reports its failure, if it has one.
pub fn run(command: &Command) -> Exit {
    let (outcome, as_json) = match command {
        Command::List(args) => (list::run(args), args.json),
        Command::Describe(args) => (describe::run(args), args.json),
        Command::Schema(args) => (schema::run(args), false),
        Command::Validate(args) => (validate::run(args), args.json),
        Command::Send(args) => (send::run(args), args.json),
        Command::Quickstart(args) => (quickstart::run(args), args.json),
        Command::Completions(args) => (completions::run(args), false),
    };
    outcome.unwrap_or_else(|failure| {
        output::failure(&failure, as_json);
        failure.exit()
    })
}

/// The connector that `name` means.
fn connector(name: &str) -> Result<&'static ConnectorFactory, Failure> {
    Catalog::builtin().find(name).map_err(|unknown| Failure::usage(unknown.to_string()).of(name))
}

/// The English one of texts by language, which every connector has.
fn english(texts: &'static [(&'static str, &'static str)]) -> &'static str {
    texts.iter().find(|(language, _)| *language == "en").map_or("", |(_, text)| text)
}

/// A connector's name for people.
fn name(about: &About) -> &'static str {
    english(about.name)
}

/// What sends run on: one thread, which is all that one message needs.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|cause| Failure::unavailable(format!("this machine cannot run the send: {cause}")))
}
