//! `test`: a message through a configuration that need not be active, on the path of every other message.

use connector_kit::Message;
use connector_registry::{Actor, Candidate};

use super::{connector, sample::SampleArgs, send::Sent};
use crate::{
    config,
    egress::EgressArgs,
    exit::Exit,
    failure::Failure,
    input::{Source, only_one_is_stdin},
    output,
    stored::{Needs, Registry, TenantArgs},
};

/// Arguments of `test`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors test --to you@example.com
  email-connectors test 6f9619ff-8b86-4d01-b42d-00cf4fc964ff --to you@example.com --usage-type SignIn --locale pt-BR
  email-connectors test mailgun --config mailgun.json --to you@example.com

The message has the code 000000. What came of it is noted in the history.")]
pub struct Args {
    /// A stored configuration's id, or a connector (its id, target or short name) with --config. The active one unless
    /// given.
    #[arg(value_name = "ID | CONNECTOR")]
    candidate: Option<String>,
    /// A configuration that is not stored, a JSON file; - reads standard input. A secret given as ****** is the active
    /// configuration's.
    #[arg(long, value_name = "FILE", requires = "candidate")]
    config: Option<Source>,
    /// Where the message goes.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
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

/// Tests.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    only_one_is_stdin(&[args.config.as_ref(), args.egress.cacert()])?;
    let candidate = candidate(args)?;
    let message = args.sample.message(&args.to)?;
    let needs = if args.config.is_some() { Needs::Nothing } else { Needs::Content };
    args.stored
        .with_to_send(needs, &args.egress, async |registry, by| test(args, candidate, &message, registry, by).await)
}

fn candidate(args: &Args) -> Result<Candidate, Failure> {
    match (&args.candidate, &args.config) {
        (None, _) => Ok(Candidate::Active),
        (Some(name), Some(file)) => {
            let factory = connector(name)?;
            let config = config::read(file, factory).map_err(|failure| failure.of(factory.id()))?;
            Ok(Candidate::Proposed { connector: factory.id().to_owned(), config })
        }
        (Some(id), None) => id.parse().map(Candidate::Stored).map_err(|_| {
            let id = id.escape_debug();
            Failure::usage(format!("`{id}` is no id of a configuration; a connector wants --config FILE besides"))
        }),
    }
}

async fn test(
    args: &Args,
    candidate: Candidate,
    message: &Message,
    registry: &Registry,
    by: &Actor,
) -> Result<Exit, Failure> {
    let tenant = args.stored.tenant.as_str();
    // Known before the test, as a failure names it as well.
    let connector = match &candidate {
        Candidate::Proposed { connector, .. } => Some(connector.clone()),
        Candidate::Stored(id) => Some(registry.configuration(tenant, *id).await?.saved.connector),
        Candidate::Active => registry.status(tenant).await?.active.map(|saved| saved.connector),
    };
    let connector = connector.as_deref();
    let receipt = registry.test(tenant, candidate, message, by).await;
    let receipt = receipt.map_err(|error| Failure::from(error).of_some(connector))?;
    Ok(output::done(Sent::new(connector.unwrap_or_default(), &receipt).print(args.json)))
}
