//! `quickstart`: a code goes through a real connector and a real mail server, and comes back, all on this machine.

use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use connector_kit::{Context, Egress, ErrorKind, Receipt, SendPolicy, UsageType};
use connector_registry::{Actor, Catalog, MemoryStore, Proposal, Registry};
use connector_service::{CodeRequest, CodeService, Tasks};
use serde::Serialize;
use serde_json::{Value, json};
use verification_code::{HashKeys, MemoryStore as CodeMemory, Settings, SystemRandomness, VerificationCodes};

use crate::{
    exit::Exit,
    failure::Failure,
    mail_sink::{MailSink, ReceivedMail},
    output::{self, Style, paint},
    prompt,
};

const CONNECTOR: &str = "simple-mail-transfer-protocol";
const TENANT: &str = "quickstart";
const RECIPIENT: &str = "you@example.com";
/// How often a person may be wrong.
const TRIES: u32 = 3;
/// How long an accepted mail may take to arrive: it is there already, but for a bug.
const ARRIVAL_MAX: Duration = Duration::from_secs(5);
/// Longest line read from the terminal.
const TYPED_MAX: u64 = 256;

/// Arguments of `quickstart`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors quickstart
  email-connectors quickstart --yes   reads the code out of the mail itself")]
pub struct Args {
    /// Ask nothing: read the code out of the mail that arrived.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object, and ask nothing.
    #[arg(long)]
    pub json: bool,
}

/// What a program gets to know.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified<'a> {
    status: &'static str,
    connector: &'static str,
    message_id: Option<&'a str>,
    attempts: u32,
    to: &'static str,
    /// The mail as it arrived.
    mail: &'a str,
}

/// Walks through it.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    super::block_on(walk(args)).map_err(|failure| failure.of(CONNECTOR))
}

async fn walk(args: &Args) -> Result<Exit, Failure> {
    let steps = Steps { silent: args.json, colours: output::colours_on_stdout() };
    let mut sink = MailSink::start()
        .await
        .map_err(|cause| Failure::unavailable(format!("no mail server can be started on 127.0.0.1: {cause}")))?;
    let port = sink.port();
    steps.say(&format!("1. Started a mail server on this machine, 127.0.0.1:{port}. It passes no mail on."))?;

    let registry =
        Registry::new(Catalog::builtin(), Context::new(Egress::default())?, SendPolicy::default(), MemoryStore::new());
    registry.set_up(TENANT, Proposal::new(CONNECTOR, config(port)), &Actor::new("quickstart", "this machine")).await?;
    steps.say(&format!("2. Set up the connector {CONNECTOR} with it, in memory only. It is now the active one."))?;

    let keys = HashKeys::random(&SystemRandomness).map_err(|cause| Failure::unavailable(cause.to_string()))?;
    let settings = Settings { attempts: TRIES, ..Settings::default() };
    let codes = VerificationCodes::new(CodeMemory::new(), keys, settings).map_err(|fault| bug(&fault.to_string()))?;
    let codes = CodeService::new(registry, codes, Tasks::new());
    let request = CodeRequest::new(TENANT, UsageType::SignIn, RECIPIENT);
    let receipt = codes.send(&request).await?.receipt;
    steps.say(&format!("3. Sent {RECIPIENT} a code for signing in, through that connector, over SMTP."))?;

    let arrived = tokio::time::timeout(ARRIVAL_MAX, sink.next()).await;
    let Ok(Some(ReceivedMail { recipients, content })) = arrived else {
        return Err(bug("the mail was accepted, but did not arrive"));
    };
    let mail = readable(&content);
    steps.say(&format!("4. It arrived, for {}:\n\n{}", recipients.join(", "), quoted(&mail)))?;

    if args.yes || args.json || !io::stdin().is_terminal() {
        let found = code_in(&mail).ok_or_else(|| bug("the mail holds no code"))?;
        steps.say(&format!("5. Nobody is asked here, so the code was read out of the mail: {found}."))?;
        if !codes.verify(&request, found).await?.is_right() {
            return Err(bug("the code in the mail is not the one that was sent"));
        }
    } else if !asked(&codes, &request, &steps).await? {
        output::note("error: the code was not typed, so nobody is verified; run the quickstart again for a new one\n");
        return Ok(Exit::BadInput);
    }
    steps.say(&format!("{} It is the code that was sent.\n", paint("Verified.", Style::Success, steps.colours)))?;
    steps.say(NEXT)?;
    if args.json {
        let Receipt { message_id, attempts } = &receipt;
        let message_id = message_id.as_deref();
        let attempts = *attempts;
        output::json(&Verified {
            status: "verified",
            connector: CONNECTOR,
            message_id,
            attempts,
            to: RECIPIENT,
            mail: &mail,
        })?;
    }
    Ok(Exit::Ok)
}

/// What cannot happen unless something here is wrong.
fn bug(what: &str) -> Failure {
    connector_kit::Error::new(ErrorKind::InvalidResponse, format!("{what}: please report this")).into()
}

const NEXT: &str = "\
What next, with a mail provider of your own:

  email-connectors list
      shows the connectors there are.
  email-connectors describe sendgrid
      shows what SendGrid's configuration holds. Write yours to sendgrid.json.
  email-connectors validate sendgrid --config sendgrid.json
      says everything that is wrong with it, before anything is sent.
  email-connectors send sendgrid --config sendgrid.json --message message.json
      sends one, and stores nothing. Write to message.json, with your own address:
      {\"to\":\"you@example.com\",\"type\":\"SignIn\",\"payload\":{\"code\":\"123456\"}}
  email-connectors setup sendgrid --config sendgrid.json --test-to you@example.com
      tests it and keeps it as the active one, which `send --message` and `code send` go through from then on.";

/// Says what happens, unless a program is listening.
struct Steps {
    silent: bool,
    colours: bool,
}

impl Steps {
    fn say(&self, text: &str) -> Result<(), Failure> {
        if self.silent { Ok(()) } else { output::result(&format!("{text}\n")) }
    }
}

/// The SMTP connector's configuration for the mail server at `port`.
fn config(port: u16) -> Value {
    let template = |usage_type: &str, what: &str| {
        json!({
            "usageType": usage_type,
            "contentType": "text/plain",
            "subject": format!("Your code to {what}"),
            "content": format!("Your code to {what} is {{{{code}}}}.\n\nIf you did not ask for it, ignore this mail.\n"),
        })
    };
    json!({
        "host": "127.0.0.1",
        "port": port,
        "secure": false,
        "auth": {},
        "fromEmail": "Quickstart <no-reply@example.com>",
        "templates": [
            template("SignIn", "sign in"),
            template("Register", "create your account"),
            template("ForgotPassword", "reset your password"),
            template("Generic", "go on"),
        ],
    })
}

/// The mail as text, without what could disturb a terminal: anybody on this machine could have sent one.
fn readable(content: &[u8]) -> String {
    let text = String::from_utf8_lossy(content).replace("\r\n", "\n");
    text.chars().map(|char| if char.is_control() && char != '\n' && char != '\t' { '\u{fffd}' } else { char }).collect()
}

fn quoted(mail: &str) -> String {
    mail.trim_end().lines().map(|line| format!("   | {line}\n")).collect()
}

/// The first six digits that stand on their own, after the headers.
fn code_in(mail: &str) -> Option<&str> {
    let (_, text) = mail.split_once("\n\n")?;
    text.split(|char: char| !char.is_ascii_alphanumeric())
        .find(|word| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Asks for the code until it is right or the tries are used up.
async fn asked(
    codes: &CodeService<MemoryStore, CodeMemory>,
    request: &CodeRequest,
    steps: &Steps,
) -> Result<bool, Failure> {
    let mut question = "5. Type the code from the mail: ".to_owned();
    for left in (0..TRIES).rev() {
        let Some(typed) = prompt::ask(&question, TYPED_MAX).await else {
            steps.say("")?;
            return Ok(false);
        };
        if codes.verify(request, &typed).await?.is_right() {
            return Ok(true);
        }
        question = format!("   That is not it ({left} more). The code from the mail: ");
    }
    Ok(false)
}
