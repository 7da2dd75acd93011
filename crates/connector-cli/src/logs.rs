//! Logs: to standard error, only warnings unless asked for more.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::output;

/// Starts logging. `RUST_LOG` goes before `verbose`.
///
/// The filter of `verbose` names our own crates only: what libraries log at these levels can hold credentials.
pub fn start(verbose: u8) {
    let ours = match verbose {
        0 => "warn",
        1 => "warn,connector_=info,email_connectors=info",
        _ => "warn,connector_=debug,email_connectors=debug",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(ours));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(output::colours_on_stderr())
        .with_target(verbose > 0)
        .without_time()
        // What cannot be logged would be told by a macro that panics where standard error takes nothing.
        .log_internal_errors(false)
        .init();
}
