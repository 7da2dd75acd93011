//! What the store needs of a database. Both do the same; the rules that are no SQL are in one place, above this.

use async_trait::async_trait;
use connector_registry::StoreError;
use verification_code::CodeStore;

use crate::{
    OpenStoreError,
    change::SealedChange,
    rows::{HistoryRow, KeyRows, Outcome, RecordRow, Refusal, Resealed, SealedRow, StateRow, StatusRow},
};

#[async_trait]
pub(crate) trait Database: CodeStore {
    /// Brings the tables up to date. Processes that start at once take turns.
    async fn migrate(&self) -> Result<(), OpenStoreError>;

    async fn tenant(&self, tenant: &str) -> Result<Option<StateRow>, StoreError>;

    async fn status(&self, tenant: &str) -> Result<Option<StatusRow>, StoreError>;

    async fn configuration(&self, tenant: &str, id: &str) -> Result<Option<RecordRow>, StoreError>;

    /// Everything or nothing. What it refuses, it refuses before anything is changed.
    async fn commit(&self, tenant: &str, change: &SealedChange) -> Result<Outcome, StoreError>;

    /// The latest first.
    async fn history(&self, tenant: &str, before: i64, limit: i64) -> Result<Vec<HistoryRow>, StoreError>;

    /// In byte order.
    async fn tenants(&self, after: &str, limit: i64) -> Result<Vec<String>, StoreError>;

    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError>;

    /// The master keys, the current one first.
    async fn keys(&self) -> Result<KeyRows, StoreError>;

    /// Makes a master key known and current.
    ///
    /// Where `first` is set, it does so only if none is yet; a race for the first is won by one.
    async fn make_current(&self, id: &str, check_value: &str, first: bool) -> Result<(), StoreError>;

    /// How many configurations are sealed under this key.
    async fn sealed_under(&self, id: &str) -> Result<u64, StoreError>;

    /// Seals some of the configurations that are sealed under `from` again, under `to`, and says how many. It leaves
    /// out those that are being changed.
    async fn reseal_some(&self, from: &str, to: &str, reseal: &Reseal<'_>) -> Result<u64, StoreError>;

    /// Some of the configurations behind the one with this tenant and id, in the order of both.
    async fn sealed_after(&self, tenant: &str, id: &str) -> Result<Vec<SealedRow>, StoreError>;

    /// Stores what came of `row`, sealed again under the key `under`, unless the row has been written meanwhile. Says
    /// whether it did.
    async fn replace_sealed(&self, row: &SealedRow, sealed: &Resealed, under: &str) -> Result<bool, StoreError>;

    /// Forgets a key, unless it is the current one or something is sealed under it.
    async fn retire(&self, id: &str) -> Result<(), StoreError>;

    /// Ends the task and closes the connections, once what is under way on them has ended.
    async fn close(&self);
}

/// Gives a configuration sealed under another key, as it is stored.
pub(crate) type Reseal<'r> = dyn Fn(&SealedRow) -> Result<Resealed, StoreError> + Send + Sync + 'r;

/// How many configurations are sealed again in one transaction, or read at once.
pub(crate) const BATCH: i64 = 100;

/// Why a transaction did not take place.
pub(crate) enum Fault {
    /// The database did not do it.
    Database(sqlx::Error),
    /// What it holds cannot be used.
    Store(StoreError),
    /// It was refused.
    Refused(Refusal),
}

impl Fault {
    /// The error it comes to, where `store_error` says what those of the database mean.
    pub(crate) fn into_error(self, store_error: impl FnOnce(&sqlx::Error) -> StoreError) -> StoreError {
        match self {
            Self::Database(error) => store_error(&error),
            Self::Store(error) => error,
            Self::Refused(refusal) => refusal.into_error(),
        }
    }
}

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
