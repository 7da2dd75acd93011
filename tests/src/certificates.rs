//! A certificate authority for one server, and the certificate it signs.

use anyhow::{Context as _, Result};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use std::path::{Path, PathBuf};

/// The names a mail server's certificate is valid for.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "mail.example.test"];

/// PEM files a server and its client read.
pub(crate) struct Certificates {
    pub(crate) ca: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// A mail server's: as [`Self::valid_for`] the names that all of them have.
    pub(crate) fn write_to(folder: &Path) -> Result<Self> {
        Self::valid_for(&NAMES, folder)
    }

    /// Makes an authority and a certificate for `names` and writes them into `folder`; the authority's key is kept nowhere.
    pub(crate) fn valid_for(names: &[&str], folder: &Path) -> Result<Self> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "email-connectors test authority");
        let ca_key = KeyPair::generate()?;
        let ca = params.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(params, ca_key);

        let mut params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names.last().copied().unwrap_or_default());
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?.pem();

        let write = |name: &str, content: String| {
            let file = folder.join(name);
            std::fs::write(&file, content).with_context(|| format!("writing {}", file.display()))?;
            Ok::<_, anyhow::Error>(file)
        };
        Ok(Self {
            ca: write("ca.pem", ca)?,
            certificate: write("certificate.pem", certificate)?,
            key: write("key.pem", key.serialize_pem())?,
        })
    }
}
