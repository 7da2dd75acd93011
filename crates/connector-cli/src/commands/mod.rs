//! The commands: a file each.

pub mod change;
pub mod code;
pub mod completions;
pub mod describe;
pub mod export;
pub mod history;
pub mod import;
pub mod keys;
pub mod list;
pub mod promote;
mod proposal;
pub mod quickstart;
pub mod remove;
pub mod rollback;
mod sample;
pub mod schema;
pub mod send;
pub mod setup;
pub mod sign_in;
pub mod status;
pub mod templates;
pub mod test;
pub mod validate;

use connector_kit::{About, ConnectorFactory};
use connector_registry::Catalog;

use crate::{cli::Command, exit::Exit, failure::Failure, output};

/// Runs `command` and reports its failure, if it has one.
pub fn run(command: &Command) -> Exit {
    let (outcome, as_json) = match command {
        Command::Quickstart(args) => (quickstart::run(args), args.json),
        Command::List(args) => (list::run(args), args.json),
        Command::Describe(args) => (describe::run(args), args.json),
        Command::Schema(args) => (schema::run(args), false),
        Command::Validate(args) => (validate::run(args), args.json),
        Command::Setup(args) => (setup::run(args), args.proposal.json),
        Command::Change(args) => (change::run(args), args.proposal.json),
        Command::Status(args) => (status::run(args), args.json),
        Command::History(args) => (history::run(args), args.json),
        Command::Test(args) => (test::run(args), args.json),
        Command::Rollback(args) => (rollback::run(args), args.json),
        Command::Remove(args) => (remove::run(args), args.json),
        Command::Send(args) => (send::run(args), args.json),
        Command::Code(args) => (code::run(args), args.json()),
        Command::Templates(args) => (templates::run(args), args.json()),
        Command::SignIn(args) => (sign_in::run(args), args.json()),
        Command::Promote(args) => (promote::run(args), args.json),
        Command::Export(args) => (export::run(args), args.json),
        Command::Import(args) => (import::run(args), args.json),
        Command::Keys(args) => (keys::run(args), args.json()),
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

/// Sees `work` through, on one thread, which is all that one command needs.
pub(crate) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::unavailable(format!("this machine cannot run it: {cause}")))?;
    let outcome = runtime.block_on(work);
    // A name that is being looked up at a server that does not answer is not waited for: nobody is left to need it.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc;

    use super::block_on;

    /// The system's resolver blocks a thread for as long as it likes, whatever `--max-time` says.
    #[test]
    fn a_command_ends_though_a_look_up_does_not() {
        let (begun, has_begun) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        block_on(async {
            tokio::task::spawn_blocking(move || {
                begun.send(()).unwrap();
                // Until the test is over.
                let _ = ends.recv();
            });
            has_begun.recv().unwrap();
            Ok(())
        })
        .unwrap();
        drop(end);
    }
}
