//! `sign-in`: what sign-in relies on email for.

use clap::Subcommand;
use connector_registry::{Actor, Dependent, Error, SignInSettings};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    input::Source,
    output,
    stored::{Needs, Registry, TenantArgs},
};

/// Arguments of `sign-in`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors sign-in get > sign-in.json
  echo '{\"signUp\":{\"identifiers\":[\"email\"]},\"forgotPasswordMethods\":[\"EmailVerificationCode\"]}' |
    email-connectors sign-in put -

The fields are those of Logto's sign-in experience: signUp, signIn, forgotPasswordMethods, mfa, passwordExpiration.
All others are kept; one that may name email and is not known counts as relying on it.
Without forgotPasswordMethods, as with null, a forgotten password is reset by email.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the settings as JSON.
    Get {
        /// Print one JSON object, with what relies on email.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stored: TenantArgs,
    },
    /// Set them. What follows from them is added; relying on email needs an active connector.
    Put {
        /// The settings, a JSON file; - reads standard input.
        file: Source,
        /// Print one JSON object, with what relies on email.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        stored: TenantArgs,
    },
}

impl Args {
    /// Whether a program is listening.
    pub fn json(&self) -> bool {
        match &self.command {
            Command::Get { json, .. } | Command::Put { json, .. } => *json,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    tenant: &'a str,
    sign_in: &'a SignInSettings,
    relies_on_email: Vec<Dependent>,
}

/// Shows or sets.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Get { json, stored } => {
            let settings = stored.with(Needs::Content, async |registry, _| get(registry, &stored.tenant).await)?;
            print(stored, &settings, *json)?;
            Ok(Exit::Ok)
        }
        Command::Put { file, json, stored } => {
            let invalid = |fault| Failure::invalid_input("the sign-in settings are not valid", vec![fault]);
            let settings = file.open_json().map_err(invalid)?;
            let put =
                async |registry: &Registry, by: &Actor| Ok(registry.put_sign_in(&stored.tenant, settings, by).await?);
            let settings = stored.with(Needs::Nothing, put)?;
            Ok(output::done(print(stored, &settings, *json)))
        }
    }
}

async fn get(registry: &Registry, tenant: &str) -> Result<SignInSettings, Failure> {
    match registry.settings(tenant).await {
        Ok(settings) => Ok(settings.sign_in),
        Err(Error::UnknownTenant { .. }) => Ok(SignInSettings::default()),
        Err(error) => Err(error.into()),
    }
}

fn print(stored: &TenantArgs, settings: &SignInSettings, as_json: bool) -> Result<(), Failure> {
    if as_json {
        let relies_on_email = settings.relies_on_email();
        return output::json(&Shown { tenant: &stored.tenant, sign_in: settings, relies_on_email });
    }
    output::pretty_json(settings)
}
