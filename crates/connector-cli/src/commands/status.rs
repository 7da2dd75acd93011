//! `status`: which connector is active, and which configurations are kept.

use connector_registry::{Saved, Status};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output,
    stored::TenantArgs,
    table::{printable, table},
    timestamp::rfc3339,
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
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    tenant: &'a str,
    revision: u64,
    active: Option<Configuration<'a>>,
    kept: Vec<Configuration<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Configuration<'a> {
    id: String,
    connector: &'a str,
    saved_at: String,
    activated_at: Option<String>,
    tested_at: Option<String>,
}

impl<'a> Configuration<'a> {
    fn of(saved: &'a Saved) -> Self {
        Self {
            id: saved.id.to_string(),
            connector: &saved.connector,
            saved_at: rfc3339(saved.saved_at),
            activated_at: saved.activated_at.map(rfc3339),
            tested_at: saved.tested_at.map(rfc3339),
        }
    }

    fn row(&self, state: &str) -> [String; 6] {
        let never = || "never".to_owned();
        [
            state.to_owned(),
            self.connector.to_owned(),
            self.id.clone(),
            self.saved_at.clone(),
            self.activated_at.clone().unwrap_or_else(never),
            self.tested_at.clone().unwrap_or_else(never),
        ]
    }
}

/// Shows.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let tenant = &args.stored.tenant;
    let status = super::block_on(async {
        let (registry, _) = args.stored.store.open().await?;
        Ok(registry.status(tenant).await?)
    })?;
    let Status { revision, active, kept } = &status;
    let shown = Shown {
        tenant,
        revision: *revision,
        active: active.as_ref().map(Configuration::of),
        kept: kept.iter().map(Configuration::of).collect(),
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
    let active = shown.active.iter().map(|configuration| configuration.row("active"));
    let rows: Vec<_> = active.chain(shown.kept.iter().map(|configuration| configuration.row("kept"))).collect();
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
