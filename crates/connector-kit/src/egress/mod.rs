//! How connections leave this machine: for HTTP, SMTP and whatever comes next alike.

mod address;
mod connect_to;
mod dial;
mod pem;
mod proxy;
mod resolver;
mod tls;
mod trust;

use std::time::Duration;

pub use address::is_public;
pub use connect_to::ConnectTo;
pub(crate) use dial::refusal_of;
pub use dial::{DialOptions, Dialer};
pub use pem::{holds_private_key, pem_text, root_certificates, unfit_for_server};
pub use proxy::Proxy;
pub(crate) use proxy::{Refusal, SIGN_IN_HINT};
pub(crate) use resolver::Resolver;
pub use tls::{TlsClient, TlsOptions, TlsStream, TlsVersion};
pub(crate) use tls::{certificate_hint, client_config};

use crate::{Error, ErrorKind};

/// A certificate to trust, DER: an authority's, or a server's own, which is then trusted where it is shown byte for byte.
pub type RootCertificate = rustls::pki_types::CertificateDer<'static>;

/// How connections leave this machine.
#[derive(Debug, Clone)]
pub struct Egress {
    /// Connects elsewhere than a URL or a configuration says, as curl's `--connect-to`.
    pub connect_to: Vec<ConnectTo>,
    /// Authorities, and certificates of servers themselves, trusted besides the system's ([`root_certificates`] reads them
    /// from PEM).
    pub extra_roots: Vec<RootCertificate>,
    /// A proxy for every connection. The environment's proxy variables are not read.
    pub proxy: Option<Proxy>,
    /// How long connecting may take, TLS included.
    pub connect_timeout: Duration,
    /// Refuses to connect to private, loopback and link-local addresses, checked on the address connected to.
    pub deny_private_addresses: bool,
}

impl Default for Egress {
    fn default() -> Self {
        Self {
            connect_to: Vec::new(),
            extra_roots: Vec::new(),
            proxy: None,
            connect_timeout: Duration::from_secs(10),
            deny_private_addresses: false,
        }
    }
}

impl Egress {
    /// Refuses combinations that could not be kept.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let refuse = |what: &str| Err(Error::new(ErrorKind::InvalidConfig, what.to_owned()));
        if self.proxy.is_some() && self.deny_private_addresses {
            return refuse("private addresses cannot be denied behind a proxy: it is the proxy that resolves names");
        }
        if self.proxy.is_some() && !self.connect_to.is_empty() {
            return refuse("connect-to and a proxy cannot be used together");
        }
        Ok(())
    }
}

/// The error of a connection that the private-address policy forbids.
pub(crate) fn private_address(host: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("{host} is a private address, and those are denied here"))
        .with_hint("name a public host, or allow private addresses if the endpoint is your own")
}
