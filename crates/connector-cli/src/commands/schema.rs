//! `schema`: the JSON Schema of a connector's configuration, or of what `describe --json` prints.

use schemars::generate::SchemaSettings;

use super::{connector, describe::Described};
use crate::{exit::Exit, failure::Failure, output};

/// Arguments of `schema`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors schema smtp > smtp.schema.json
  email-connectors schema --describe > describe.schema.json")]
pub struct Args {
    /// The connector: its id, target or short name.
    #[arg(required_unless_present = "describe")]
    connector: Option<String>,
    /// The schema of what `describe --json` prints, whichever connector it describes.
    #[arg(long, conflicts_with = "connector")]
    describe: bool,
}

/// Prints the schema.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let schema = match &args.connector {
        Some(name) => format!("{:#}\n", connector(name)?.config_schema()),
        None => format!("{:#}\n", description()),
    };
    output::result(&schema)?;
    Ok(Exit::Ok)
}

/// The JSON Schema (draft 2020-12) of what `describe --json` prints.
fn description() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<Described<'_>>().to_value()
}
