//! Secrets at rest: encrypted and bound to their place.

mod config;

use std::io;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    XNonce,
    aead::{Aead as _, Payload},
};
use connector_registry::{Secret, Uuid};
use zeroize::Zeroizing;

use crate::{KeyId, KeyRing, UnknownKey, keys::fill_at_random};

pub use config::{ResealError, key_ids, open_config, reseal, seal_config};
pub(crate) use config::{seal_again, shows_secrets};

/// The version that sealed text begins with: XChaCha20-Poly1305 under a key derived by HKDF-SHA256, then
/// `<key id>.<base64url of nonce and ciphertext>`.
const VERSION: &str = "2";

/// The length of a nonce, in bytes: long enough to be chosen at random for every secret.
const NONCE_BYTES: usize = 24;

/// Where a sealed secret belongs, and where it goes from there. Sealed for one place, it opens in no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// The tenant.
    pub tenant: &'p str,
    /// The configuration's id.
    pub configuration: Uuid,
    /// JSON pointer to the field in the configuration.
    pub pointer: &'p str,
    /// Where it is sent, and how safely: whatever must not change while the secret stays.
    pub destination: &'p str,
}

impl Place<'_> {
    /// What is authenticated along with the secret. Each part stands behind its length, so that no two places read the
    /// same.
    fn associated_data(&self) -> Vec<u8> {
        let Self { tenant, configuration, pointer, destination } = self;
        let parts = [
            VERSION.as_bytes(),
            tenant.as_bytes(),
            configuration.as_bytes(),
            pointer.as_bytes(),
            destination.as_bytes(),
        ];
        let with_length = |part: &[u8]| [&(part.len() as u64).to_le_bytes(), part].concat();
        parts.into_iter().flat_map(with_length).collect()
    }
}

/// A secret that cannot be sealed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The master key is not at hand.
    #[error(transparent)]
    UnknownKey(#[from] UnknownKey),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes to seal a secret with: {0}")]
    NoRandomness(io::Error),
    /// The secret is longer than the cipher can take.
    #[error("the secret at {pointer} is too long to be sealed")]
    TooLong {
        /// JSON pointer to the field.
        pointer: String,
    },
}

/// A sealed secret that cannot be opened. Shows neither it nor any other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its master key is not at hand.
    #[error(
        "the secret at {pointer} in configuration {configuration} of tenant `{tenant}` cannot be opened: {unknown}"
    )]
    UnknownKey {
        /// The tenant.
        tenant: String,
        /// The configuration's id.
        configuration: Uuid,
        /// JSON pointer to the field.
        pointer: String,
        /// Which key is wanted, and which there are.
        unknown: UnknownKey,
    },
    /// It was sealed for another tenant, configuration or field, or would go elsewhere than it did, or has been altered.
    #[error(
        "the secret at {pointer} in configuration {configuration} of tenant `{tenant}` cannot be opened: it was sealed \
         for another tenant, configuration, connector or field, or it has been altered, or a field that decides where it \
         is sent has; change to a configuration with all secrets given and remove this one, or restore the store from a \
         copy"
    )]
    NotAuthentic {
        /// The tenant.
        tenant: String,
        /// The configuration's id.
        configuration: Uuid,
        /// JSON pointer to the field.
        pointer: String,
    },
    /// It is not what sealing makes, or of a version that is not known here.
    #[error(
        "the secret at {pointer} in configuration {configuration} of tenant `{tenant}` cannot be opened: what is stored \
         is no sealed secret of a known version; change to a configuration with all secrets given and remove this one, or \
         restore the store from a copy"
    )]
    Malformed {
        /// The tenant.
        tenant: String,
        /// The configuration's id.
        configuration: Uuid,
        /// JSON pointer to the field.
        pointer: String,
    },
}

impl KeyRing {
    /// Encrypts `secret` under the current key, for this place alone. Every call gives another text.
    ///
    /// # Errors
    /// [`SealError`]: without random bytes nothing can be sealed.
    pub fn seal(&self, place: &Place<'_>, secret: &str) -> Result<String, SealError> {
        self.seal_under(self.current(), place, secret)
    }

    /// As [`seal`](Self::seal), under the key `id`.
    ///
    /// # Errors
    /// [`SealError`]: that key is not at hand, or there are no random bytes.
    pub fn seal_under(&self, id: KeyId, place: &Place<'_>, secret: &str) -> Result<String, SealError> {
        let mut nonce = [0; NONCE_BYTES];
        fill_at_random(&mut nonce).map_err(SealError::NoRandomness)?;
        let keys = self.keys();
        let key = keys.get(id)?;
        let payload = Payload { msg: secret.as_bytes(), aad: &place.associated_data() };
        let too_long = |_| SealError::TooLong { pointer: place.pointer.to_owned() };
        let ciphertext = key.cipher.encrypt(&XNonce::from(nonce), payload).map_err(too_long)?;
        let sealed = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &ciphertext].concat());
        Ok(format!("{VERSION}.{}.{sealed}", key.id))
    }

    /// Decrypts what [`seal`](Self::seal) made for this place, under whichever key at hand it was made.
    ///
    /// # Errors
    /// [`OpenError`], by what is wrong with it.
    pub fn open(&self, place: &Place<'_>, sealed: &str) -> Result<Secret, OpenError> {
        let (tenant, configuration, pointer) = (place.tenant.to_owned(), place.configuration, place.pointer.to_owned());
        let Some((id, nonce, ciphertext)) = parse(sealed) else {
            return Err(OpenError::Malformed { tenant, configuration, pointer });
        };
        let keys = self.keys();
        let key = match keys.get(id) {
            Ok(key) => key,
            Err(unknown) => return Err(OpenError::UnknownKey { tenant, configuration, pointer, unknown }),
        };
        let payload = Payload { msg: &ciphertext, aad: &place.associated_data() };
        let opened = key.cipher.decrypt(&nonce, payload).ok().map(Zeroizing::new);
        // What is authentic was sealed from text.
        let text = opened.as_deref().and_then(|bytes| std::str::from_utf8(bytes).ok());
        text.map(Secret::new).ok_or(OpenError::NotAuthentic { tenant, configuration, pointer })
    }
}

/// The key's id, the nonce and the ciphertext.
fn parse(sealed: &str) -> Option<(KeyId, XNonce, Vec<u8>)> {
    let (id, text) = sealed.strip_prefix(VERSION)?.strip_prefix('.')?.split_once('.')?;
    // Written in one way only.
    let id = id.parse().ok().filter(|read: &KeyId| read.to_string() == id)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>()?;
    Some((id, XNonce::from(*nonce), ciphertext.to_vec()))
}
