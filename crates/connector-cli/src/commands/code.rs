//! `code`: a one-time code sent through the active connector, and verified.

use std::net::IpAddr;

use clap::Subcommand;
use connector_kit::{Delivery as Outcome, Receipt, UsageType};
use connector_registry::{Error, rfc3339};
use connector_store::Store;
use serde::Serialize;
use verification_code::{Code, Delivery, Issued, Scope, Settings, VerificationCodes};

use super::{sample, send::Sent};
use crate::{
    egress::EgressArgs,
    exit::Exit,
    failure::Failure,
    input::Source,
    output::{self, Style, paint},
    stored::{Needs, Registry, TenantArgs},
    usage_type,
};

const SETTINGS_FAULT: &str = "the settings of codes are not valid";

/// Arguments of `code`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors code send --to you@example.com --usage-type SignIn
  email-connectors code verify --to you@example.com --usage-type SignIn --code 123456

A code counts for its tenant, recipient and usage type, once, and a new one ends it. The settings are a JSON file; these \
are the defaults, and `null` turns a limit off:
  {\"codeLength\":6,\"alphabet\":\"digits\",\"lifetimeSeconds\":600,\"attempts\":10,
   \"sendsPerRecipient\":{\"sends\":5,\"windowSeconds\":600},
   \"sendsPerIp\":{\"sends\":20,\"windowSeconds\":3600},
   \"sendsPerTenant\":{\"sends\":1000,\"windowSeconds\":600}}")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a new code through the active connector. It is shown nowhere but in the message.
    Send {
        #[command(flatten)]
        asked: Asked,
        #[command(flatten)]
        common: Common,
        #[command(flatten)]
        egress: EgressArgs,
    },
    /// Verify a code that was typed. A right one is used up.
    Verify {
        #[command(flatten)]
        common: Common,
        /// What was typed: spaces, hyphens and case do not matter.
        #[arg(long)]
        code: String,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Whose code it is.
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    /// What it is for: SignIn, Register, ForgotPassword, …
    #[arg(long, value_name = "T", default_value = "Generic", value_parser = usage_type::parse)]
    usage_type: UsageType,
    /// How codes look, how long they live and how often they are sent and tried, a JSON file. Give `send` and `verify` the
    /// same.
    #[arg(long, value_name = "FILE", env = "EMAIL_CONNECTORS_CODE_SETTINGS")]
    settings: Option<Source>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

/// How it was asked for.
#[derive(Debug, clap::Args)]
struct Asked {
    /// The recipient's language, which chooses among the tenant's own templates: en, pt-BR, pt_BR.UTF-8, …
    #[arg(long, value_name = "L")]
    locale: Option<String>,
    /// The address of the client that asks for the code, for its limit.
    #[arg(long)]
    ip: Option<IpAddr>,
}

impl Args {
    /// Whether a program is listening.
    pub fn json(&self) -> bool {
        let (Command::Send { common, .. } | Command::Verify { common, .. }) = &self.command;
        common.json
    }
}

/// What is printed of a code that was sent.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentCode<'r> {
    #[serde(flatten)]
    sent: Sent<'r>,
    expires_at: String,
}

#[derive(Serialize)]
struct Verified {
    status: &'static str,
}

impl Common {
    /// Whose code it is, written in the one way that every spelling of the mailbox comes to: another one would have
    /// limits of its own.
    fn recipient(&self) -> Result<String, Failure> {
        Ok(sample::mailbox(&self.to)?.address().to_owned())
    }

    fn scope<'a>(&'a self, recipient: &'a str) -> Scope<'a> {
        Scope { tenant: &self.stored.tenant, usage_type: self.usage_type.as_str(), recipient }
    }

    /// How codes are.
    fn settings(&self) -> Result<Settings, Failure> {
        let file = self.settings.as_ref().filter(|file| !file.is_unset());
        let settings = file.map(Source::open_json).transpose();
        Ok(settings.map_err(|fault| Failure::invalid_input(SETTINGS_FAULT, vec![fault]))?.unwrap_or_default())
    }
}

/// Issues and verifies over `store`.
async fn codes(store: &Store, settings: Settings) -> Result<VerificationCodes<Store>, Failure> {
    VerificationCodes::new(store.clone(), store.code_keys().await?, settings).map_err(|invalid| {
        let problem =
            |problem: verification_code::Problem| connector_kit::Problem::new(problem.pointer, problem.message);
        Failure::invalid_input(SETTINGS_FAULT, invalid.0.into_iter().map(problem).collect())
    })
}

/// Sends or verifies.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Send { asked, common, egress } => send(asked, common, egress),
        Command::Verify { common, code } => verify(common, code),
    }
}

fn send(asked: &Asked, common: &Common, egress: &EgressArgs) -> Result<Exit, Failure> {
    usage_type::warn_of_unknown(&common.usage_type);
    let recipient = common.recipient()?;
    // Before a code is issued and counted.
    sample::language(asked.locale.as_deref())?;
    let settings = common.settings()?;
    let (connector, issued, receipt) = common.stored.with_to_send(Needs::Content, egress, async |registry, _| {
        let connector = registry.active(&common.stored.tenant).await?.connector().to_owned();
        let codes = codes(registry.store(), settings).await?;
        let issued = codes.issue(&common.scope(&recipient), asked.ip, Delivery::Real).await?;
        let delivered = deliver(common, registry, &codes, &issued, asked).await;
        // Nobody else does it where there is only this command.
        if let Err(cause) = codes.prune().await {
            tracing::warn!("expired codes could not be deleted: {cause}");
        }
        let receipt = delivered.map_err(|failure| failure.of(&connector))?;
        Ok((connector, issued, receipt))
    })?;
    let printed = if common.json {
        let sent = Sent::new(&connector, &receipt);
        output::json(&SentCode { sent, expires_at: rfc3339(issued.expires_at()) })
    } else {
        let sent = paint("sent", Style::Success, output::colours_on_stdout());
        let seconds = issued.lifetime().as_secs();
        output::result(&format!("{sent} a code through {connector}, good for {seconds} s\n"))
    };
    Ok(output::done(printed))
}

/// Sends the code that was issued, and withdraws one that has certainly not been sent.
async fn deliver(
    common: &Common,
    registry: &Registry,
    codes: &VerificationCodes<Store>,
    issued: &Issued,
    Asked { locale, ip }: &Asked,
) -> Result<Receipt, Failure> {
    let code = issued.code().map(Code::expose).unwrap_or_default();
    let mut message = sample::message(&common.to, common.usage_type.clone(), code, locale.as_deref())?;
    message.ip = ip.map(|ip| ip.to_string());
    match registry.send(&common.stored.tenant, &message).await {
        Ok(receipt) => Ok(receipt),
        Err(error) => {
            let unknown = matches!(&error, Error::Send(error) if error.delivery() == Outcome::Unknown);
            // Nobody will ever have it: it is to count for nothing. One that may have arrived must stay.
            if !unknown && let Err(cause) = codes.withdraw(issued).await {
                tracing::warn!("the code that was not sent could not be withdrawn: {cause}");
            }
            Err(error.into())
        }
    }
}

fn verify(common: &Common, code: &str) -> Result<Exit, Failure> {
    let recipient = common.recipient()?;
    let settings = common.settings()?;
    let verdict = common.stored.with(Needs::Content, async |registry, _| {
        Ok(codes(registry.store(), settings).await?.verify(&common.scope(&recipient), code).await?)
    })?;
    if let Some(failure) = Failure::of_verdict(verdict) {
        return Err(failure);
    }
    let printed = if common.json {
        output::json(&Verified { status: "verified" })
    } else {
        output::result(&format!("{}\n", paint("verified", Style::Success, output::colours_on_stdout())))
    };
    // It is used up, whether or not that could be said.
    Ok(output::done(printed))
}
