//! `import`: an export read in.

use connector_registry::Imported;
use serde::Serialize;

use crate::{
    exit::Exit,
    export_file,
    failure::Failure,
    input::Source,
    output::{self, Style, paint},
    stored::{Needs, StoreArgs},
    table::printable,
};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  email-connectors import acme.json

The file says which tenants. Configurations that a tenant has already stay as they are; sign-in settings and templates \
become those of the export, so that a template that it does not have is removed. Its active configuration becomes the \
active one; where it has none, whatever is active stays so. Everything is checked before anything is changed; \
should the store fail between two tenants all the same, the error says which were imported, and importing again does the \
rest.")]
pub struct Args {
    /// What `export` wrote; - reads standard input.
    file: Source,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    status: &'static str,
    tenants: &'a [Imported],
}

/// Imports.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let export =
        export_file::read(&args.file).map_err(|fault| Failure::invalid_file("the export is not valid", fault))?;
    let imported = args.store.with(Needs::Nothing, async |registry, by| Ok(registry.import(export, by).await?))?;
    let printed = if args.json {
        output::json(&Shown { status: "imported", tenants: &imported })
    } else {
        output::result(&imported.iter().map(explain).collect::<String>())
    };
    Ok(output::done(printed))
}

fn explain(Imported { tenant, saved, kept, active, templates, templates_removed }: &Imported) -> String {
    let imported = paint("imported", Style::Success, output::colours_on_stdout());
    let active = active.map_or("none".to_owned(), |id| id.to_string());
    let (tenant, saved, kept) = (printable(tenant), saved.len(), kept.len());
    let removed = if *templates_removed > 0 { format!(", others removed {templates_removed}") } else { String::new() };
    let templates = format!("templates {templates}{removed}");
    format!("{imported}: tenant {tenant}, active {active}, new {saved}, there already {kept}, {templates}\n")
}
