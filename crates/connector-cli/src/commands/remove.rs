//! `remove`: a configuration deleted, secrets and all.

use connector_registry::{Dependent, Removed, Uuid};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{self, Style, paint},
    stored::{Needs, TenantArgs},
};

/// Arguments of `remove`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors remove 6f9619ff-8b86-4d01-b42d-00cf4fc964ff
  email-connectors remove --force

Refused when it is the active one and sign-in relies on it.")]
pub struct Args {
    /// The configuration; the active one unless given.
    id: Option<Uuid>,
    /// Remove it even if sign-in relies on it.
    #[arg(long)]
    force: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    status: &'static str,
    tenant: &'a str,
    id: String,
    connector: &'a str,
    was_active: bool,
    broke: &'a [Dependent],
}

/// Removes.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let tenant = args.stored.tenant.as_str();
    let removed = args
        .stored
        .with(Needs::Content, async |registry, by| Ok(registry.remove(tenant, args.id, args.force, by).await?))?;
    let Removed { saved, was_active, broke } = &removed;
    let printed = if args.json {
        let (id, connector) = (saved.id.to_string(), saved.connector.as_str());
        output::json(&Shown { status: "removed", tenant, id, connector, was_active: *was_active, broke })
    } else {
        output::result(&explain(tenant, &removed))
    };
    Ok(output::done(printed))
}

fn explain(tenant: &str, Removed { saved, was_active, broke }: &Removed) -> String {
    let removed = paint("removed", Style::Success, output::colours_on_stdout());
    let mut text = format!("{removed}: {} ({}) of tenant {tenant}\n", saved.connector, saved.id);
    if *was_active {
        text.push_str("No connector is active: nothing can be sent until one is set up or rolled back to.\n");
    }
    for dependent in broke {
        text.push_str(&format!("  no longer works: {dependent}\n"));
    }
    text
}
