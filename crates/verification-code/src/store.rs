//! What a store of codes must be able to do, and hold to.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

#[cfg(doc)]
use crate::CodeRow;
use crate::{Limit, LimitKind, Limited, Timestamp};

/// Keeps codes, attempts, sends and guesses.
///
/// It keeps two kinds of rows:
///
/// - For each [`Subject`] that a code was issued for or that was tried, one [`CodeRow`].
/// - For each send and each guess, and each limit it counts for ([`Take`]), one in a log: the take's subject, the time, the
///   code's id, and until when it counts.
///
/// A subject has a current name and, after a key rotation, former ones. They name the same thing. What is written is
/// written under the current name. The log is read under all names. A [`CodeRow`] found under a former name is first
/// brought under the current one, in the same transaction; where there are rows under several names,
/// [`CodeRow::later`] says which one stays, and the others go.
///
/// Every method is one atomic step: any number of processes may call any of them at once, may be killed at any instant,
/// and the outcome is as if the calls had been made one after the other. The time comes from the caller. A method that
/// fails has changed nothing, or everything it should have.
///
/// The names are unique across tenants by themselves. The tenant stands beside them so that a store can find all that
/// belongs to one, to lock or to delete it.
///
/// # The log and the clock
/// A clock may have been wrong for a moment, ahead or behind. So before a take's log is read at `now`, its rows are
/// corrected, and stay so:
///
/// - A row from the future (its time after `now`) gets `now` as its time. The time that it had is kept as its *former
///   time*, unless it has one already.
/// - A row whose former time is no longer in the future, and is a window or more after its time, gets that one back.
/// - A row that has a former time and no longer counts is deleted.
///
/// The span from a row's time until when it counts stays what it was; it is the take's window. So a row that a clock ahead
/// has written counts for one window from when it is first seen, and one that was read by a clock far behind counts again
/// for a clock that is right. What a clock behind by less than a window has read counts shorter by as much.
///
/// The *oldest* of a take is the time of the oldest of the latest [`Limit::sends`] rows of its subject: the one at that
/// place when they are sorted by time, the latest first; none where there are fewer. In SQL it is found by
/// `ORDER BY sent_at DESC LIMIT 1 OFFSET :sends - 1`.
#[async_trait]
pub trait CodeStore: Send + Sync + 'static {
    /// Stores a code, provided that no limit fires.
    ///
    /// In one step: corrects the log and finds the oldest of each of `takes`. When [`Limited::longest`] of these fires,
    /// changes nothing else and returns it. Otherwise logs one row for each take, at `now` and until
    /// [`Limit::counts_until`] of it, and puts [`CodeRow::issued`] in place of the subject's former row. Of calls at the
    /// same time, no more than a limit allows are stored.
    ///
    /// # Errors
    /// When the store fails.
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError>;

    /// Counts one attempt, whether or not there is a code, and returns the code, if one is live; unless there were too many.
    ///
    /// In one step: takes the subject's row, or the default one, and has it [corrected](CodeRow::correct). If
    /// [`CodeRow::wait`] says so, the attempt is refused ([`UsedUp::Attempts`]). If [`CodeRow::is_guessed_at`], it is a guess: corrects the log
    /// of [`guess`](Attempt::guess), finds its oldest, refuses the attempt where [`Limit::wait`] says so ([`UsedUp::Guesses`]), and logs one row
    /// for it otherwise. An attempt that is not refused is [counted](CodeRow::count). What was corrected is stored even if
    /// the attempt is refused. Of calls at the same time, no more are counted than are allowed.
    ///
    /// # Errors
    /// When the store fails.
    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError>;

    /// Takes the code of this id away ([`CodeRow::end`]), and says whether it was there. Of calls at the same time,
    /// exactly one gets `true`. The rest of the row stays as it is: what an observer is answered must not tell that a code
    /// was used.
    ///
    /// # Errors
    /// When the store fails.
    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError>;

    /// Takes a send back, in one step: the code, as [`consume`](Self::consume) does, and the rows of this code's id in the
    /// log of each take. Where there is nothing to take back, nothing changes.
    ///
    /// # Errors
    /// When the store fails.
    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError>;

    /// Deletes up to `max` rows, of both kinds together, that nothing depends on any more, and says how many: those with
    /// [`CodeRow::is_over`], and those of the log that no longer count (until no later than `now`), nor would by their
    /// former time, if they got it back.
    ///
    /// Before that, rows that count for more than [`PRUNED_AFTER`] from `now` on are corrected, up to `max` of each kind: in
    /// the log as above, others by [`CodeRow::correct`]. Nothing can be set to take that long.
    ///
    /// # Errors
    /// When the store fails.
    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError>;
}

/// How long a row can count at most: a day.
pub const PRUNED_AFTER: Duration = Duration::from_secs(86_400);

#[async_trait]
impl<S: CodeStore + ?Sized> CodeStore for Arc<S> {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        (**self).issue(code).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        (**self).attempt(attempt).await
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
    /// The client that asked for it, where it is known.
    pub asked_from: Option<&'a Subject>,
    /// What this send counts for; at most one of each kind.
    pub takes: &'a [Take],
}

/// An attempt to be counted.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// What the code is for.
    pub subject: &'a Subject,
    /// When it is made.
    pub now: Timestamp,
    /// How long a code lives, and attempts count.
    pub lifetime: Duration,
    /// How many attempts a code allows.
    pub attempts: u32,
    /// The client that makes it, where it is known.
    pub from: Option<&'a Subject>,
    /// What it counts for as a guess.
    pub guess: &'a Take,
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

/// One send or guess, counted for one limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Take {
    /// What is counted.
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

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Attempted {
    /// It was counted.
    Counted {
        /// The code, if one is live.
        code: Option<StoredCode>,
    },
    /// There were too many.
    Refused {
        /// What was used up.
        used_up: UsedUp,
        /// How long to wait.
        retry_after: Duration,
    },
}

/// What was used up, so that an attempt was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsedUp {
    /// Attempts at this code: a new one brings new ones.
    Attempts,
    /// Guesses at the recipient's codes: a new code does not help.
    Guesses,
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
