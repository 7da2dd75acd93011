//! The flags that say how connections leave this machine and how long to try, with curl's meaning.

use std::time::Duration;

use clap::Args;
use connector_kit::{ConnectTo, Context, Egress, Problem, Proxy, SendPolicy, root_certificates};

use crate::{failure::Failure, input::Source};

/// The longest time that can be asked for: a day.
const LONGEST: f64 = 86_400.0;

/// How to connect and how long to try.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connecting")]
pub struct EgressArgs {
    /// Connect to HOST2:PORT2 for what goes to HOST1:PORT1. Repeatable.
    #[arg(long, value_name = "HOST1:PORT1:HOST2:PORT2", conflicts_with = "proxy")]
    connect_to: Vec<ConnectTo>,
    /// Trust the root certificates in this PEM file besides the system's.
    #[arg(long, value_name = "FILE")]
    cacert: Option<Source>,
    /// Connect through this proxy: http://, socks5:// or socks5h://. The environment's proxies are not used.
    // Parsed later: clap would repeat a URL that cannot be read, and with it the password inside.
    #[arg(long, value_name = "URL", conflicts_with = "deny_private_addresses")]
    proxy: Option<String>,
    /// How long connecting may take.
    #[arg(long, value_name = "SECS", value_parser = seconds, default_value = "10")]
    connect_timeout: Duration,
    /// How long the whole send may take, retries included.
    #[arg(long, value_name = "SECS", value_parser = seconds, default_value = "15")]
    max_time: Duration,
    /// Further attempts after one that failed for the moment and certainly sent nothing.
    #[arg(long, value_name = "N", default_value_t = 2)]
    retry: u32,
    /// Refuse to connect to private, loopback and link-local addresses.
    #[arg(long)]
    deny_private_addresses: bool,
    /// Let a stored configuration without credentials, of Amazon SES, use those of this process: environment, profile, or
    /// the machine's role. Not where tenants write their own configurations.
    #[arg(long, env = "EMAIL_CONNECTORS_AMBIENT_CREDENTIALS", value_parser = clap::builder::FalseyValueParser::new())]
    ambient_credentials: bool,
}

impl EgressArgs {
    /// The file of certificates.
    pub fn cacert(&self) -> Option<&Source> {
        self.cacert.as_ref()
    }

    /// What connectors are built with.
    ///
    /// # Errors
    /// When a flag cannot be used, or the certificate file cannot.
    pub fn context(&self) -> Result<Context, Failure> {
        let proxy = self.proxy.as_ref().map(|url| url.parse::<Proxy>()).transpose();
        let extra_roots = self.cacert.as_ref().map(roots).transpose()?;
        let egress = Egress {
            connect_to: self.connect_to.clone(),
            extra_roots: extra_roots.unwrap_or_default(),
            proxy: proxy.map_err(|fault| Failure::usage(format!("--proxy: {fault}")))?,
            connect_timeout: self.connect_timeout,
            deny_private_addresses: self.deny_private_addresses,
        };
        let context = Context::new(egress)?;
        Ok(if self.ambient_credentials { context.with_ambient_credentials() } else { context })
    }

    /// How long and how often to try.
    pub fn policy(&self) -> SendPolicy {
        SendPolicy { max_time: self.max_time, max_attempts: self.retry.saturating_add(1), ..SendPolicy::default() }
    }
}

fn roots(file: &Source) -> Result<Vec<connector_kit::RootCertificate>, Failure> {
    let certificates = file.read().and_then(|pem| root_certificates(&pem).map_err(|fault| format!("{file}: {fault}")));
    certificates.map_err(|fault| {
        let problem = Problem::new("", format!("--cacert: {fault}"));
        connector_kit::Error::invalid_config(vec![problem]).into()
    })
}

/// Reads a number of seconds, fractions included.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds is expected, such as 10 or 0.5".to_owned())?;
    if seconds > 0.0 && seconds <= LONGEST {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(format!("must be more than 0 and at most {LONGEST} seconds"))
}
