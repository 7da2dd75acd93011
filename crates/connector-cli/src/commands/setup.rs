//! `setup`: a tenant's first configuration.

use super::proposal::{ProposalArgs, Then};
use crate::{exit::Exit, failure::Failure};

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors setup sendgrid --config sendgrid.json --test-to you@example.com
  email-connectors setup smtp --config smtp.json --inactive   stores it beside the active one

Refused when a connector is active already: `change` replaces it.")]
pub struct Args {
    /// Store it without activating it; `rollback --to ID` activates it.
    #[arg(long)]
    inactive: bool,
    #[command(flatten)]
    pub proposal: ProposalArgs,
}

/// Sets up.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.proposal.store(if args.inactive { Then::Save } else { Then::SetUp })
}
