//! Real servers for the end-to-end tests, each started on loopback for one test and stopped with it, and a browser.
//!
//! ```no_run
//! use e2e::{Postfix, SmtpPeer};
//!
//! # fn main() -> anyhow::Result<()> {
//! let postfix = Postfix::start()?;
//! // … send to Postfix::INBOX through localhost:port() as USER with PASSWORD, trusting ca_file() …
//! let mails = postfix.wait_for_mails(1)?;
//! assert_eq!(mails[0].header("Subject").as_deref(), Some("Your code"));
//! # Ok(())
//! # }
//! ```
//!
//! What they are made of is installed by `cargo xtask test`. A server that is missing is an error that says so, never
//! a test that is left out.

mod aiosmtpd;
mod browser;
mod cargo_registry;
mod certificates;
mod checkout;
mod command;
mod exim;
mod installed;
mod journal;
pub mod lasting;
mod mail;
mod moto;
mod node_smtp_server;
mod oidc_provider;
mod postfix;
mod process;
mod program;
mod ses_v2_local;
mod wait;

pub use aiosmtpd::{AfterData, Aiosmtpd, AiosmtpdBuilder, StartTls, Step};
pub use browser::{SetUp, admin_ui, inner_texts, set_up_every_connector};
pub use cargo_registry::CargoRegistry;
pub use checkout::{Checkout, shell_script};
pub use command::{Desk, Ran, Running, binary};
pub use exim::Exim;
pub use installed::script;
pub use mail::Mail;
pub use moto::{AwsRequest, Moto};
pub use node_smtp_server::{NodeSmtpServer, NodeSmtpServerBuilder};
pub use oidc_provider::OidcProvider;
pub use postfix::{Postfix, PostfixBuilder};
pub use program::{node, python};
pub use ses_v2_local::SesV2Local;
pub use wait::until;

use anyhow::Result;
use std::path::Path;
use std::time::Duration;

/// The account every server knows.
pub const USER: &str = "relay@example.test";

/// [`USER`]'s password.
pub const PASSWORD: &str = "correct horse/battery+staple";

/// The host name to connect to: it resolves to loopback and is in the servers' certificates.
pub const HOST: &str = "localhost";

/// How long a test waits for something that happens in milliseconds when it happens at all.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the servers have in common, so that one test can run against each of them.
pub trait SmtpPeer {
    /// The name to show in a failure.
    fn name(&self) -> &'static str;

    /// The port that starts in clear and offers STARTTLS, on 127.0.0.1.
    fn port(&self) -> u16;

    /// The port that speaks TLS from the first byte, where the server has one.
    fn tls_port(&self) -> Option<u16>;

    /// The certificate authority (PEM) that signed the server's certificate, which is valid for `localhost`, `127.0.0.1`
    /// and `mail.example.test`. It was made for this server alone, so nothing else trusts it.
    fn ca_file(&self) -> &Path;

    /// The messages taken so far, oldest first.
    fn mails(&self) -> Result<Vec<Mail>>;

    /// How many connections clients have opened so far: at least those through which [`Self::mails`] came.
    fn connections(&self) -> Result<usize>;

    /// The ids of the processes it runs as.
    fn processes(&self) -> Result<Vec<u32>>;

    /// What the server has logged: for a failure's message.
    fn log(&self) -> String;

    /// Stops it, as dropping it does, and says so if that does not work.
    ///
    /// # Errors
    ///
    /// When a process of it is still there.
    fn stop(self) -> Result<()>
    where
        Self: Sized;

    /// Waits until at least `count` messages have been taken.
    ///
    /// # Errors
    ///
    /// When fewer have arrived after [`PATIENCE`].
    fn wait_for_mails(&self, count: usize) -> Result<Vec<Mail>> {
        until(PATIENCE, &format!("{count} messages at {}", self.name()), || {
            let mails = self.mails()?;
            Ok((mails.len() >= count).then_some(mails))
        })
    }
}

/// The repository's README: its Rust is compiled and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;
