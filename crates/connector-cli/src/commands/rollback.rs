//! `rollback`: an earlier configuration, active again.

use connector_registry::Uuid;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{self, Style, paint},
    saved::Became,
    stored::{Needs, TenantArgs},
};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors rollback
  email-connectors rollback --to 6f9619ff-8b86-4d01-b42d-00cf4fc964ff

The one that was active is kept, so a second rollback undoes the first.")]
pub struct Args {
    /// The kept configuration to activate; the one that was active last unless given.
    #[arg(long, value_name = "ID")]
    to: Option<Uuid>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

/// Rolls back.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let tenant = &args.stored.tenant;
    let saved =
        args.stored.with(Needs::Content, async |registry, by| Ok(registry.roll_back(tenant, args.to, by).await?))?;
    let printed = if args.json {
        output::json(&Became::new("active", tenant, &saved))
    } else {
        let active = paint("active", Style::Success, output::colours_on_stdout());
        output::result(&format!("{active}: {} ({}) for tenant {tenant}\n", saved.connector, saved.id))
    };
    Ok(output::done(printed))
}
