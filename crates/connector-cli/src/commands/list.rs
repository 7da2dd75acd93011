//! `list`: the connectors there are.

use connector_registry::Catalog;
use serde::Serialize;

use super::{english, name};
use crate::{exit::Exit, failure::Failure, output};

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
        output::result(&table(&listed.connectors))?;
    }
    Ok(Exit::Ok)
}

fn table(rows: &[Row]) -> String {
    let heading = Row { id: "ID", target: "TARGET", name: "NAME", description: "DESCRIPTION" };
    let lines = || std::iter::once(&heading).chain(rows);
    let width = |column: fn(&Row) -> &str| lines().map(|row| column(row).chars().count()).max().unwrap_or_default();
    let (id, target, name) = (width(|row| row.id), width(|row| row.target), width(|row| row.name));
    let line = |row: &Row| format!("{:id$}  {:target$}  {:name$}  {}\n", row.id, row.target, row.name, row.description);
    lines().map(line).collect()
}
