//! TLS: whom to trust, and the stream that comes of it.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{CertificateError, ClientConfig};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::{RootCertificate, trust};
use crate::{Error, ErrorKind};

/// The oldest TLS version to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersion {
    /// TLS 1.2 and 1.3.
    #[default]
    Tls12,
    /// TLS 1.3 alone.
    Tls13,
}

/// What one connection's TLS wants beyond the egress settings.
#[derive(Debug, Clone, Default)]
pub struct TlsOptions {
    /// Takes any certificate, whoever it is for. Encrypts, but against an active attacker protects nothing.
    pub accept_invalid_certificates: bool,
    /// Trusts these instead of the system's: authorities, or the certificates of servers themselves.
    pub roots: Vec<RootCertificate>,
    /// The oldest version to speak.
    pub min_version: TlsVersion,
}

impl TlsOptions {
    pub(super) fn is_default(&self) -> bool {
        !self.accept_invalid_certificates && self.roots.is_empty() && self.min_version == TlsVersion::default()
    }
}

/// A TLS client with options of its own, made once: see [`Dialer::tls`](super::Dialer::tls).
#[derive(Debug, Clone)]
pub struct TlsClient(pub(super) Arc<ClientConfig>);

/// The TLS client for `options`: the system's roots and `extra_roots`, unless the options name their own.
pub(crate) fn client_config(extra_roots: &[RootCertificate], options: &TlsOptions) -> Result<ClientConfig, Error> {
    let refuse =
        |cause: &dyn fmt::Display| Error::new(ErrorKind::InvalidConfig, format!("TLS cannot be set up: {cause}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = match options.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_details(provider.clone(), Arc::new(trust::Clock))
        .with_protocol_versions(versions)
        .map_err(|cause| refuse(&cause))?;
    let verifier = match options.accept_invalid_certificates {
        true => Arc::new(trust::TrustAnyone),
        false => trust::verifier(&options.roots, extra_roots, &provider),
    };
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// What to do about a handshake that failed for the server's certificate.
pub(crate) fn certificate_hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    // tokio-rustls and hyper-rustls each wrap it into an I/O error, which is not the source of itself.
    if let Some(wrapped) = cause.downcast_ref::<io::Error>() {
        return wrapped.get_ref().and_then(|inner| certificate_hint(inner));
    }
    match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::FailedToGetCurrentTime => Some("this machine's clock stands before 1970: set it"),
        rustls::Error::InvalidCertificate(fault) => Some(match fault {
            CertificateError::UnknownIssuer => {
                "the server's certificate is signed by nobody trusted here: add its root certificate (--cacert), \
                 or the system's (ca-certificates) where there are none"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired: its owner must renew it; or this machine's clock is wrong"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the server's certificate is not valid yet; or this machine's clock is wrong"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another name: check the host, and what stands between it and here"
            }
            CertificateError::BadSignature => {
                "the server's certificate is not signed by the authority trusted here, though it names it: was that one renewed?"
            }
            // webpki's faults have no variants of their own.
            CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
                "the server's certificate is signed by itself: add that very certificate (--cacert), if it is the right one"
            }
            CertificateError::Other(other) if other.to_string().contains("UnsupportedCertVersion") => {
                "the server's certificate is of X.509 version 1, which TLS here does not take, not even where that very \
                 certificate was given to be trusted: have one of version 3 made, as `openssl req -x509` does"
            }
            _ => "the server's certificate is not valid",
        }),
        _ => None,
    }
}

/// An encrypted connection.
#[derive(Debug)]
pub struct TlsStream(tokio_rustls::client::TlsStream<TcpStream>);

impl TlsStream {
    pub(super) fn new(stream: tokio_rustls::client::TlsStream<TcpStream>) -> Self {
        Self(stream)
    }

    /// The connection below.
    #[must_use]
    pub fn tcp(&self) -> &TcpStream {
        self.0.get_ref().0
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buf)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
