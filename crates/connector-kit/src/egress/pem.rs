//! Certificates and keys in PEM form, as people paste them.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use x509_cert::{
    Certificate, Version,
    der::{Decode, oid::ObjectIdentifier},
};

use super::RootCertificate;

/// Longest text read, in bytes: twenty times the bundle of a whole operating system.
const TEXT_MAX: usize = 4 * 1024 * 1024;
/// `rsaEncryption` (RFC 8017, A.1), and the length of the shortest modulus that the TLS library takes.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSA_BYTES_MIN: usize = 2048 / 8;
const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// The certificates of a PEM text, which may also hold other things.
///
/// The text is read as people paste it: see [`pem_text`].
///
/// # Errors
/// What the text is instead, when it holds no certificate or one that cannot be read. The text itself is never shown: it may
/// be a private key.
pub fn root_certificates(pem: &[u8]) -> Result<Vec<RootCertificate>, String> {
    if pem.len() > TEXT_MAX {
        return Err("is longer than 4 MiB, which no collection of certificates is".to_owned());
    }
    let text = String::from_utf8_lossy(pem);
    let sections = Sections::read(&text);
    let labels: Vec<&str> = sections.0.iter().map(|section| section.label).collect();
    if !labels.iter().any(|label| is_certificate(label)) {
        return Err(instead_of_certificates(pem, &text, &labels).to_owned());
    }
    let mut certificates = Vec::new();
    for section in sections.0.iter().filter(|section| is_certificate(section.label)) {
        let number = certificates.len() + 1;
        if section.is_cut_off {
            return Err(format!(
                "certificate {number} is cut off: its last line (-----END CERTIFICATE-----) is missing"
            ));
        }
        let certificate = CertificateDer::from_pem_slice(section.to_pem().as_bytes()).map_err(|_| {
            format!("certificate {number} is damaged: what stands between its first and last line is not base64")
        })?;
        if !is_readable(&certificate) {
            return Err(format!("certificate {number} is damaged: it cannot be read as an X.509 certificate"));
        }
        certificates.push(certificate);
    }
    Ok(certificates)
}

/// A PEM text in the form that every parser reads.
///
/// Line breaks may be written `\n`, as in JSON files and environment variables, or be missing altogether; lines may be
/// indented; a byte order mark and text around the sections are dropped.
#[must_use]
pub fn pem_text(text: &str) -> String {
    let text = with_line_breaks(text);
    Sections::read(&text).0.iter().filter(|section| !section.is_cut_off).map(Section::to_pem).collect()
}

/// Whether a PEM text holds a private key.
#[must_use]
pub fn holds_private_key(text: &str) -> bool {
    Sections::read(text).0.iter().any(|section| section.label.ends_with("PRIVATE KEY"))
}

/// Why no server that shows this certificate is trusted, though it was given to be: the TLS library cannot check what is
/// signed with its key. An authority may have one all the same.
#[must_use]
pub fn unfit_for_server(certificate: &RootCertificate) -> Option<&'static str> {
    let read = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let key = read.subject_public_key_info;
    // The modulus is nearly all of it.
    let is_short = key.algorithm.oid == RSA && key.subject_public_key.raw_bytes().len() < RSA_BYTES_MIN;
    match read.version {
        _ if is_short => Some("has an RSA key of less than 2048 bits"),
        Version::V3 => None,
        Version::V1 | Version::V2 => Some("is of an older version of X.509 than 3"),
    }
}

/// A certificate that rustls takes as an authority, or whose fields can be read. Old roots may be fit for one only.
fn is_readable(certificate: &CertificateDer<'static>) -> bool {
    rustls::RootCertStore::empty().add(certificate.clone()).is_ok() || Certificate::from_der(certificate).is_ok()
}

fn is_certificate(label: &str) -> bool {
    matches!(label, "CERTIFICATE" | "X509 CERTIFICATE")
}

fn with_line_breaks(text: &str) -> Cow<'_, str> {
    match text.contains('\\') {
        true => text.replace("\\r", "\n").replace("\\n", "\n").into(),
        false => text.into(),
    }
}

/// The sections of a PEM text, from `-----BEGIN` to `-----END`.
struct Sections<'t>(Vec<Section<'t>>);

struct Section<'t> {
    label: &'t str,
    body: &'t str,
    is_cut_off: bool,
}

impl<'t> Sections<'t> {
    fn read(mut text: &'t str) -> Self {
        let mut sections = Vec::new();
        while let Some((_, rest)) = text.split_once(BEGIN) {
            let Some((label, rest)) = rest.split_once(DASHES) else { break };
            // A section ends where the next one begins at the latest.
            let (own, next) = rest.find(BEGIN).map_or((rest, ""), |at| rest.split_at(at));
            let body = own.split_once(END);
            sections.push(Section { label, body: body.map_or(own, |(body, _)| body), is_cut_off: body.is_none() });
            text = next;
        }
        Self(sections)
    }
}

impl Section<'_> {
    fn to_pem(&self) -> String {
        let label = if is_certificate(self.label) { "CERTIFICATE" } else { self.label };
        let body = with_line_breaks(self.body);
        let mut pem = format!("{BEGIN}{label}{DASHES}\n");
        // `Proc-Type: 4,ENCRYPTED` and the like stand on lines of their own.
        match body.contains(':') {
            true => pem.push_str(body.trim()),
            false => pem.extend(body.split_ascii_whitespace()),
        }
        pem.push_str(&format!("\n{END}{label}{DASHES}\n"));
        pem
    }
}

/// What a text is that holds no certificate in PEM form.
fn instead_of_certificates(bytes: &[u8], text: &str, labels: &[&str]) -> &'static str {
    let has = |suffix: &str| labels.iter().any(|label| label.ends_with(suffix));
    if has("PRIVATE KEY") {
        return "holds a private key and no certificate: give the certificate (-----BEGIN CERTIFICATE-----), and keep the key \
                to yourself";
    }
    if has("CERTIFICATE REQUEST") {
        return "holds a request for a certificate, not the certificate: give what the authority made of it";
    }
    if has("TRUSTED CERTIFICATE") {
        return "holds a certificate in a form of OpenSSL's own: convert it with `openssl x509 -in FILE`";
    }
    if has("PKCS7") || has("CMS") {
        return "holds a PKCS #7 bundle: take the certificates out with `openssl pkcs7 -print_certs -in FILE`";
    }
    if has("CRL") {
        return "holds a list of revoked certificates, not a certificate";
    }
    if has("PUBLIC KEY") {
        return "holds a public key, not a certificate (-----BEGIN CERTIFICATE-----)";
    }
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return "is empty: a certificate in PEM form is expected (-----BEGIN CERTIFICATE-----)";
    }
    let compact: String = text.split_ascii_whitespace().collect();
    let der = STANDARD.decode(compact.trim_end_matches("\\n")).ok();
    if is_pkcs12(bytes) || der.as_deref().is_some_and(is_pkcs12) {
        return "is a PKCS #12 file (.p12, .pfx): take the certificate out with `openssl pkcs12 -nokeys -in FILE`";
    }
    if der.is_some_and(|der| der.first() == Some(&0x30)) {
        return "is base64 without its first and last line, -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----";
    }
    // 0x30 opens every DER structure, and a length byte beyond ASCII follows. In JSON that byte is some other character.
    if text.starts_with('0') && text.chars().nth(1).is_some_and(|char| !char.is_ascii()) {
        return "is in binary form (DER): convert it with `openssl x509 -inform der -in FILE`";
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || text.contains('\0') {
        return "is UTF-16 or binary, not plain text: save it as UTF-8, in PEM form (-----BEGIN CERTIFICATE-----)";
    }
    "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)"
}

/// RFC 7292, 4: a PFX is a sequence that begins with the version, 3.
fn is_pkcs12(bytes: &[u8]) -> bool {
    matches!(bytes, [0x30, 0x80, 2, 1, 3, ..] | [0x30, 0x81, _, 2, 1, 3, ..] | [0x30, 0x82, _, _, 2, 1, 3, ..])
}
