//! TLS: whom to trust, and the stream that comes of it.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use rustls_platform_verifier::Verifier;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::RootCertificate;
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
    /// Trusts these roots instead of the system's.
    pub roots: Vec<RootCertificate>,
    /// The oldest version to speak.
    pub min_version: TlsVersion,
}

impl TlsOptions {
    pub(super) fn is_default(&self) -> bool {
        !self.accept_invalid_certificates && self.roots.is_empty() && self.min_version == TlsVersion::default()
    }
}

/// The certificates of a PEM text.
///
/// # Errors
/// When it holds none, or one that cannot be read.
pub fn root_certificates(pem: &[u8]) -> Result<Vec<RootCertificate>, String> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) => Err("holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)".to_owned()),
        Err(cause) => Err(format!("is not a PEM file: {cause}")),
    }
}

/// The TLS client for `options`: the system's roots and `extra_roots`, unless the options name their own.
pub(crate) fn client_config(extra_roots: &[RootCertificate], options: &TlsOptions) -> Result<ClientConfig, Error> {
    let refuse =
        |cause: &dyn fmt::Display| Error::new(ErrorKind::InvalidConfig, format!("TLS cannot be set up: {cause}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[_] = match options.min_version {
        TlsVersion::Tls12 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::Tls13 => &[&rustls::version::TLS13],
    };
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .map_err(|cause| refuse(&cause))?;
    let config = if options.accept_invalid_certificates {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustAnyone(provider))).with_no_client_auth()
    } else {
        let system = match options.roots.is_empty() {
            true => system_verifier(extra_roots, provider),
            false => None,
        };
        match system {
            Some(verifier) => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
            None => {
                let mut roots = rustls::RootCertStore::empty();
                for certificate in options.roots.iter().chain(extra_roots) {
                    roots.add(certificate.clone()).map_err(|cause| refuse(&cause))?;
                }
                builder.with_root_certificates(roots).with_no_client_auth()
            }
        }
    };
    Ok(config)
}

/// Trusts the system's roots and `extra_roots`; none where the system has no roots, as in an empty container. That is
/// no fault until a server is met that only they could vouch for.
fn system_verifier(extra_roots: &[RootCertificate], provider: Arc<CryptoProvider>) -> Option<Verifier> {
    Verifier::new_with_extra_roots(extra_roots.iter().cloned(), provider)
        .inspect_err(|cause| tracing::warn!(%cause, "the system's root certificates cannot be used"))
        .ok()
}

/// What to do about a handshake that failed for the server's certificate.
pub(crate) fn certificate_hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    // tokio-rustls and hyper-rustls each wrap it into an I/O error, which is not the source of itself.
    if let Some(wrapped) = cause.downcast_ref::<io::Error>() {
        return wrapped.get_ref().and_then(|inner| certificate_hint(inner));
    }
    match cause.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(fault) => Some(match fault {
            CertificateError::UnknownIssuer => {
                "the server's certificate is signed by nobody trusted here: add its root certificate (--cacert), \
                 or the system's (ca-certificates) where there are none"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the server's certificate has expired: its owner must renew it; or this machine's clock is wrong"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the server's certificate is for another name: check the host, and what stands between it and here"
            }
            _ => "the server's certificate is not valid",
        }),
        _ => None,
    }
}

/// Takes any certificate; signatures are still checked, so the peer at least holds its key.
#[derive(Debug)]
struct TrustAnyone(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
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
