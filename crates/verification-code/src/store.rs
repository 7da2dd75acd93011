//! What a store of codes must be able to do, and hold to.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{Attempts, Limit, LimitKind, Limited, Timestamp};

/// Keeps codes, attempts and sends.
///
/// It keeps two kinds of rows:
///
/// - For each [`Subject`] that a code was issued for or that was tried, one: the code's `id`, `key_id`, `hash` and
///   `expires_at` (all empty where there is no code), and [`Attempts`].
/// - For each send and each limit it counts for ([`Take`]), one: the take's subject, the time, the code's id, and until
///   when it counts.
///
/// A subject has a current name and, after a key rotation, former ones. They name the same thing. What is written is
/// written under the current name. Sends are counted under all names. A row found under a former name is first brought
/// under the current one, in the same transaction; where there are rows under several names, the one whose code expires
/// last stays, and the others go.
///
/// Every method is one atomic step: any number of processes may call any of them at once, may be killed at any instant,
/// and the outcome is as if the calls had been made one after the other. The time comes from the caller. A method that
/// fails has changed nothing, or everything it should have.
///
/// The names are unique across tenants by themselves. The tenant stands beside them so that a store can find all that
/// belongs to one, to lock or to delete it.
#[async_trait]
pub trait CodeStore: Send + Sync + 'static {
    /// Stores a code, provided that no limit fires.
    ///
    /// In one step: for each of `takes`, finds the oldest of the latest [`Limit::sends`] sends of its subject (the one
    /// at that place when they are sorted by time, the latest first; none where there are fewer). When
    /// [`Limited::longest`] of these fires, changes nothing and returns it. Otherwise counts one send for each take, at
    /// `now` and until [`Limit::counts_until`] of it, and puts the code in place of the subject's former one, with no
    /// attempts. Of calls at the same time, no more than a limit allows are stored.
    ///
    /// # Errors
    /// When the store fails.
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError>;

    /// Counts one attempt, whether or not there is a code, and returns the count with the code, if one is live:
    /// there, and `now` before `expires_at`.
    ///
    /// In one step: the subject's attempts become their [`Attempts::next`], with `expires_at` of its code, or
    /// [`Timestamp::default`] where there is none; where there is no row, one without a code is made. Of calls at the
    /// same time, no two return the same count.
    ///
    /// # Errors
    /// When the store fails.
    async fn attempt(
        &self,
        tenant: &str,
        subject: &Subject,
        now: Timestamp,
        window: Duration,
    ) -> Result<Attempted, StoreError>;

    /// Takes the code of this id away, and says whether it was there. Of calls at the same time, exactly one gets
    /// `true`. The subject's attempts stay as they are: what an observer is answered must not tell that a code was used.
    ///
    /// # Errors
    /// When the store fails.
    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError>;

    /// Takes a send back, in one step: the code, if it is still there, leaving the attempts as they are, and what its
    /// sends counted for. Where there is nothing to take back, nothing changes.
    ///
    /// # Errors
    /// When the store fails.
    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError>;

    /// Deletes up to `max` rows, of both kinds together, that nothing depends on any more, and says how many: those of
    /// which code and attempts have expired (`expires_at` and [`Attempts::until`] no later than `now`), and sends that
    /// no longer count (until no later than `now`).
    ///
    /// # Errors
    /// When the store fails.
    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError>;
}

#[async_trait]
impl<S: CodeStore + ?Sized> CodeStore for Arc<S> {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        (**self).issue(code).await
    }

    async fn attempt(
        &self,
        tenant: &str,
        subject: &Subject,
        now: Timestamp,
        window: Duration,
    ) -> Result<Attempted, StoreError> {
        (**self).attempt(tenant, subject, now, window).await
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        (**self).consume(tenant, subject, id).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        (**self).withdraw(withdrawal).await
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        (**self).prune(now, max).await
    }
}

/// A code to be stored.
#[derive(Debug, Clone)]
pub struct NewCode<'a> {
    /// The tenant it belongs to.
    pub tenant: &'a str,
    /// What it is for.
    pub subject: &'a Subject,
    /// The code itself, as it will be compared.
    pub code: &'a StoredCode,
    /// When it is issued.
    pub now: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// What this send counts for; at most one of each kind.
    pub takes: &'a [Take],
}

/// A send to be taken back.
#[derive(Debug, Clone)]
pub struct Withdrawal<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// What the code was for.
    pub subject: &'a Subject,
    /// The code's id, which its sends bear as well.
    pub id: CodeId,
    /// When it was issued and its sends were counted.
    pub issued_at: Timestamp,
    /// What the send counted for.
    pub takes: &'a [Take],
}

/// One send, counted for one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// Whose sends are counted.
    pub kind: LimitKind,
    /// By which name.
    pub subject: Subject,
    /// What is allowed.
    pub limit: Limit,
}

/// What became of a code that was to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Issuance {
    /// It is stored, and its send is counted.
    Stored,
    /// A limit fired, and nothing has changed.
    Limited(Limited),
}

/// A code as stored: enough to compare with, too little to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCode {
    /// Its id, which went into the hash.
    pub id: CodeId,
    /// The id of the key that the hash was made under: 1 to 64 bytes.
    pub key_id: String,
    /// The hash.
    pub hash: Digest,
}

/// An attempt that was counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempted {
    /// The attempts, this one included.
    pub attempts: Attempts,
    /// The code, if one is live.
    pub code: Option<StoredCode>,
}

/// What codes or sends are kept for: a hash, so that nobody is named, and its former names from before key rotations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    names: Vec<Digest>,
}

impl Subject {
    /// Under its current name and its former ones.
    pub fn new(current: Digest, former: impl IntoIterator<Item = Digest>) -> Self {
        Self { names: std::iter::once(current).chain(former).collect() }
    }

    /// The name to write under.
    #[must_use]
    pub fn current(&self) -> &Digest {
        &self.names[0]
    }

    /// The names from before key rotations: mostly none.
    #[must_use]
    pub fn former(&self) -> &[Digest] {
        &self.names[1..]
    }

    /// All names, the current one first.
    #[must_use]
    pub fn names(&self) -> &[Digest] {
        &self.names
    }
}

/// Defines a value of so many bytes that a store keeps as it is.
macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $length]);

        impl $name {
            /// Of these bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl TryFrom<&[u8]> for $name {
            type Error = std::array::TryFromSliceError;

            /// Of bytes that were read back.
            fn try_from(bytes: &[u8]) -> Result<Self, Self::Error> {
                bytes.try_into().map(Self)
            }
        }

        /// Shows nothing of it.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(******)"))
            }
        }
    };
}

bytes!(
    /// A keyed hash: 32 bytes of HMAC-SHA256.
    Digest,
    32
);
bytes!(
    /// A code's id: 16 random bytes.
    CodeId,
    16
);

/// The store failed. Whether a change took place may be unknown: the connection may have been lost meanwhile.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(#[source] Box<dyn StdError + Send + Sync>);

impl StoreError {
    /// With its cause, which must not hold what is stored.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
