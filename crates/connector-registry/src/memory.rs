//! A store that lives as long as the process: for tests, for trying things out, and for hosts that set up at start.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use connector_kit::async_trait;
use uuid::Uuid;

use crate::{ConnectorStore, Draft, Record, Removal, Snapshot, Status, StoreError};

/// Keeps configurations in memory.
#[derive(Default)]
pub struct MemoryStore {
    tenants: Mutex<HashMap<String, Tenant>>,
}

/// The configurations of one tenant.
#[derive(Default)]
struct Tenant {
    revision: u64,
    active: Option<Record>,
    kept: Vec<Record>,
}

impl Tenant {
    /// Makes `record` the active one and keeps the one that was.
    fn activate(&mut self, record: Record) -> Record {
        self.revision += 1;
        let record = Record { revision: self.revision, ..record };
        // Newest last: `status` turns it round.
        self.kept.extend(self.active.replace(record.clone()));
        record
    }

    fn take_kept(&mut self, id: Uuid) -> Result<Record, StoreError> {
        let index = self.kept.iter().position(|record| record.id == id);
        let index = index.ok_or(StoreError::UnknownConfiguration { id })?;
        Ok(self.kept.remove(index))
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<String, Tenant>> {
        // No mutation leaves a tenant half changed, so a panic elsewhere is no reason to fail here.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("tenants", &self.tenants().len()).finish()
    }
}

#[async_trait]
impl ConnectorStore for MemoryStore {
    async fn active(&self, tenant: &str) -> Result<Snapshot, StoreError> {
        let tenants = self.tenants();
        let snapshot = |tenant: &Tenant| Snapshot { revision: tenant.revision, active: tenant.active.clone() };
        Ok(tenants.get(tenant).map(snapshot).unwrap_or_default())
    }

    async fn status(&self, tenant: &str) -> Result<Status, StoreError> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(tenant) else { return Ok(Status::default()) };
        let kept = tenant.kept.iter().rev().cloned().collect();
        Ok(Status { revision: tenant.revision, active: tenant.active.clone(), kept })
    }

    async fn set_up(&self, tenant: &str, draft: Draft) -> Result<Record, StoreError> {
        let mut tenants = self.tenants();
        let tenant = tenants.entry(tenant.to_owned()).or_default();
        match &tenant.active {
            Some(Record { id, connector, .. }) => {
                Err(StoreError::AlreadyActive { id: *id, connector: connector.clone() })
            }
            None => Ok(tenant.activate(draft.into())),
        }
    }

    async fn change(&self, tenant: &str, draft: Draft) -> Result<Record, StoreError> {
        let mut tenants = self.tenants();
        let tenant = tenants.get_mut(tenant).filter(|tenant| tenant.active.is_some());
        Ok(tenant.ok_or(StoreError::NoneActive)?.activate(draft.into()))
    }

    async fn activate(&self, tenant: &str, id: Uuid, at: SystemTime) -> Result<Record, StoreError> {
        let mut tenants = self.tenants();
        let tenant = tenants.get_mut(tenant).ok_or(StoreError::UnknownConfiguration { id })?;
        if let Some(active) = tenant.active.as_ref().filter(|active| active.id == id) {
            return Ok(active.clone());
        }
        let record = tenant.take_kept(id)?;
        Ok(tenant.activate(Record { activated_at: at, ..record }))
    }

    async fn remove(&self, tenant: &str, id: Option<Uuid>) -> Result<Removal, StoreError> {
        let unknown = || id.map_or(StoreError::NoneActive, |id| StoreError::UnknownConfiguration { id });
        let mut tenants = self.tenants();
        let tenant = tenants.get_mut(tenant).ok_or_else(unknown)?;
        let of_active = |active: &mut Record| id.is_none_or(|id| id == active.id);
        if let Some(removed) = tenant.active.take_if(of_active) {
            tenant.revision += 1;
            return Ok(Removal { removed, was_active: true, revision: tenant.revision });
        }
        let removed = tenant.take_kept(id.ok_or_else(unknown)?)?;
        Ok(Removal { removed, was_active: false, revision: tenant.revision })
    }
}

impl From<Draft> for Record {
    /// The record of a draft that is activated as it is stored; the store gives it its revision.
    fn from(draft: Draft) -> Self {
        let Draft { id, connector, config, saved_at } = draft;
        Self { id, connector, config, saved_at, activated_at: saved_at, revision: 0 }
    }
}
