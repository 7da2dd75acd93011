//! A store that answers late, or not at all.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use connector_kit::async_trait;
use connector_registry::{
    Change, Changed, Committed, ConnectorStore, Edit, HistoryEntry, MemoryStore, Record, SealedConfig, Status,
    StoreError, TenantSettings, TenantState, Uuid,
};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::Gate;

/// A store that can be made to wait after it has done its work, and to lose its answer.
#[derive(Clone, Default)]
pub struct Stubborn {
    pub inner: Arc<MemoryStore>,
    /// By label of the configuration: a gate to wait at once it is stored.
    pub after_change: Arc<Mutex<HashMap<String, Gate>>>,
    pub after_read: Arc<Mutex<Option<Gate>>>,
    pub loses_answers: Arc<AtomicBool>,
    /// Whether reads fail, having waited.
    pub unreachable: Arc<AtomicBool>,
    /// Where news is told, if not by the store inside.
    pub news: Option<broadcast::Sender<Changed>>,
    /// A tenant that cannot be read.
    pub unreadable: Arc<Mutex<Option<String>>>,
    pub reads: Arc<AtomicU64>,
}

impl Stubborn {
    pub fn hold_change_to(&self, label: &str) -> Gate {
        let gate = Gate::new();
        self.after_change.lock().unwrap().insert(label.to_owned(), gate.clone());
        gate
    }

    async fn answer<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if self.loses_answers.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("connection reset".into()));
        }
        answer
    }
}

#[async_trait]
impl ConnectorStore for Stubborn {
    async fn tenant(&self, tenant: &str) -> Result<Option<TenantState>, StoreError> {
        self.reads.fetch_add(1, Ordering::AcqRel);
        if self.unreadable.lock().unwrap().as_deref() == Some(tenant) {
            return Err(StoreError::Unusable("sealed under another key".into()));
        }
        let state = self.inner.tenant(tenant).await;
        let gate = self.after_read.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        if self.unreachable.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("connection refused".into()));
        }
        state
    }

    async fn settings(&self, tenant: &str) -> Result<Option<TenantSettings>, StoreError> {
        self.inner.settings(tenant).await
    }

    async fn status(&self, tenant: &str) -> Result<Option<Status>, StoreError> {
        self.inner.status(tenant).await
    }

    async fn configuration(&self, tenant: &str, id: Uuid) -> Result<Option<Record>, StoreError> {
        self.inner.configuration(tenant, id).await
    }

    async fn commit(&self, tenant: &str, change: Change) -> Result<Committed, StoreError> {
        let label = change.edits.iter().find_map(|edit| match edit {
            Edit::Save(draft) => Some(draft.config["label"].as_str().unwrap().to_owned()),
            _ => None,
        });
        let mut committed = self.inner.commit(tenant, change).await;
        if self.unreadable.lock().unwrap().as_deref() == Some(tenant)
            && let Ok(Committed { state, .. }) = &mut committed
        {
            *state = None;
        }
        let gate = label.and_then(|label| self.after_change.lock().unwrap().remove(&label));
        if let Some(gate) = gate {
            gate.pass().await;
        }
        self.answer(committed).await
    }

    async fn history(&self, tenant: &str, before: Option<u64>, limit: u32) -> Result<Vec<HistoryEntry>, StoreError> {
        self.inner.history(tenant, before, limit).await
    }

    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>, StoreError> {
        ConnectorStore::tenants(&*self.inner, after, limit).await
    }

    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        self.inner.revisions(tenants).await
    }

    fn changes(&self) -> broadcast::Receiver<Changed> {
        self.news.as_ref().map_or_else(|| self.inner.changes(), broadcast::Sender::subscribe)
    }

    async fn seal(&self, tenant: &str, id: Uuid, connector: &str, config: &Value) -> Result<SealedConfig, StoreError> {
        self.inner.seal(tenant, id, connector, config).await
    }

    fn unseal(&self, tenant: &str, id: Uuid, connector: &str, sealed: &SealedConfig) -> Result<Value, StoreError> {
        self.inner.unseal(tenant, id, connector, sealed)
    }
}
