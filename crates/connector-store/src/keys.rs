//! The master keys: a current one and former ones, loaded from where an operator keeps them.

mod source;
mod text;

use std::{fmt, io, path::Path, str::FromStr, sync::Arc};

use arc_swap::ArcSwap;
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use connector_registry::Secret;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

pub use source::KeySource;

/// The length of a key, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// What a purpose's label begins with, so that no other program derives the same key from the same master key.
const LABEL: &str = "email-connectors v1 ";

/// Why there are no master keys. Never shows a key, nor what a command said.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The environment variable is not set, or not text.
    #[error(
        "the environment variable {name} holds no master key: set it to one made by `email-connectors keys generate`"
    )]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The file cannot be read or made.
    #[error("the key file {path} cannot be {action}: {cause}")]
    File {
        /// Its path.
        path: String,
        /// What was tried: "read" or "made".
        action: &'static str,
        /// What the system said.
        cause: io::Error,
    },
    /// The file can be read by others than its owner.
    #[error("the key file {path} can be read by others (mode {mode:03o}): run `chmod 600 {path}`")]
    OthersCanRead {
        /// Its path.
        path: String,
        /// Its permissions.
        mode: u32,
    },
    /// The command cannot be run.
    #[error("the key command cannot be run by sh: {0}")]
    Command(io::Error),
    /// The command failed.
    #[error("the key command failed ({0}): run it by hand to see why")]
    CommandFailed(std::process::ExitStatus),
    /// The command took too long.
    #[error("the key command was stopped: it gave no answer within {0} seconds")]
    CommandTooSlow(u64),
    /// There is too much text for master keys.
    #[error("{origin} holds more than {limit} bytes: is that the right place for master keys?")]
    TooLong {
        /// Where the text came from.
        origin: String,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// There is no key in the text.
    #[error("{origin} holds no master key: `email-connectors keys generate` makes one")]
    Empty {
        /// Where the text came from.
        origin: String,
    },
    /// A key is not encoded as it should be.
    #[error("key {position} of {origin} is neither base64 nor hex: `email-connectors keys generate` makes one")]
    NotEncoded {
        /// Where the text came from.
        origin: String,
        /// Which of its keys, counted from 1.
        position: usize,
    },
    /// A key has another length than it should have.
    #[error(
        "key {position} of {origin} has {bytes} bytes, and must have {KEY_BYTES}: `email-connectors keys generate` makes one"
    )]
    WrongLength {
        /// Where the text came from.
        origin: String,
        /// Which of its keys, counted from 1.
        position: usize,
        /// How many bytes it has.
        bytes: usize,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes to make a key of: {0}")]
    NoRandomness(io::Error),
}

/// No master key at hand has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no master key {id} is at hand, only {}: add it to those given", list(.at_hand))]
pub struct UnknownKey {
    /// The key that is wanted.
    pub id: KeyId,
    /// Those there are, the current one first.
    pub at_hand: Vec<KeyId>,
}

fn list(ids: &[KeyId]) -> String {
    ids.iter().map(KeyId::to_string).collect::<Vec<_>>().join(", ")
}

/// A text that is no [`KeyId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key id is 16 hex digits")]
pub struct NotAKeyId;

/// The public name of a master key: 16 hex digits that say nothing of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for KeyId {
    type Err = NotAKeyId;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut id = [0; 8];
        hex::decode_to_slice(text, &mut id).map_err(|_| NotAKeyId)?;
        Ok(Self(id))
    }
}

/// The master keys that were loaded: the current one, under which everything is sealed, and former ones, under which
/// what they sealed can still be opened. Cheap to clone; clones share a [`reload`](Self::reload).
#[derive(Clone)]
pub struct KeyRing {
    shared: Arc<Shared>,
}

struct Shared {
    source: KeySource,
    keys: ArcSwap<Keys>,
}

/// The keys of one load, the current one first: there is always one.
pub(crate) struct Keys {
    current: MasterKey,
    former: Vec<MasterKey>,
}

/// A master key and what is derived from it once. The cipher clears its key when it is dropped, too.
pub(crate) struct MasterKey {
    pub(crate) id: KeyId,
    pub(crate) cipher: XChaCha20Poly1305,
    bytes: KeyBytes,
}

/// The bytes of a key, cleared when they are dropped.
pub(crate) struct KeyBytes(Zeroizing<[u8; KEY_BYTES]>);

impl KeyBytes {
    fn random() -> Result<Self, KeyError> {
        let mut key = Self(Zeroizing::new([0; KEY_BYTES]));
        fill_at_random(key.0.as_mut()).map_err(KeyError::NoRandomness)?;
        Ok(key)
    }

    /// Fills `output`, which is at most as long as a key, by HKDF-SHA256 (RFC 5869).
    fn derive(&self, purpose: &str, output: &mut [u8]) {
        let label = format!("{LABEL}{purpose}");
        // Fails for an output of more than 255 times 32 bytes alone.
        let _ = Hkdf::<Sha256>::new(None, self.0.as_ref()).expand(label.as_bytes(), output);
    }
}

/// Fills `bytes` from the system's generator.
pub(crate) fn fill_at_random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|cause| io::Error::other(cause.to_string()))
}

impl From<KeyBytes> for MasterKey {
    fn from(bytes: KeyBytes) -> Self {
        let mut id = [0; 8];
        bytes.derive("key id", &mut id);
        let mut sealing = Zeroizing::new([0; KEY_BYTES]);
        bytes.derive("configuration secrets", sealing.as_mut());
        Self { id: KeyId(id), cipher: XChaCha20Poly1305::new((&*sealing).into()), bytes }
    }
}

impl Keys {
    pub(crate) fn get(&self, id: KeyId) -> Result<&MasterKey, UnknownKey> {
        self.iter().find(|key| key.id == id).ok_or_else(|| UnknownKey { id, at_hand: self.ids() })
    }

    fn iter(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(&self.current).chain(&self.former)
    }

    fn ids(&self) -> Vec<KeyId> {
        self.iter().map(|key| key.id).collect()
    }
}

impl KeyRing {
    /// Loads the keys from `source`. A command needs a tokio runtime with its input, output and time enabled.
    ///
    /// # Errors
    /// [`KeyError`]: the source has no keys, or not such as can be used.
    pub async fn load(source: KeySource) -> Result<Self, KeyError> {
        let keys = source.read().await?;
        Ok(Self { shared: Arc::new(Shared { source, keys: ArcSwap::from_pointee(keys) }) })
    }

    /// Makes a key file with a new key, readable by its owner only, and loads it. It is there whole or not at all,
    /// whatever happens meanwhile, and on disk when this returns.
    ///
    /// # Errors [`KeyError::File`], with [`AlreadyExists`](std::io::ErrorKind::AlreadyExists) when there is such a
    /// file: it stays as it is.
    pub async fn create_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        source::create(path.as_ref(), &generate_key()?)?;
        Self::load(KeySource::File(path.as_ref().to_owned())).await
    }

    /// Asks the source again; every clone of this ring then has what it says. When that fails the ring stays as it is.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub async fn reload(&self) -> Result<(), KeyError> {
        let keys = self.shared.source.read().await?;
        self.shared.keys.store(Arc::new(keys));
        Ok(())
    }

    /// The key under which everything is sealed.
    #[must_use]
    pub fn current(&self) -> KeyId {
        self.keys().current.id
    }

    /// Every key at hand, the current one first.
    #[must_use]
    pub fn ids(&self) -> Vec<KeyId> {
        self.keys().ids()
    }

    /// A key for `purpose` alone, derived from the master key `id`: from one purpose's key, neither the master key nor
    /// that of another purpose can be told.
    ///
    /// # Errors
    /// [`UnknownKey`] when that master key is not at hand.
    pub fn derive(&self, id: KeyId, purpose: &str) -> Result<Zeroizing<[u8; KEY_BYTES]>, UnknownKey> {
        let keys = self.keys();
        let mut derived = Zeroizing::new([0; KEY_BYTES]);
        // Apart from the purposes of this crate, whatever the caller's is called.
        keys.get(id)?.bytes.derive(&format!("for {purpose}"), derived.as_mut());
        Ok(derived)
    }

    pub(crate) fn keys(&self) -> Arc<Keys> {
        self.shared.keys.load_full()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("source", &self.shared.source).field("ids", &self.ids()).finish()
    }
}

/// A new master key, as text that every [`KeySource`] takes.
///
/// # Errors
/// [`KeyError::NoRandomness`].
pub fn generate_key() -> Result<Secret, KeyError> {
    Ok(text::encode(&KeyBytes::random()?))
}
