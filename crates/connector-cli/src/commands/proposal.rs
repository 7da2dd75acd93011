//! A configuration that is to be stored: what `setup` and `change` have in common.

use connector_registry::{Activated, Proposal, Saved};
use serde::Serialize;

use super::{connector, sample::SampleArgs};
use crate::{
    config,
    egress::EgressArgs,
    exit::Exit,
    failure::Failure,
    input::{Source, only_one_is_stdin},
    output::{self, Style, paint},
    saved::Became,
    stored::{Needs, TenantArgs},
};

/// The configuration, and how to test it.
#[derive(Debug, clap::Args)]
pub struct ProposalArgs {
    /// The connector: its id, target or short name.
    connector: String,
    /// The configuration, a JSON file; - reads standard input. A secret given as ****** is the active configuration's.
    #[arg(long, value_name = "FILE")]
    config: Source,
    /// Send a test to this address through it first: unless that is accepted, nothing is stored.
    #[arg(long, value_name = "ADDRESS")]
    test_to: Option<String>,
    #[command(flatten)]
    sample: SampleArgs,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
    #[command(flatten)]
    egress: EgressArgs,
}

/// What is printed of one that was stored.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stored<'a> {
    #[serde(flatten)]
    became: Became<'a>,
    /// Of the test, where one was sent and the provider gave it an id.
    message_id: Option<&'a str>,
}

/// What becomes of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It is the tenant's first active one.
    SetUp,
    /// It replaces the active one.
    Change,
    /// It is kept, and nothing else changes.
    Save,
}

impl ProposalArgs {
    /// Stores the configuration.
    pub fn store(&self, then: Then) -> Result<Exit, Failure> {
        let id = connector(&self.connector)?.id();
        self.try_store(then).map_err(|failure| failure.of(id))
    }

    fn try_store(&self, then: Then) -> Result<Exit, Failure> {
        only_one_is_stdin(&[Some(&self.config), self.egress.cacert()])?;
        let factory = connector(&self.connector)?;
        let proposal = Proposal::new(factory.id(), config::read(&self.config, factory)?);
        let proposal = match &self.test_to {
            Some(address) => proposal.tested_with(self.sample.message(address)?),
            None if self.sample.is_given() => {
                return Err(Failure::usage("--usage-type and --locale are the test's: say where to with --test-to"));
            }
            None => proposal,
        };
        let tenant = &self.stored.tenant;
        let needs = if then == Then::Change { Needs::Content } else { Needs::Nothing };
        let stored = self.stored.with_to_send(needs, &self.egress, async |registry, by| {
            Ok(match then {
                Then::SetUp => registry.set_up(tenant, proposal, by).await?,
                Then::Change => registry.change(tenant, proposal, by).await?,
                Then::Save => registry.save(tenant, proposal, by).await?,
            })
        })?;
        Ok(output::done(self.print(then, &stored)))
    }

    fn print(&self, then: Then, Activated { saved, test }: &Activated) -> Result<(), Failure> {
        let tenant = self.stored.tenant.as_str();
        let status = if then == Then::Save { "saved" } else { "active" };
        if self.json {
            let message_id = test.as_ref().and_then(|receipt| receipt.message_id.as_deref());
            return output::json(&Stored { became: Became::new(status, tenant, saved), message_id });
        }
        let Saved { id, connector, tested_at, .. } = saved;
        let tested = if tested_at.is_some() { ", tested" } else { "" };
        let status = paint(status, Style::Success, output::colours_on_stdout());
        let next = match then {
            Then::SetUp => "send through it: email-connectors send --message FILE",
            Then::Change => "undo it: email-connectors rollback",
            Then::Save => &format!("activate it: email-connectors rollback --to {id}"),
        };
        output::result(&format!("{status}{tested}: {connector} ({id}) for tenant {tenant}\n{next}\n"))
    }
}
