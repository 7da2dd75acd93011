//! `send`: one message, through the active connector or through one that is not stored.

use std::sync::Arc;

use connector_kit::{ConnectorFactory, EmailConnector, Message, Problem, Receipt, SendContext, layered};
use connector_registry::LanguageTag;
use serde::Serialize;

use super::connector;
use crate::{
    config,
    egress::EgressArgs,
    exit::Exit,
    failure::Failure,
    input::{Source, only_one_is_stdin},
    message,
    output::{self, Style, paint},
    stored::{Needs, Registry, TenantArgs},
};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors send --message message.json
  echo '{\"to\":\"you@example.com\",\"type\":\"SignIn\",\"payload\":{\"code\":\"123456\"}}' |
    email-connectors send sendgrid --config sendgrid.json --message -

With a connector and its configuration nothing is stored, and nothing that is stored is looked at.")]
pub struct Args {
    /// The connector: its id, target or short name. The tenant's active one unless given.
    #[arg(requires = "config")]
    connector: Option<String>,
    /// The connector's configuration, a JSON file; - reads standard input.
    #[arg(long, value_name = "FILE", requires = "connector")]
    config: Option<Source>,
    /// The message, a JSON file: {"to","type","payload","ip"?}.
    #[arg(long, value_name = "FILE")]
    message: Source,
    /// A template to use instead of the stored or configured one, a JSON file:
    /// {"subject","content","contentType"?,"replyTo"?,"sendFrom"?}.
    #[arg(long, value_name = "FILE")]
    template: Option<Source>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
    #[command(flatten)]
    egress: EgressArgs,
}

/// What is printed of a message that was sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sent<'r> {
    status: &'static str,
    connector: &'r str,
    message_id: Option<&'r str>,
    attempts: u32,
}

impl<'r> Sent<'r> {
    /// Of a message that went through `connector`.
    pub fn new(connector: &'r str, receipt: &'r Receipt) -> Self {
        let Receipt { message_id, attempts } = receipt;
        Self { status: "sent", connector, message_id: message_id.as_deref(), attempts: *attempts }
    }

    /// Prints it.
    pub fn print(&self, as_json: bool) -> Result<(), Failure> {
        if as_json {
            return output::json(self);
        }
        let Self { connector, message_id, attempts, .. } = self;
        let sent = paint("sent", Style::Success, output::colours_on_stdout());
        let id = message_id.unwrap_or("not given");
        output::result(&format!("{sent} through {connector}, message id {id}, attempts {attempts}\n"))
    }
}

/// Sends.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let files = [args.config.as_ref(), Some(&args.message), args.template.as_ref(), args.egress.cacert()];
    let (connector, receipt) = match (&args.connector, &args.config) {
        (Some(name), Some(file)) => {
            let factory = connector(name)?;
            let send = only_one_is_stdin(&files).and_then(|()| send_unstored(args, factory, file));
            (factory.id().to_owned(), send.map_err(|failure| failure.of(factory.id()))?)
        }
        _ => {
            only_one_is_stdin(&files)?;
            let message = read_message(args)?;
            args.stored.with_to_send(Needs::Content, &args.egress, async |registry, _| {
                send_stored(args, &message, registry).await
            })?
        }
    };
    Ok(output::done(Sent::new(&connector, &receipt).print(args.json)))
}

fn send_unstored(args: &Args, factory: &ConnectorFactory, config: &Source) -> Result<Receipt, Failure> {
    let config = config::read(config, factory)?;
    // What is wrong with the configuration is told before what is wrong with the message.
    // Whoever names the file is whoever runs the process, and may use its credentials.
    let connector = factory.build(&config, &args.egress.context()?.with_ambient_credentials())?;
    let message = read_message(args)?;
    // Without a store there are no templates to choose from, yet a slip is told of as with one.
    if message.template.is_none() {
        let _ = LanguageTag::requested_by(&message.payload);
    }
    super::block_on(async { Ok(layered(connector, args.egress.policy()).send(&message, &SendContext::new()).await?) })
}

async fn send_stored(args: &Args, message: &Message, registry: &Registry) -> Result<(String, Receipt), Failure> {
    let tenant = &args.stored.tenant;
    let connector = registry.active(tenant).await?.connector().to_owned();
    let receipt = registry.send(tenant, message).await.map_err(|error| Failure::from(error).of(&connector))?;
    Ok((connector, receipt))
}

fn read_message(args: &Args) -> Result<Message, Failure> {
    let unreadable = |pointer: &str, fault: String| vec![Problem::new(pointer, fault)];
    let message = args.message.json().map_err(|fault| unreadable("", fault)).and_then(message::message);
    let template = args.template.as_ref().map(|file| {
        file.json()
            .map_err(|fault| unreadable("/template", fault))
            .and_then(|json| message::template(json, "/template"))
    });
    match (message, template.transpose()) {
        (Ok(message), Ok(template)) => {
            let template = template.map(|template| template.compile()).transpose()?;
            Ok(Message { template: template.map(Arc::new), ..message })
        }
        (message, template) => {
            let problems = [message.err(), template.err()].into_iter().flatten().flatten().collect();
            Err(Failure::invalid_message(problems))
        }
    }
}
