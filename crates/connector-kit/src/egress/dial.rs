//! Opening a TCP connection, and TLS on top, for protocols other than HTTP.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout},
};
use tokio_socks::{IntoTargetAddr, tcp::Socks5Stream};

use super::{
    Egress, Proxy, Refusal, is_public, private_address,
    resolver::{LookupError, lookup},
    tls::{TlsClient, TlsOptions, TlsStream, certificate_hint, client_config},
};
use crate::{Error, ErrorKind};

/// Longest answer of a proxy.
const ANSWER_MAX: usize = 16 * 1024;

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
                None => self.directly(host, port, options, limit).await,
            }
        };
        let stream = timeout(limit, connect)
            .await
            .unwrap_or_else(|_| Err(unavailable(host, port, format!("no connection within {limit:?}"))))?;
        stream.set_nodelay(true).map_err(|cause| unavailable(host, port, cause))?;
        Ok(stream)
    }

    async fn directly(
        &self,
        host: &str,
        port: u16,
        options: &DialOptions,
        limit: Duration,
    ) -> Result<TcpStream, Error> {
        let begin = Instant::now();
        // A rule that redirects a private address is no permission for it.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if self.egress.deny_private_addresses && literal.is_ok_and(|address| !is_public(address)) {
            return Err(private_address(host));
        }
        let rule = self.egress.connect_to.iter().find(|rule| rule.matches(host, port));
        let (to_host, to_port) = rule.map_or((host, port), |rule| rule.target(host, port));
        let lookup = lookup(to_host, to_port, self.egress.deny_private_addresses);
        let addresses = timeout(options.dns_timeout.unwrap_or(Duration::MAX), lookup)
            .await
            .map_err(|_| unavailable(host, port, "resolving the name took too long"))?
            .map_err(|cause| match cause {
                LookupError::Denied(error) => error,
                dns @ LookupError::Dns(_) => unavailable(host, port, dns),
            })?;
        let left = limit.saturating_sub(begin.elapsed());
        first_of(&addresses, options.local_address, left).await.map_err(|cause| unavailable(host, port, cause))
    }

    /// A TLS client for [`Dialer::start_tls`]. Making one reads certificates, and it remembers servers for a quicker
    /// handshake: make it once.
    ///
    /// # Errors
    /// `InvalidConfig` for options that cannot be used.
    pub fn tls(&self, options: &TlsOptions) -> Result<TlsClient, Error> {
        Ok(TlsClient(match options.is_default() {
            true => self.tls.clone(),
            false => Arc::new(client_config(&self.egress.extra_roots, options)?),
        }))
    }

    /// Starts TLS on `stream` and checks that the server is `server_name`.
    ///
    /// # Errors
    /// `InvalidConfig` for a name that no certificate can have, `Unavailable` when the handshake fails.
    pub async fn start_tls(
        &self,
        stream: TcpStream,
        server_name: &str,
        client: &TlsClient,
    ) -> Result<TlsStream, Error> {
        let name = rustls::pki_types::ServerName::try_from(server_name.to_owned()).map_err(|_| {
            Error::new(ErrorKind::InvalidConfig, format!("`{server_name}` is not a name that a certificate can have"))
        })?;
        let handshake = tokio_rustls::TlsConnector::from(client.0.clone()).connect(name, stream);
        let limit = self.egress.connect_timeout;
        let stream = timeout(limit, handshake)
            .await
            .map_err(|_| tls_failed(server_name, format!("no TLS handshake within {limit:?}")))?
            .map_err(|cause| {
                let error = tls_failed(server_name, &cause);
                match certificate_hint(&cause) {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            })?;
        Ok(TlsStream::new(stream))
    }
}

/// Connects to the first of a host's addresses that takes it. Each gets an equal share of the time that is left, so that one
/// that is silent does not keep the others from their turn (RFC 5321, 5.1).
async fn first_of(addresses: &[SocketAddr], local: Option<IpAddr>, limit: Duration) -> io::Result<TcpStream> {
    let begin = Instant::now();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address that can be used");
    for (tried, address) in addresses.iter().enumerate() {
        let left = limit.saturating_sub(begin.elapsed());
        let share = left / u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        match timeout(share, connect_from(local, *address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(cause)) => last = cause,
            Err(_) => last = io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {share:.1?}")),
        }
    }
    Err(last)
}

async fn connect_from(local: Option<IpAddr>, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(local) = local {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    socket.connect(address).await
}

async fn through_proxy(proxy: &Proxy, host: &str, port: u16) -> Result<TcpStream, Error> {
    let failed = |cause: String| unavailable(host, port, format!("through the proxy: {cause}"));
    let at = proxy.address();
    if proxy.is_socks() {
        let target = match proxy.resolves_remotely() {
            true => (host, port).into_target_addr(),
            false => {
                let addresses = lookup(host, port, false).await.map_err(|cause| failed(cause.to_string()))?;
                let first = addresses.first().ok_or_else(|| failed("the name has no address".to_owned()))?;
                (*first).into_target_addr()
            }
        };
        let target = target.map_err(|cause| failed(cause.to_string()))?.to_owned();
        let stream = match proxy.credentials() {
            Some((user, password)) => Socks5Stream::connect_with_password(at, target, &user, &password).await,
            None => Socks5Stream::connect(at, target).await,
        };
        let refused = |cause: tokio_socks::Error| match Refusal::of_socks(&cause) {
            Some(refusal) => refusal.error(&format!("{host}:{port}"), &cause.to_string()),
            None => failed(cause.to_string()),
        };
        return Ok(stream.map_err(refused)?.into_inner());
    }
    let mut stream = TcpStream::connect(at).await.map_err(|cause| failed(cause.to_string()))?;
    match http_connect(&mut stream, proxy, host, port).await {
        Ok(()) => Ok(stream),
        Err((Some(refusal), cause)) => Err(refusal.error(&format!("{host}:{port}"), &cause)),
        Err((None, cause)) => Err(failed(cause)),
    }
}

/// Why an HTTP proxy opens no tunnel to `host:port`, asked for one to learn its status. None where it does by now, or gives no
/// answer within `limit`.
pub(crate) async fn refusal_of(proxy: &Proxy, host: &str, port: u16, limit: Duration) -> Option<(Refusal, String)> {
    let asked = async {
        let mut stream = TcpStream::connect(proxy.address()).await.ok()?;
        let (refusal, cause) = http_connect(&mut stream, proxy, host, port).await.err()?;
        Some((refusal?, cause))
    };
    timeout(limit, asked).await.ok()?
}

/// Asks an HTTP proxy for a tunnel (RFC 9110, 9.3.6).
///
/// Byte by byte, so that nothing behind the answer is lost: in SMTP the server speaks first. hyper-util's tunnel reads
/// on, as it may where the client does.
///
/// # Errors
/// What happened; with what the proxy meant by it, where it answered.
async fn http_connect(
    stream: &mut TcpStream,
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<(), (Option<Refusal>, String)> {
    let authority = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let login = proxy.basic_auth().map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default();
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{login}\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|cause| (None, cause.to_string()))?;
    let mut answer = Vec::with_capacity(256);
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() > ANSWER_MAX {
            return Err((None, "its answer is too long".to_owned()));
        }
        answer.push(stream.read_u8().await.map_err(|cause| (None, format!("no answer: {cause}")))?);
    }
    let status = String::from_utf8_lossy(&answer[..answer.len().min(12)]).into_owned();
    match status.split_once(' ') {
        Some(("HTTP/1.1" | "HTTP/1.0", code)) if code.starts_with('2') => Ok(()),
        Some(("HTTP/1.1" | "HTTP/1.0", code)) => {
            let refusal = code.parse().map_or(Refusal::Failed, Refusal::of_status);
            let words = match refusal {
                Refusal::SignIn => "it wants a user and a password (407)".to_owned(),
                Refusal::NotAllowed | Refusal::Failed => format!("it refused the tunnel ({code})"),
            };
            Err((Some(refusal), words))
        }
        _ => Err((None, "its answer is not HTTP".to_owned())),
    }
}

fn unavailable(host: &str, port: u16, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{host}:{port}: could not connect: {cause}")).not_sent()
}

fn tls_failed(server_name: &str, cause: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unavailable, format!("{server_name}: TLS failed: {cause}")).not_sent()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use connector_testkit::StalledPort;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_address_that_is_silent_leaves_time_for_the_next() {
        let stalled = StalledPort::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let [silent, live] = [stalled.port(), listener.local_addr().unwrap().port()]
            .map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let limit = Duration::from_millis(400);
        let stream = first_of(&[silent, live], None, limit).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), live);
        let error = first_of(&[silent], None, limit).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    }
}
