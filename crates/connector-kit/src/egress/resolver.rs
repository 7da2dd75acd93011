//! The HTTP client's resolver: applies a connect-to rule and the private-address policy.

use std::{net::SocketAddr, sync::Arc};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{ConnectTo, is_public, private_address};
use crate::Error;

/// Resolves names as the egress settings say.
pub(crate) struct Resolver {
    deny_private: bool,
    rule: Option<Arc<ConnectTo>>,
}

impl Resolver {
    pub(crate) fn new(deny_private: bool, rule: Option<ConnectTo>) -> Self {
        Self { deny_private, rule: rule.map(Arc::new) }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (deny_private, rule) = (self.deny_private, self.rule.clone());
        Box::pin(async move {
            // Port 0 stands for the URL's own.
            let (host, port) = match &rule {
                Some(rule) => rule.target(name.as_str(), 0),
                None => (name.as_str(), 0),
            };
            let addresses = lookup(host, port, deny_private).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// The addresses of `host`, those that may not be connected to left out.
pub(super) async fn lookup(host: &str, port: u16, deny_private: bool) -> Result<Vec<SocketAddr>, LookupError> {
    let all: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await.map_err(LookupError::Dns)?.collect();
    if !deny_private {
        return Ok(all);
    }
    let public: Vec<SocketAddr> = all.iter().copied().filter(|address| is_public(address.ip())).collect();
    if public.is_empty() && !all.is_empty() {
        return Err(LookupError::Denied(private_address(host)));
    }
    Ok(public)
}

/// Why a host has no address to connect to.
#[derive(Debug)]
pub(super) enum LookupError {
    Dns(std::io::Error),
    Denied(Error),
}

impl std::fmt::Display for LookupError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dns(cause) => write!(f, "the name cannot be resolved: {cause}"),
            Self::Denied(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for LookupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Left out of the chain: the message above says it already, and better.
            Self::Dns(_) => None,
            Self::Denied(error) => Some(error),
        }
    }
}
