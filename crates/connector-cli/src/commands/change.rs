//! `change`: another configuration in place of the active one.

use super::proposal::{ProposalArgs, Then};
use crate::{exit::Exit, failure::Failure};

/// Arguments of `change`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  email-connectors change mailgun --config mailgun.json --test-to you@example.com

The one that was active is kept: `rollback` goes back to it.")]
pub struct Args {
    #[command(flatten)]
    pub proposal: ProposalArgs,
}

/// Changes.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.proposal.store(Then::Change)
}
