//! The store: what is the same over both databases.

use std::{fmt, sync::Arc};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use connector_registry::{
    Catalog, Change, Changed, Committed, ConnectorStore, HistoryEntry, Record, SealedConfig, Status, StoreError,
    TenantSettings, TenantState, Uuid,
};
use serde_json::Value;
use tokio::sync::broadcast;
use verification_code::{
    Attempt, Attempted, CodeId, CodeStore, Issuance, NewCode, StoreError as CodeStoreError, Subject, Timestamp,
    Withdrawal,
};

use crate::{
    KeyId, KeyRing, OpenError, UnknownKey,
    change::SealedChange,
    database::Database,
    open_config,
    rows::{Outcome, RecordRow, Refusal, SavedRow, StateRow},
    seal_config,
};

/// How much news is kept for whoever is slow to take it.
pub(crate) const NEWS: usize = 1024;

/// How often a change is sealed again because the master key was changed meanwhile.
const TURNS: usize = 3;

/// Configurations and one-time codes in a database: SQLite or PostgreSQL, by its URL. Cheap to clone. Its background
/// task ends with the last clone.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) database: Box<dyn Database>,
    pub(crate) keys: KeyRing,
    /// What the database wants whatever is written to be sealed under.
    pub(crate) current: ArcSwap<KeyId>,
    pub(crate) catalog: Catalog,
    pub(crate) news: broadcast::Sender<Changed>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("keys", &self.inner.keys).finish_non_exhaustive()
    }
}

impl Store {
    /// Closes the connections, once what is under way on them has ended. Every clone is of no more use then. A store
    /// that is dropped closes them, too, but nobody knows when.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }
}

pub(crate) fn unusable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unusable(cause.into())
}

impl Inner {
    /// The configuration, its secrets sealed under `key`.
    fn seal(
        &self,
        key: KeyId,
        tenant: &str,
        id: Uuid,
        connector: &str,
        config: &Value,
    ) -> Result<SealedConfig, StoreError> {
        // Without its schema, nobody knows what is secret in it.
        let factory = self.catalog.get(connector).map_err(unusable)?;
        seal_config(&self.keys, key, factory, tenant, id, config).map_err(unusable)
    }

    /// The configuration as it was before it was sealed. Where it takes a key that is not at hand, the keys are asked
    /// for once more: it may be a new one.
    async fn open(&self, tenant: &str, id: Uuid, connector: &str, sealed: &SealedConfig) -> Result<Value, StoreError> {
        match open_config(&self.keys, tenant, id, connector, sealed) {
            Err(OpenError::UnknownKey { .. }) => {
                self.keys.reload().await.map_err(unusable)?;
                open_config(&self.keys, tenant, id, connector, sealed).map_err(unusable)
            }
            opened => opened.map_err(unusable),
        }
    }

    async fn record(&self, tenant: &str, row: RecordRow) -> Result<Record, StoreError> {
        let sealed = row.sealed()?;
        let saved = row.saved.read()?;
        let config = self.open(tenant, saved.id, &saved.connector, &sealed).await?;
        Ok(Record { saved, config })
    }

    async fn state(&self, tenant: &str, row: StateRow) -> Result<TenantState, StoreError> {
        let (revision, settings) = (row.revision, row.settings()?);
        let active = match row.active {
            Some(row) => Some(self.record(tenant, row).await?),
            None => None,
        };
        Ok(TenantState { revision, active, settings })
    }

    /// The key that the database wants things sealed under by now, which another process may have changed. A change finds
    /// that out by itself, and needs no question.
    pub(crate) async fn current_key(&self) -> Result<KeyId, StoreError> {
        let known = self.database.keys().await?;
        self.adopt(known.0.into_iter().next().map(|current| current.id)).await
    }

    /// Takes note of the key that the database wants things sealed under by now.
    async fn adopt(&self, id: Option<String>) -> Result<KeyId, StoreError> {
        let id = id.ok_or_else(|| unusable("the database names no current master key: restore it from a copy"))?;
        let id: KeyId = id.parse().map_err(unusable)?;
        if !self.keys.ids().contains(&id) {
            self.keys.reload().await.map_err(unusable)?;
        }
        // Not before it is at hand: whoever gives it later must not have to start this process anew.
        let at_hand = self.keys.ids();
        if !at_hand.contains(&id) {
            return Err(unusable(UnknownKey { id, at_hand }));
        }
        self.current.store(Arc::new(id));
        Ok(id)
    }
}

#[async_trait]
impl ConnectorStore for Store {
    async fn tenant(&self, tenant: &str) -> Result<Option<TenantState>, StoreError> {
        match self.inner.database.tenant(tenant).await? {
            Some(row) => self.inner.state(tenant, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn settings(&self, tenant: &str) -> Result<Option<TenantSettings>, StoreError> {
        self.inner.database.tenant(tenant).await?.map(|row| row.settings()).transpose()
    }

    async fn status(&self, tenant: &str) -> Result<Option<Status>, StoreError> {
        let Some(row) = self.inner.database.status(tenant).await? else { return Ok(None) };
        let active = row.active.map(SavedRow::read).transpose()?;
        let kept = row.kept.into_iter().map(SavedRow::read).collect::<Result<_, _>>()?;
        Ok(Some(Status { revision: row.revision, active, kept }))
    }

    async fn configuration(&self, tenant: &str, id: Uuid) -> Result<Option<Record>, StoreError> {
        match self.inner.database.configuration(tenant, &id.to_string()).await? {
            Some(row) => self.inner.record(tenant, row).await.map(Some),
            None => Ok(None),
        }
    }

    async fn commit(&self, tenant: &str, change: Change) -> Result<Committed, StoreError> {
        let mut turn = 0;
        loop {
            let key = **self.inner.current.load();
            let seal = |id, connector: &str, config: &Value| self.inner.seal(key, tenant, id, connector, config);
            let sealed = SealedChange::new(&change, &key.to_string(), seal)?;
            turn += 1;
            match self.inner.database.commit(tenant, &sealed).await? {
                Outcome::State(row) => {
                    // Nobody listening is no fault.
                    let _ = self.inner.news.send(Changed::Tenant(tenant.to_owned()));
                    let revision = row.revision;
                    return Ok(Committed { revision, state: self.inner.state(tenant, row).await.ok() });
                }
                Outcome::Refused(Refusal::OtherKey { current }) if turn < TURNS => {
                    self.inner.adopt(current).await?;
                }
                Outcome::Refused(refusal) => return Err(refusal.into_error()),
            }
        }
    }

    async fn history(&self, tenant: &str, before: Option<u64>, limit: u32) -> Result<Vec<HistoryEntry>, StoreError> {
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        let rows = self.inner.database.history(tenant, before, i64::from(limit)).await?;
        rows.into_iter().map(crate::rows::HistoryRow::read).collect()
    }

    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>, StoreError> {
        self.inner.database.tenants(after.unwrap_or_default(), i64::from(limit)).await
    }

    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        self.inner.database.revisions(tenants).await
    }

    fn changes(&self) -> broadcast::Receiver<Changed> {
        self.inner.news.subscribe()
    }

    async fn seal(&self, tenant: &str, id: Uuid, connector: &str, config: &Value) -> Result<SealedConfig, StoreError> {
        let key = self.inner.current_key().await?;
        self.inner.seal(key, tenant, id, connector, config)
    }

    fn unseal(&self, tenant: &str, id: Uuid, connector: &str, sealed: &SealedConfig) -> Result<Value, StoreError> {
        open_config(&self.inner.keys, tenant, id, connector, sealed).map_err(unusable)
    }
}

#[async_trait]
impl CodeStore for Store {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, CodeStoreError> {
        self.inner.database.issue(code).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, CodeStoreError> {
        self.inner.database.attempt(attempt).await
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, CodeStoreError> {
        self.inner.database.consume(tenant, subject, id).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), CodeStoreError> {
        self.inner.database.withdraw(withdrawal).await
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, CodeStoreError> {
        self.inner.database.prune(now, max).await
    }
}
