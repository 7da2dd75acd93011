//! A certificate authority made for one test, and server certificates from it, good and faulty.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, pem::PemObject as _};
use rustls::server::{ClientHello, ResolvesServerCert, WantsServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, ServerConfig, SupportedProtocolVersion};

/// A fresh authority: nothing trusts it until its root is added. For an untrusted server use the certificate of one
/// `TestCa` while the client trusts another.
pub struct TestCa {
    issuer: Arc<CertifiedIssuer<'static, KeyPair>>,
}

/// From the first year to the second, on January 1st.
type Validity = (i32, i32);

const VALID: Validity = (2020, 2120);
const EXPIRED: Validity = (2020, 2021);
const NOT_YET_VALID: Validity = (2119, 2120);

impl TestCa {
    /// Makes a new authority with a key of its own.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "two of them are never equal")]
    pub fn new() -> Self {
        Self::marked(IsCa::Ca(BasicConstraints::Unconstrained))
    }

    /// One whose certificate says that it is no authority, though its key signs as one.
    #[must_use]
    pub fn pretended() -> Self {
        Self::marked(IsCa::ExplicitNoCa)
    }

    fn marked(is_ca: IsCa) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "connector-testkit test CA");
        params.is_ca = is_ca;
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        set_validity(&mut params, VALID);
        let key = KeyPair::generate().unwrap();
        Self { issuer: Arc::new(CertifiedIssuer::self_signed(params, key).unwrap()) }
    }

    /// The root certificate in PEM, as `--cacert` takes it.
    #[must_use]
    pub fn root_pem(&self) -> String {
        self.issuer.pem()
    }

    /// The root certificate in DER.
    #[must_use]
    pub fn root_der(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A server that proves to be each of these hosts (names or IP addresses), TLS 1.2 and 1.3.
    #[must_use]
    pub fn server_config(&self, hosts: &[&str]) -> ServerConfig {
        self.issue(hosts, VALID, rustls::DEFAULT_VERSIONS)
    }

    /// A server that proves to be whatever host a client asks for: for a client whose hosts are not known beforehand.
    #[must_use]
    pub fn server_config_for_any_host(&self) -> ServerConfig {
        server_builder(rustls::DEFAULT_VERSIONS).with_cert_resolver(Arc::new(AnyHost(Arc::clone(&self.issuer))))
    }

    /// As [`TestCa::server_config`], TLS 1.2 only.
    #[must_use]
    pub fn server_config_tls12(&self, hosts: &[&str]) -> ServerConfig {
        self.issue(hosts, VALID, &[&rustls::version::TLS12])
    }

    /// A server whose certificate ran out in 2021.
    #[must_use]
    pub fn expired(&self, hosts: &[&str]) -> ServerConfig {
        self.issue(hosts, EXPIRED, rustls::DEFAULT_VERSIONS)
    }

    /// A server whose certificate begins in 2119.
    #[must_use]
    pub fn not_yet_valid(&self, hosts: &[&str]) -> ServerConfig {
        self.issue(hosts, NOT_YET_VALID, rustls::DEFAULT_VERSIONS)
    }

    /// A server with a good certificate of this authority, for a host nobody asks for.
    #[must_use]
    pub fn wrong_host(&self) -> ServerConfig {
        self.issue(&["somebody-else.example"], VALID, rustls::DEFAULT_VERSIONS)
    }

    /// A client that trusts this authority and nothing else. It names its crypto provider itself, so it works whether
    /// or not the process has a default one.
    #[must_use]
    pub fn client_config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.root_der()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn issue(
        &self,
        hosts: &[&str],
        validity: Validity,
        versions: &[&'static SupportedProtocolVersion],
    ) -> ServerConfig {
        let (certificate, key) = sign(&self.issuer, hosts, validity);
        server_builder(versions).with_single_cert(vec![certificate], key).unwrap()
    }
}

/// Makes a certificate when a client says whom it wants to talk to.
#[derive(Debug)]
struct AnyHost(Arc<CertifiedIssuer<'static, KeyPair>>);

impl ResolvesServerCert for AnyHost {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let (certificate, key) = sign(&self.0, &[hello.server_name()?], VALID);
        let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
        Some(Arc::new(CertifiedKey::new(vec![certificate], key)))
    }
}

/// A server's certificate that is signed by its own key.
pub struct SelfSigned<'a> {
    /// The names and addresses in `subjectAltName`; with none there is no such extension.
    pub hosts: &'a [&'a str],
    /// The subject's common name.
    pub common_name: &'a str,
    /// Marked as an authority's, as `openssl req -x509` does.
    pub authority: bool,
    /// Ran out in 2021.
    pub expired: bool,
}

impl SelfSigned<'_> {
    /// The certificate in PEM, and a server that shows it.
    #[must_use]
    pub fn make(&self) -> (String, ServerConfig) {
        let names: Vec<String> = self.hosts.iter().map(|host| (*host).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, self.common_name);
        if self.authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        set_validity(&mut params, if self.expired { EXPIRED } else { VALID });
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        (
            certificate.pem(),
            server_showing(certificate.der().clone(), &PrivatePkcs8KeyDer::from(key.serialize_der()).into()),
        )
    }
}

/// A server that shows this certificate (PEM), whatever is wrong with it, and signs with this key (PEM).
#[must_use]
pub fn server_with(certificate: &str, key: &str) -> ServerConfig {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    server_showing(certificate, &PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
}

fn server_showing(certificate: CertificateDer<'static>, key: &PrivateKeyDer<'static>) -> ServerConfig {
    let key = rustls::crypto::ring::sign::any_supported_type(key).unwrap();
    let shown = Arc::new(CertifiedKey::new(vec![certificate], key));
    server_builder(rustls::DEFAULT_VERSIONS).with_cert_resolver(Arc::new(Always(shown)))
}

/// Shows a certificate that rustls would not take for a server's.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

fn server_builder(versions: &[&'static SupportedProtocolVersion]) -> ConfigBuilder<ServerConfig, WantsServerCert> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
}

fn sign(
    issuer: &CertifiedIssuer<'static, KeyPair>,
    hosts: &[&str],
    validity: Validity,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let names: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, hosts.first().copied().unwrap_or("nobody"));
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, validity);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    (certificate.der().clone(), PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())))
}

fn set_validity(params: &mut CertificateParams, (from, until): Validity) {
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
}
