//! `code`: a one-time code sent through the active connector, and verified.

use std::net::IpAddr;

use clap::Subcommand;
use connector_kit::UsageType;
use connector_registry::rfc3339;
use connector_service::{CodeRequest, CodeService, Tasks};
use connector_store::Store;
use serde::Serialize;
use verification_code::{Settings, VerificationCodes};

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

A code counts for its tenant, recipient and usage type, once, and a new one ends it. One that was refused, for good or for \
its address, counts against the limits; one that was certainly not sent for another reason does not. Guesses at a \
recipient's codes are limited whatever becomes of the sends.

The settings are a JSON file; these are the defaults, and `null` turns a limit on sends off:
  {\"codeLength\":6,\"alphabet\":\"digits\",\"lifetimeSeconds\":600,\"attempts\":10,
   \"sendsPerRecipient\":{\"sends\":5,\"windowSeconds\":600},
   \"sendsPerIp\":{\"sends\":20,\"windowSeconds\":3600},
   \"sendsPerNetwork\":{\"sends\":200,\"windowSeconds\":3600},
   \"sendsPerTenant\":{\"sends\":1000,\"windowSeconds\":600},
   \"guessesPerRecipient\":{\"guesses\":50,\"windowSeconds\":600}}
Unless set, sendsPerNetwork (an IPv4 /24, an IPv6 /48) is ten times sendsPerIp, and guessesPerRecipient is attempts times \
sendsPerRecipient. One network may use a quarter of sendsPerTenant, one holder of addresses (an IPv4 /16, an IPv6 /32) half.")]
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
        /// What was typed: in any script's digits; white space, dashes, marks that do not show and case do not matter.
        #[arg(long)]
        code: String,
        /// The address of the client that typed it. Clients other than the one that asked for the code (`send --ip`) have
        /// half of its attempts together, so that strangers cannot use up a person's.
        #[arg(long)]
        ip: Option<IpAddr>,
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
    /// The address of the client that asks for the code: limits count by it and by its network.
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
    /// What is asked for; that the recipient is an address is told before a store is opened.
    fn request(&self, ip: Option<IpAddr>) -> Result<CodeRequest, Failure> {
        sample::mailbox(&self.to)?;
        let mut request = CodeRequest::new(&self.stored.tenant, self.usage_type.clone(), &self.to);
        request.ip = ip;
        Ok(request)
    }

    /// How codes are.
    fn settings(&self) -> Result<Settings, Failure> {
        let file = self.settings.as_ref().filter(|file| !file.is_unset());
        let settings = file.map(Source::open_json).transpose();
        Ok(settings.map_err(|fault| Failure::invalid_input(SETTINGS_FAULT, vec![fault]))?.unwrap_or_default())
    }
}

/// Sends and verifies over what is stored.
async fn service(registry: &Registry, settings: Settings, tasks: &Tasks) -> Result<CodeService<Store, Store>, Failure> {
    let store = registry.store();
    let codes = VerificationCodes::new(store.clone(), store.code_keys().await?, settings).map_err(|invalid| {
        let problem =
            |problem: verification_code::Problem| connector_kit::Problem::new(problem.pointer, problem.message);
        Failure::invalid_input(SETTINGS_FAULT, invalid.0.into_iter().map(problem).collect())
    })?;
    Ok(CodeService::new(registry.clone(), codes, tasks.clone()))
}

/// Sends or verifies.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Send { asked, common, egress } => send(asked, common, egress),
        Command::Verify { common, code, ip } => verify(common, code, *ip),
    }
}

fn send(asked: &Asked, common: &Common, egress: &EgressArgs) -> Result<Exit, Failure> {
    usage_type::warn_of_unknown(&common.usage_type);
    let mut request = common.request(asked.ip)?;
    // Before a code is issued and counted.
    request.locale = sample::language(asked.locale.as_deref())?.map(|language| language.as_str().to_owned());
    let settings = common.settings()?;
    let tasks = Tasks::new();
    let sent = common.stored.with_tasks(Needs::Content, egress, &tasks, async |registry, _| {
        let service = service(registry, settings, &tasks).await?;
        Ok(service.send(&request).await?)
    })?;
    let printed = if common.json {
        let expires_at = rfc3339(sent.expires_at);
        output::json(&SentCode { sent: Sent::new(&sent.connector, &sent.receipt), expires_at })
    } else {
        let word = paint("sent", Style::Success, output::colours_on_stdout());
        let seconds = sent.lifetime.as_secs();
        output::result(&format!("{word} a code through {}, good for {seconds} s\n", sent.connector))
    };
    Ok(output::done(printed))
}

fn verify(common: &Common, code: &str, ip: Option<IpAddr>) -> Result<Exit, Failure> {
    let request = common.request(ip)?;
    let settings = common.settings()?;
    let verdict = common.stored.with(Needs::Content, async |registry, _| {
        let tasks = Tasks::new();
        let verdict = service(registry, settings, &tasks).await?.verify(&request, code).await?;
        tasks.finish().await;
        Ok(verdict)
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
