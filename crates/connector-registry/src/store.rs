//! What a store of configurations must be able to do, and hold to.

use std::{collections::BTreeMap, error::Error as StdError, fmt, time::SystemTime};

use connector_kit::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{Change, HistoryEntry, LocalizedTemplate, SignInSettings};

/// Keeps what tenants have set up: configurations, at most one of them active; what their sign-in relies on; their email
/// templates; and the history of it all.
///
/// A tenant comes into being with its first [`ConnectorStore::commit`]. It has a revision, which every commit raises by
/// exactly one and nothing ever lowers: caches rely on it to tell the newer of two states, and the history is complete
/// when it has an entry for every revision.
#[async_trait]
pub trait ConnectorStore: Send + Sync + 'static {
    /// What sending needs to know of a tenant, read together. None for a tenant that does not exist.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn tenant(&self, tenant: &str) -> Result<Option<TenantState>, StoreError>;

    /// What a tenant has besides its configurations. None for a tenant that does not exist. It can be read though the
    /// active configuration cannot.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn settings(&self, tenant: &str) -> Result<Option<TenantSettings>, StoreError>;

    /// Which configuration is active and which are kept, read together, without the configurations themselves.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn status(&self, tenant: &str) -> Result<Option<Status>, StoreError>;

    /// One configuration, active or kept.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn configuration(&self, tenant: &str, id: Uuid) -> Result<Option<Record>, StoreError>;

    /// Does all of `change` in one transaction, or nothing, and returns what the tenant is then. What took place is never
    /// an error, not even when what is active after it cannot be read: then somebody is about to repair it.
    ///
    /// The transaction itself checks what the change expects, and the database holds the rule that no second configuration
    /// is active: any number of processes may commit at once, and may be killed at any instant.
    ///
    /// # Errors
    /// [`StoreError::UnknownTenant`] when it does not exist and the change does not create it; what the expectation and
    /// the edits name; [`StoreError::Unavailable`], after which the change may have taken place all the same;
    /// [`StoreError::Unusable`].
    async fn commit(&self, tenant: &str, change: Change) -> Result<Committed, StoreError>;

    /// What was done, the latest first: at most `limit` entries of revisions below `before`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn history(&self, tenant: &str, before: Option<u64>, limit: u32) -> Result<Vec<HistoryEntry>, StoreError>;

    /// The names of tenants in byte order: at most `limit` of those after `after`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>, StoreError>;

    /// The revisions of these tenants; those that do not exist are left out.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`], [`StoreError::Unusable`].
    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError>;

    /// News of commits by any process, from now on and within a second. A receiver that lags has missed some.
    fn changes(&self) -> broadcast::Receiver<Changed>;

    /// The configuration with its secrets sealed as they are at rest, under the key that is current at this moment, for
    /// an export that only a store with the same key can read. `connector` is the id under which the catalog knows its
    /// schema.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Unusable`] where the store has no key.
    async fn seal(&self, tenant: &str, id: Uuid, connector: &str, config: &Value) -> Result<SealedConfig, StoreError>;

    /// The configuration that was sealed for this tenant under this id.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where it was sealed with another key, or for another tenant, id or connector, or where
    /// its secrets would go elsewhere than they did.
    fn unseal(&self, tenant: &str, id: Uuid, connector: &str, sealed: &SealedConfig) -> Result<Value, StoreError>;
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
    /// When it was handed in.
    pub saved_at: SystemTime,
}

/// A stored configuration, without its content.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    /// Its id.
    pub id: Uuid,
    /// The connector's id.
    pub connector: String,
    /// When it was handed in.
    pub saved_at: SystemTime,
    /// When it was last activated, if ever.
    pub activated_at: Option<SystemTime>,
    /// When a message last went through it in a test, if ever.
    pub tested_at: Option<SystemTime>,
    /// The tenant's revision that its last activation made, 0 if it never was: the higher, the more recently it was
    /// active.
    pub revision: u64,
}

/// A stored configuration.
#[derive(Clone, PartialEq)]
pub struct Record {
    /// What it is.
    pub saved: Saved,
    /// The connector's configuration, secrets included.
    pub config: Value,
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
        f.debug_struct("Record").field("saved", &self.saved).finish_non_exhaustive()
    }
}

/// What sending needs to know of a tenant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TenantState {
    /// The tenant's revision.
    pub revision: u64,
    /// The active configuration.
    pub active: Option<Record>,
    /// The rest.
    pub settings: TenantSettings,
}

/// What a tenant has besides its configurations.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TenantSettings {
    /// What sign-in relies on.
    pub sign_in: SignInSettings,
    /// The language of templates where there is none in the message's.
    pub fallback_language: Option<String>,
    /// The tenant's own templates, by language and usage type.
    pub templates: Vec<LocalizedTemplate>,
}

/// A change that took place.
#[derive(Debug, Clone, PartialEq)]
pub struct Committed {
    /// The tenant's revision that it made.
    pub revision: u64,
    /// What the tenant is then; none where the active configuration cannot be read. Reading the tenant says why.
    pub state: Option<TenantState>,
}

/// What is active and what is kept, as of a revision.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// The tenant's revision.
    pub revision: u64,
    /// The active configuration.
    pub active: Option<Saved>,
    /// The others: the most recently active first, then those that never were, the latest first.
    pub kept: Vec<Saved>,
}

/// A configuration whose secrets are sealed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedConfig {
    /// The configuration, `null` where a secret was.
    pub config: Value,
    /// Each secret, sealed, by its JSON pointer.
    pub secrets: BTreeMap<String, String>,
    /// JSON pointers to the fields that decide where the secrets are sent or how safely, where there are secrets. With
    /// another value in one of them, no secret can be opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<String>,
}

/// Shows which fields are sealed: what is not may be personal.
impl fmt::Debug for SealedConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedConfig").field("secrets", &self.secrets.keys()).finish_non_exhaustive()
    }
}

/// News of commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed {
    /// One to this tenant.
    Tenant(String),
    /// Some may have been missed: any tenant may have changed.
    Any,
}

/// Why a store did not do as it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no tenant of this name.
    #[error("there is no such tenant")]
    UnknownTenant,
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
    /// The tenant is no longer as the change was made for: at another revision, or with another active configuration.
    #[error("the tenant was changed meanwhile, and is at revision {revision} by now")]
    Outdated {
        /// The revision it is at.
        revision: u64,
    },
    /// There is no configuration of this id.
    #[error("there is no configuration {id}")]
    UnknownConfiguration {
        /// The id.
        id: Uuid,
    },
    /// There is no template for this language and usage type.
    #[error("there is no template for {usage_type} in `{language}`")]
    UnknownTemplate {
        /// The language tag.
        language: String,
        /// The usage type.
        usage_type: String,
    },
    /// The store cannot be reached, or is too busy: it may work later. Whether a commit took place may be unknown, as the
    /// connection may have been lost while it was under way.
    #[error("{0}")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// The store cannot do it until somebody mends what is wrong: a full disk, a database that is read-only, damaged or of a
    /// newer version, the wrong key. Nothing was changed.
    #[error("{0}")]
    Unusable(#[source] Box<dyn StdError + Send + Sync>),
}
