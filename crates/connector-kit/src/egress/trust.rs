//! Whom TLS trusts: authorities, certificates that were given themselves, or anybody.

use std::{
    net::IpAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    CertificateError, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        verify_server_name,
    },
    crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime},
    server::ParsedCertificate,
    time_provider::TimeProvider,
};
use rustls_platform_verifier::Verifier;
use x509_cert::{
    Certificate,
    der::{Decode, oid::ObjectIdentifier},
};

use super::RootCertificate;

/// `subjectAltName` and `commonName` (RFC 5280, 4.2.1.6 and A.1).
const ALTERNATIVE_NAMES: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// `basicConstraints` (RFC 5280, 4.2.1.9).
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");

/// Trusts `own` and `extra` certificates, and the system's authorities where there are no `own` ones.
pub(super) fn verifier(
    own: &[RootCertificate],
    extra: &[RootCertificate],
    provider: &Arc<CryptoProvider>,
) -> Arc<dyn ServerCertVerifier> {
    let given: Vec<_> = own.iter().chain(extra).cloned().collect();
    // What is no authority may still be a server's own certificate. webpki would take it for one that vouches for every
    // host.
    let is_authority =
        |one: &&RootCertificate| !denies_authority(one) && RootCertStore::empty().add((*one).clone()).is_ok();
    let authorities: Vec<_> = given.iter().filter(is_authority).cloned().collect();
    let system = own.is_empty().then(|| system_verifier(&authorities, provider.clone())).flatten();
    Arc::new(Given {
        authorities: system.or_else(|| verifier_of(authorities, provider.clone())),
        certificates: given,
        provider: provider.clone(),
    })
}

/// Whether a certificate says that it is a server's and nobody's authority. Old ones do not say; they may be either.
fn denies_authority(certificate: &RootCertificate) -> bool {
    let Ok(read) = Certificate::from_der(certificate) else { return false };
    let mut extensions = read.tbs_certificate.extensions.iter().flatten();
    let constraints = extensions.find(|extension| extension.extn_id == BASIC_CONSTRAINTS);
    // SEQUENCE { cA BOOLEAN DEFAULT FALSE, … }
    constraints.is_some_and(|constraints| constraints.extn_value.as_bytes().get(2..5) != Some(&[1, 1, 0xff]))
}

/// Trusts the system's roots and `extra`; none where the system has no roots, as in an empty container. That is no fault
/// until a server is met that only they could vouch for.
fn system_verifier(extra: &[RootCertificate], provider: Arc<CryptoProvider>) -> Option<Arc<dyn ServerCertVerifier>> {
    let verifier = Verifier::new_with_extra_roots(extra.iter().cloned(), provider)
        .inspect_err(|cause| tracing::warn!(%cause, "the system's root certificates cannot be used"));
    Some(Arc::new(verifier.ok()?))
}

fn verifier_of(
    authorities: Vec<RootCertificate>,
    provider: Arc<CryptoProvider>,
) -> Option<Arc<dyn ServerCertVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    let verifier: Arc<dyn ServerCertVerifier> =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
    Some(verifier)
}

/// Trusts authorities, and beside them servers whose very certificate was given. webpki, on which rustls stands, has no
/// notion of the latter: it refuses a self-signed certificate that is also marked as an authority's, which is what
/// `openssl req -x509` makes.
#[derive(Debug)]
struct Given {
    authorities: Option<Arc<dyn ServerCertVerifier>>,
    certificates: Vec<RootCertificate>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Given {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if self.certificates.iter().any(|given| given == end_entity) {
            return verify_itself(end_entity, server_name, now).map(|()| ServerCertVerified::assertion());
        }
        match &self.authorities {
            Some(verifier) => verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now),
            None => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Checks the dates and the name of a certificate that was given itself: there is no issuer to ask.
fn verify_itself(certificate: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), TlsError> {
    // What rustls cannot read, such as version 1, it refuses at the signature: whatever else is wrong does not matter.
    let parsed = ParsedCertificate::try_from(certificate)?;
    let read = Certificate::from_der(certificate).map_err(|_| CertificateError::BadEncoding)?.tbs_certificate;
    let now = now.as_secs();
    if now < read.validity.not_before.to_unix_duration().as_secs() {
        return Err(CertificateError::NotValidYet.into());
    }
    if now > read.validity.not_after.to_unix_duration().as_secs() {
        return Err(CertificateError::Expired.into());
    }
    let mut extensions = read.extensions.iter().flatten();
    if extensions.any(|extension| extension.extn_id == ALTERNATIVE_NAMES) {
        return verify_server_name(&parsed, name);
    }
    // `openssl req -x509 -subj /CN=…` names the host there alone. Whoever gave this certificate meant this host.
    let mut attributes = read.subject.0.iter().flat_map(|rdn| rdn.0.iter());
    let is_named = attributes.any(|one| one.oid == COMMON_NAME && is_name(one.value.value(), name));
    match is_named {
        true => Ok(()),
        false => Err(CertificateError::NotValidForName.into()),
    }
}

fn is_name(common_name: &[u8], name: &ServerName<'_>) -> bool {
    let Ok(text) = std::str::from_utf8(common_name) else { return false };
    match name {
        ServerName::DnsName(host) => text.eq_ignore_ascii_case(host.as_ref()),
        ServerName::IpAddress(address) => text.parse() == Ok(IpAddr::from(*address)),
        _ => false,
    }
}

/// Takes any certificate, and so any signature too: whoever may show a certificate of their own making can sign with its
/// key. rustls would have to understand the certificate to check that, and refuse old ones (X.509 version 1, short keys).
#[derive(Debug)]
pub(super) struct TrustAnyone;

impl ServerCertVerifier for TrustAnyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        use SignatureScheme as Scheme;
        vec![
            Scheme::ECDSA_NISTP256_SHA256,
            Scheme::ECDSA_NISTP384_SHA384,
            Scheme::ECDSA_NISTP521_SHA512,
            Scheme::ED25519,
            Scheme::ED448,
            Scheme::RSA_PSS_SHA256,
            Scheme::RSA_PSS_SHA384,
            Scheme::RSA_PSS_SHA512,
            Scheme::RSA_PKCS1_SHA256,
            Scheme::RSA_PKCS1_SHA384,
            Scheme::RSA_PKCS1_SHA512,
            Scheme::ECDSA_SHA1_Legacy,
            Scheme::RSA_PKCS1_SHA1,
        ]
    }
}

/// The system's clock. Before 1970 it gives no time, with which rustls refuses a certificate; its own would panic.
#[derive(Debug)]
pub(super) struct Clock;

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        SystemTime::now().duration_since(UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}
