//! `schema`: the JSON Schema of a connector's configuration.

use super::connector;
use crate::{exit::Exit, failure::Failure, output};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  email-connectors schema smtp > smtp.schema.json")]
pub struct Args {
    /// The connector: its id, target or short name.
    connector: String,
}

/// Prints the schema.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = connector(&args.connector)?.config_schema();
    output::result(&format!("{schema:#}\n"))?;
    Ok(Exit::Ok)
}
