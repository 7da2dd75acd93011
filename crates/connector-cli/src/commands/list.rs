//! `list`: the connectors there are.

use connector_registry::Catalog;
use serde::Serialize;

use super::{english, name};
use crate::{exit::Exit, failure::Failure, output, table::table};

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  email-connectors list --json | jq -r '.connectors[].id'")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Listed {
    connectors: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    id: &'static str,
    target: &'static str,
    name: &'static str,
    description: &'static str,
}

/// Lists.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    // Straight from the connectors' constants: their schemas are not needed, so not made.
    let catalog = Catalog::builtin();
    let rows = catalog.iter().map(|factory| {
        let about = factory.about();
        Row { id: about.id, target: about.target, name: name(about), description: english(about.description) }
    });
    let listed = Listed { connectors: rows.collect() };
    if args.json {
        output::json(&listed)?;
    } else {
        let rows = listed.connectors.iter();
        let rows = rows.map(|row| [row.id, row.target, row.name, row.description].map(str::to_owned));
        output::result(&table(["ID", "TARGET", "NAME", "DESCRIPTION"], rows))?;
    }
    Ok(Exit::Ok)
}
