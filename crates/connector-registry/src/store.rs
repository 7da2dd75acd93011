//! What a store of configurations must be able to do, and hold to.

use std::{error::Error as StdError, fmt, time::SystemTime};

use connector_kit::async_trait;
use serde_json::Value;
use uuid::Uuid;

/// Keeps the configurations of every tenant, at most one of them active.
///
/// Each mutation is one transaction, which itself checks that no second configuration becomes active: any number of
/// processes may call it at once, and may be killed at any instant, and there is the old one active or the new one.
/// A tenant needs no creation; one that nothing was ever stored for is empty, at revision 0.
///
/// Each tenant has a revision: it rises with every mutation that changes which configuration is active, and never
/// falls, not even when everything is removed. Caches rely on it to tell the newer of two states.
#[async_trait]
pub trait ConnectorStore: Send + Sync + 'static {
    /// The active configuration, and the tenant's revision, read together.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn active(&self, tenant: &str) -> Result<Snapshot, StoreError>;

    /// The active configuration and all that are kept, read together.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    async fn status(&self, tenant: &str) -> Result<Status, StoreError>;

    /// Stores `draft` and activates it, provided that none is active.
    ///
    /// # Errors
    /// [`StoreError::AlreadyActive`], [`StoreError::Unavailable`].
    async fn set_up(&self, tenant: &str, draft: Draft) -> Result<Record, StoreError>;

    /// Stores `draft` and activates it in place of the active one, which is kept.
    ///
    /// # Errors
    /// [`StoreError::NoneActive`], [`StoreError::Unavailable`].
    async fn change(&self, tenant: &str, draft: Draft) -> Result<Record, StoreError>;

    /// Activates a stored configuration at the time `at`; the one active before is kept. It is the same whether the
    /// configuration is active already: then nothing changes, so that doing it twice does no harm.
    ///
    /// # Errors
    /// [`StoreError::UnknownConfiguration`], [`StoreError::Unavailable`].
    async fn activate(&self, tenant: &str, id: Uuid, at: SystemTime) -> Result<Record, StoreError>;

    /// Deletes a configuration, secrets and all: the one with this `id`, or the active one.
    ///
    /// # Errors
    /// [`StoreError::UnknownConfiguration`], [`StoreError::NoneActive`], [`StoreError::Unavailable`].
    async fn remove(&self, tenant: &str, id: Option<Uuid>) -> Result<Removal, StoreError>;
}

/// A configuration to be stored.
#[derive(Clone, PartialEq)]
pub struct Draft {
    /// The id it will have.
    pub id: Uuid,
    /// The connector's id.
    pub connector: String,
    /// The connector's configuration, secrets included.
    pub config: Value,
    /// When it was handed in; also the time of its activation.
    pub saved_at: SystemTime,
}

/// A configuration as stored.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: Uuid,
    /// The connector's id.
    pub connector: String,
    /// The connector's configuration, secrets included.
    pub config: Value,
    /// When it was handed in.
    pub saved_at: SystemTime,
    /// When it was last activated.
    pub activated_at: SystemTime,
    /// The tenant's revision that its last activation made: the higher, the more recently it was active.
    pub revision: u64,
}

/// Shows everything but the configuration, which holds secrets.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft")
            .field("id", &self.id)
            .field("connector", &self.connector)
            .field("saved_at", &self.saved_at)
            .finish_non_exhaustive()
    }
}

/// Shows everything but the configuration, which holds secrets.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("id", &self.id)
            .field("connector", &self.connector)
            .field("saved_at", &self.saved_at)
            .field("activated_at", &self.activated_at)
            .field("revision", &self.revision)
            .finish_non_exhaustive()
    }
}

/// What is active, as of a revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// The tenant's revision.
    pub revision: u64,
    /// The active configuration.
    pub active: Option<Record>,
}

/// What is active and what is kept, as of a revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// The tenant's revision.
    pub revision: u64,
    /// The active configuration.
    pub active: Option<Record>,
    /// The others, the most recently active first.
    pub kept: Vec<Record>,
}

/// What a removal did.
#[derive(Debug, Clone, PartialEq)]
pub struct Removal {
    /// The configuration that is no more.
    pub removed: Record,
    /// Whether it was the active one, so that none is active now.
    pub was_active: bool,
    /// The tenant's revision after it.
    pub revision: u64,
}

/// Why a store did not do as it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A configuration is active already.
    #[error("the configuration {id} of `{connector}` is active already")]
    AlreadyActive {
        /// The active configuration.
        id: Uuid,
        /// Its connector's id.
        connector: String,
    },
    /// No configuration is active.
    #[error("no configuration is active")]
    NoneActive,
    /// There is no configuration of this id.
    #[error("there is no configuration {id}")]
    UnknownConfiguration {
        /// The id.
        id: Uuid,
    },
    /// The store itself failed. Whether a mutation took place may be unknown: the connection may have been lost while
    /// it was being committed.
    #[error("{0}")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
}
