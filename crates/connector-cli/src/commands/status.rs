//! `status`: which connector is active, and which configurations are kept.

use connector_registry::Status;
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output,
    saved::SavedConfiguration,
    stored::{Needs, TenantArgs},
    table::{printable, table},
};

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors status
  email-connectors status --tenant acme --json | jq -r .active.connector")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    tenant: &'a str,
    revision: u64,
    active: Option<SavedConfiguration<'a>>,
    kept: Vec<SavedConfiguration<'a>>,
}

/// Shows.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let tenant = &args.stored.tenant;
    let status = args.stored.with(Needs::Content, async |registry, _| Ok(registry.status(tenant).await?))?;
    let Status { revision, active, kept } = &status;
    let shown = Shown {
        tenant,
        revision: *revision,
        active: active.as_ref().map(SavedConfiguration::from),
        kept: kept.iter().map(SavedConfiguration::from).collect(),
    };
    if args.json {
        output::json(&shown)?;
    } else {
        output::result(&explain(&shown))?;
    }
    Ok(Exit::Ok)
}

fn explain(shown: &Shown<'_>) -> String {
    let mut text = format!("tenant {}\n\n", printable(shown.tenant));
    let active = shown.active.iter().map(|configuration| row("active", configuration));
    let rows: Vec<_> = active.chain(shown.kept.iter().map(|configuration| row("kept", configuration))).collect();
    if !rows.is_empty() {
        text.push_str(&table(["", "CONNECTOR", "ID", "SAVED", "ACTIVATED", "TESTED"], rows));
    }
    if shown.active.is_none() {
        let separator = if shown.kept.is_empty() { "" } else { "\n" };
        text.push_str(separator);
        text.push_str("No connector is active: nothing can be sent. Set one up:\n");
        text.push_str("  email-connectors setup <connector> --config FILE\n");
    }
    if shown.active.is_none() && !shown.kept.is_empty() {
        text.push_str("or activate one that is kept:\n  email-connectors rollback --to ID\n");
    }
    text
}

fn row(state: &str, configuration: &SavedConfiguration<'_>) -> [String; 6] {
    let SavedConfiguration { id, connector, saved_at, activated_at, tested_at } = configuration;
    let ever = |time: &Option<String>| time.clone().unwrap_or_else(|| "never".to_owned());
    [state.to_owned(), (*connector).to_owned(), id.clone(), saved_at.clone(), ever(activated_at), ever(tested_at)]
}
