//! `send`: one message through one connector, nothing stored.

use connector_kit::{ConnectorFactory, EmailConnector, Error, Message, Problem, Receipt, layered};
use serde::Serialize;
use serde_json::Value;

use super::connector;
use crate::{
    egress::EgressArgs,
    exit::Exit,
    failure::Failure,
    input::Source,
    message,
    output::{self, Style, paint},
};

/// Arguments of `send`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  echo '{\"to\":\"you@example.com\",\"type\":\"SignIn\",\"payload\":{\"code\":\"123456\"}}' |
    email-connectors send sendgrid --config sendgrid.json --message -")]
pub struct Args {
    /// The connector: its id, target or short name.
    connector: String,
    /// The configuration, a JSON file; - reads standard input.
    #[arg(long, value_name = "FILE")]
    config: Source,
    /// The message, a JSON file: {"to","type","payload","ip"?}.
    #[arg(long, value_name = "FILE")]
    message: Source,
    /// A template to use instead of the configuration's, a JSON file:
    /// {"subject","content","contentType"?,"replyTo"?,"sendFrom"?}.
    #[arg(long, value_name = "FILE")]
    template: Option<Source>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    egress: EgressArgs,
}

/// What a send that succeeded prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'r> {
    status: &'static str,
    connector: &'static str,
    message_id: Option<&'r str>,
    attempts: u32,
}

/// Sends.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let factory = connector(&args.connector)?;
    let receipt = send(args, factory).map_err(|failure| failure.of(factory.id()))?;
    if let Err(failure) = print(args, factory.id(), &receipt) {
        // The message is sent, and that is what the exit code says: whoever took this for a failure would send twice.
        output::failure(&failure, false);
    }
    Ok(Exit::Ok)
}

fn print(args: &Args, connector: &'static str, receipt: &Receipt) -> Result<(), Failure> {
    let Receipt { message_id, attempts } = receipt;
    if args.json {
        let message_id = message_id.as_deref();
        return output::json(&Sent { status: "sent", connector, message_id, attempts: *attempts });
    }
    let sent = paint("sent", Style::Success, output::colours_on_stdout());
    let id = message_id.as_deref().unwrap_or("not given");
    output::result(&format!("{sent} through {connector}, message id {id}, attempts {attempts}\n"))
}

fn send(args: &Args, factory: &ConnectorFactory) -> Result<Receipt, Failure> {
    let files = [Some(&args.config), Some(&args.message), args.template.as_ref()];
    let from_stdin = files.iter().flatten().filter(|file| ***file == Source::Stdin).count();
    if from_stdin + usize::from(args.egress.reads_stdin()) > 1 {
        return Err(Failure::usage("only one of the files can be -, as there is one standard input"));
    }
    let config = config(args, factory)?;
    let message = message(args)?;
    let connector = factory.build(&config, &args.egress.context()?)?;
    let send = async { layered(connector, args.egress.policy()).send(&message).await };
    Ok(super::runtime()?.block_on(send)?)
}

fn config(args: &Args, factory: &ConnectorFactory) -> Result<Value, Failure> {
    let config = args.config.json();
    let config = config.map_err(|fault| Error::invalid_config(vec![Problem::new("", fault)]))?;
    // Building checks it as well, but keeps the warnings to itself.
    let report = factory.validate(&config);
    for warning in &report.warnings {
        tracing::warn!("{}: {warning}", args.config);
    }
    if report.is_valid() { Ok(config) } else { Err(Error::invalid_config(report.problems).into()) }
}

fn message(args: &Args) -> Result<Message, Failure> {
    let unreadable = |pointer: &str, fault: String| vec![Problem::new(pointer, fault)];
    let message = args.message.json().map_err(|fault| unreadable("", fault)).and_then(message::message);
    let template = args
        .template
        .as_ref()
        .map(|file| file.json().map_err(|fault| unreadable("/template", fault)).and_then(message::template));
    match (message, template.transpose()) {
        (Ok(message), Ok(template)) => Ok(Message { template, ..message }),
        (message, template) => {
            let problems = [message.err(), template.err()].into_iter().flatten().flatten().collect();
            Err(Failure::invalid_message(problems))
        }
    }
}
