//! The keys under which everything is hashed, and how.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::{Digest, Randomness, RandomnessError, Subject};

/// Bytes that a key has at least: those of a SHA-256.
const KEY_MIN: usize = 32;
/// Bytes that a key's id has at most.
const ID_MAX: usize = 64;

/// A secret key, with the id that stands beside every hash made under it.
#[derive(Clone)]
pub struct HashKey {
    id: String,
    // The key is worked in once; each hash begins with a copy.
    mac: Hmac<Sha256>,
}

impl HashKey {
    /// A key of at least 32 random bytes, under an id of 1 to 64 bytes that no other key of the same store ever had.
    ///
    /// # Errors
    /// [`InvalidKey`], when one of them has not that length.
    pub fn new(id: impl Into<String>, key: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        let (id, key) = (id.into(), key.as_ref());
        if id.is_empty() || id.len() > ID_MAX {
            return Err(InvalidKey::Id { bytes: id.len() });
        }
        match Hmac::new_from_slice(key) {
            Ok(mac) if key.len() >= KEY_MIN => Ok(Self { id, mac }),
            _ => Err(InvalidKey::Length { id, bytes: key.len() }),
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn hash(&self, label: Label, fields: &[&[u8]]) -> Digest {
        Digest::from_bytes(self.fed(label, fields).finalize().into_bytes().into())
    }

    /// Compares in constant time.
    pub(crate) fn verify(&self, label: Label, fields: &[&[u8]], hash: &Digest) -> bool {
        self.fed(label, fields).verify_slice(hash.as_bytes()).is_ok()
    }

    fn fed(&self, label: Label, fields: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        // With its length before each, no two lists of fields run together to the same text.
        for field in [label.text().as_bytes()].iter().chain(fields) {
            mac.update(&(field.len() as u64).to_be_bytes());
            mac.update(field);
        }
        mac
    }
}

/// Shows the id only.
impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What is hashed. A hash of one kind is never one of another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Label {
    Code,
    /// A code that nobody gets. It has a label of its own, so that not even the right guess verifies.
    Decoy,
    CodeSubject,
    SendsPerRecipient,
    SendsPerIp,
    SendsPerNetwork,
    SendsPerTenant,
    ShareOfTenant,
    HoldersShareOfTenant,
    GuessesPerRecipient,
    /// Who asked for a code or tried it, to tell the one from the other.
    Client,
}

impl Label {
    const fn text(self) -> &'static str {
        match self {
            Self::Code => "verification-code/code",
            Self::Decoy => "verification-code/decoy",
            Self::CodeSubject => "verification-code/code-subject",
            Self::SendsPerRecipient => "verification-code/sends-per-recipient",
            Self::SendsPerIp => "verification-code/sends-per-ip",
            Self::SendsPerNetwork => "verification-code/sends-per-network",
            Self::SendsPerTenant => "verification-code/sends-per-tenant",
            Self::ShareOfTenant => "verification-code/share-of-tenant",
            Self::HoldersShareOfTenant => "verification-code/holders-share-of-tenant",
            Self::GuessesPerRecipient => "verification-code/guesses-per-recipient",
            Self::Client => "verification-code/client",
        }
    }
}

/// The key in use, and those that were: what was stored under them is still found and verified.
#[derive(Debug, Clone)]
pub struct HashKeys {
    current: HashKey,
    former: Vec<HashKey>,
}

impl HashKeys {
    /// One key, and no former ones.
    #[must_use]
    pub const fn new(current: HashKey) -> Self {
        Self { current, former: Vec::new() }
    }

    /// One random key, for a store that lives no longer than this process.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    pub fn random(randomness: &dyn Randomness) -> Result<Self, RandomnessError> {
        let mut key = [0; KEY_MIN];
        randomness.fill(&mut key)?;
        HashKey::new("random", key).map(Self::new).map_err(RandomnessError::new)
    }

    /// Adds a key that was in use before, or that another process uses already. It may be left out again once the
    /// lifetime of a code and the longest window have passed.
    ///
    /// # Errors
    /// [`InvalidKey::DuplicateId`].
    pub fn with_former(mut self, former: HashKey) -> Result<Self, InvalidKey> {
        if self.by_id(&former.id).is_some() {
            return Err(InvalidKey::DuplicateId { id: former.id });
        }
        self.former.push(former);
        Ok(self)
    }

    pub(crate) const fn current(&self) -> &HashKey {
        &self.current
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&HashKey> {
        self.all().find(|key| key.id == id)
    }

    pub(crate) fn subject(&self, label: Label, fields: &[&[u8]]) -> Subject {
        let current = self.current.hash(label, fields);
        Subject::new(current, self.former.iter().map(|key| key.hash(label, fields)))
    }

    fn all(&self) -> impl Iterator<Item = &HashKey> {
        std::iter::once(&self.current).chain(&self.former)
    }
}

/// A key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Its id is empty or too long.
    #[error("the id of a hash key has {bytes} bytes: give it 1 to {ID_MAX}")]
    Id {
        /// The length of the id.
        bytes: usize,
    },
    /// The key is too short.
    #[error("the hash key `{id}` has {bytes} bytes: give it {KEY_MIN} random ones at least")]
    Length {
        /// Its id.
        id: String,
        /// The length of the key.
        bytes: usize,
    },
    /// Another key has the same id.
    #[error("two hash keys have the id `{id}`: give each its own")]
    DuplicateId {
        /// The id.
        id: String,
    },
}
