//! Opening a TCP connection, and TLS on top, for protocols other than HTTP.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::Uri;
use hyper_util::client::legacy::connect::{
    HttpConnector,
    proxy::{SocksV5, Tunnel},
};
use tokio::net::{TcpSocket, TcpStream};
use tower_service::Service;

use super::{
    Egress, Proxy,
    resolver::{LookupError, lookup},
    tls::{TlsOptions, TlsStream, client_config},
};
use crate::{Error, ErrorKind};

/// Opens connections as the egress settings say.
#[derive(Clone)]
pub struct Dialer {
    egress: Arc<Egress>,
    tls: Arc<rustls::ClientConfig>,
}

/// What one connection wants beyond the egress settings.
#[derive(Debug, Clone, Default)]
pub struct DialOptions {
    /// How long to wait for the connection; the egress settings' limit holds as well.
    pub connect_timeout: Option<Duration>,
    /// How long to wait for the name to be resolved.
    pub dns_timeout: Option<Duration>,
    /// The local address to connect from.
    pub local_address: Option<IpAddr>,
}

impl Dialer {
    pub(crate) fn new(egress: Arc<Egress>, tls: Arc<rustls::ClientConfig>) -> Self {
        Self { egress, tls }
    }

    /// Connects to `host:port`, with Nagle's algorithm off.
    ///
    /// # Errors
    /// `Unavailable` and `NotSent`, naming host and stage; `InvalidConfig` where the private-address policy forbids it.
    pub async fn connect(&self, host: &str, port: u16, options: &DialOptions) -> Result<TcpStream, Error> {
        let limit = options.connect_timeout.unwrap_or(Duration::MAX).min(self.egress.connect_timeout);
        let connect = async {
            match &self.egress.proxy {
                Some(proxy) => through_proxy(proxy, host, port).await,
                None => self.directly(host, port, options).await,
            }
        };
        let stream = tokio::time::timeout(limit, connect)
            .await
            .unwrap_or_else(|_| Err(unavailable(host, port, format!("no connection within {limit:?}"))))?;
        stream.set_nodelay(true).map_err(|cause| unavailable(host, port, cause))?;
        Ok(stream)
    }

    async fn directly(&self, host: &str, port: u16, options: &DialOptions) -> Result<TcpStream, Error> {
        let rule = self.egress.connect_to.iter().find(|rule| rule.matches(host, port));
        let (to_host, to_port) = rule.map_or((host, port), |rule| rule.target(host, port));
        let lookup = lookup(to_host, to_port, self.egress.deny_private_addresses);
        let addresses = tokio::time::timeout(options.dns_timeout.unwrap_or(Duration::MAX), lookup)
            .await
            .map_err(|_| unavailable(host, port, "resolving the name took too long"))?
            .map_err(|cause| match cause {
                LookupError::Denied(error) => error,
                dns @ LookupError::Dns(_) => unavailable(host, port, dns),
            })?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address that can be used");
        for address in addresses {
            match connect_from(options.local_address, address).await {
                Ok(stream) => return Ok(stream),
                Err(cause) => last = cause,
            }
        }
        Err(unavailable(host, port, last))
    }

    /// Starts TLS on `stream` and checks that the server is `server_name`.
    ///
    /// # Errors
    /// `InvalidConfig` for options that cannot be used, `Unavailable` when the handshake fails.
    pub async fn start_tls(
        &self,
        stream: TcpStream,
        server_name: &str,
        options: &TlsOptions,
    ) -> Result<TlsStream, Error> {
        let config = match options.is_default() {
            true => self.tls.clone(),
            false => Arc::new(client_config(&self.egress.extra_roots, options)?),
        };
        let name = rustls::pki_types::ServerName::try_from(server_name.to_owned()).map_err(|_| {
            Error::new(ErrorKind::InvalidConfig, format!("`{server_name}` is not a name that a certificate can have"))
        })?;
        let handshake = tokio_rustls::TlsConnector::from(config).connect(name, stream);
        let limit = self.egress.connect_timeout;
        let stream = tokio::time::timeout(limit, handshake)
            .await
            .map_err(|_| tls_failed(server_name, format!("no TLS handshake within {limit:?}")))?
            .map_err(|cause| tls_failed(server_name, cause))?;
        Ok(TlsStream::new(stream))
    }
}

async fn connect_from(local: Option<IpAddr>, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(local) = local {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    socket.connect(address).await
}

async fn through_proxy(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, Error> {
    let failed = |cause: &dyn std::fmt::Display| unavailable(host, port, format!("through the proxy: {cause}"));
    let at = proxy.uri().map_err(|cause| failed(&cause))?;
    let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let to = Uri::builder().scheme("https").authority(format!("{bracketed}:{port}")).path_and_query("/").build();
    let to = to.map_err(|cause| failed(&cause))?;
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    let stream = if proxy.is_socks() {
        let mut socks = SocksV5::new(at, connector).local_dns(!proxy.resolves_remotely());
        if let Some((user, password)) = proxy.credentials() {
            socks = socks.with_auth(user, password);
        }
        socks.call(to).await.map_err(|cause| failed(&cause))?
    } else {
        let mut tunnel = Tunnel::new(at, connector);
        if let Some(value) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(value);
        }
        tunnel.call(to).await.map_err(|cause| failed(&cause))?
    };
    Ok(stream.into_inner())
}

fn unavailable(host: &str, port: u16, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{host}:{port}: could not connect: {cause}"))
}

fn tls_failed(server_name: &str, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{server_name}: TLS failed: {cause}"))
}
