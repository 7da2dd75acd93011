//! A store that lives as long as the process: for tests, for trying things out, and for hosts that set up at start.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fmt,
    ops::Bound,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use connector_kit::async_trait;
use serde_json::Value;
use tokio::sync::broadcast;
use uuid::Uuid;

use crate::{
    Change, Changed, Committed, ConnectorStore, Draft, Edit, Expects, HistoryEntry, LocalizedTemplate, Record, Saved,
    SealedConfig, Status, StoreError, TenantSettings, TenantState,
};

/// How much news is kept for whoever is slow to take it.
const NEWS: usize = 1024;

/// Keeps everything in memory.
pub struct MemoryStore {
    tenants: Mutex<BTreeMap<String, Tenant>>,
    news: broadcast::Sender<Changed>,
}

/// What one tenant has.
#[derive(Clone, Default)]
struct Tenant {
    revision: u64,
    active: Option<Uuid>,
    /// In the order they were saved in.
    records: Vec<Record>,
    settings: TenantSettings,
    history: Vec<HistoryEntry>,
}

impl Tenant {
    fn record(&mut self, id: Uuid) -> Result<&mut Record, StoreError> {
        let found = self.records.iter_mut().find(|record| record.saved.id == id);
        found.ok_or(StoreError::UnknownConfiguration { id })
    }

    fn active(&self) -> Option<&Record> {
        self.records.iter().find(|record| Some(record.saved.id) == self.active)
    }

    fn check(&self, expects: Expects) -> Result<(), StoreError> {
        match (expects, self.active()) {
            (Expects::Revision(expected), _) if expected != self.revision => {
                Err(StoreError::Outdated { revision: self.revision })
            }
            (Expects::NoneActive, Some(Record { saved, .. })) => {
                Err(StoreError::AlreadyActive { id: saved.id, connector: saved.connector.clone() })
            }
            (Expects::OneActive, None) => Err(StoreError::NoneActive),
            (Expects::Active(id), _) if self.active != Some(id) => {
                Err(StoreError::Outdated { revision: self.revision })
            }
            _ => Ok(()),
        }
    }

    fn edit(&mut self, edit: Edit, at: SystemTime) -> Result<(), StoreError> {
        match edit {
            Edit::Save(draft) => self.records.push(draft.into()),
            Edit::Activate(id) if self.active == Some(id) => {}
            Edit::Activate(id) => {
                let revision = self.revision;
                let saved = &mut self.record(id)?.saved;
                (saved.activated_at, saved.revision) = (Some(at), revision);
                self.active = Some(id);
            }
            Edit::Remove(id) => {
                self.record(id)?;
                self.records.retain(|record| record.saved.id != id);
                self.active.take_if(|active| *active == id);
            }
            Edit::Tested(id) => self.record(id)?.saved.tested_at = Some(at),
            Edit::SignIn(sign_in) => self.settings.sign_in = *sign_in,
            Edit::FallbackLanguage(language) => self.settings.fallback_language = language,
            Edit::PutTemplate(template) => {
                let templates = &mut self.settings.templates;
                match place(templates, &template.language, template.usage_type.as_str()) {
                    Ok(at) => templates[at] = template,
                    Err(at) => templates.insert(at, template),
                }
            }
            Edit::RemoveTemplate { language, usage_type } => {
                let templates = &mut self.settings.templates;
                match place(templates, &language, &usage_type) {
                    Ok(at) => drop(templates.remove(at)),
                    Err(_) => return Err(StoreError::UnknownTemplate { language, usage_type }),
                }
            }
        }
        Ok(())
    }

    fn state(&self) -> TenantState {
        TenantState { revision: self.revision, active: self.active().cloned(), settings: self.settings.clone() }
    }
}

/// Where the template for this language and usage type is among those of a tenant, which are in the order of both, or where
/// it belongs.
fn place(templates: &[LocalizedTemplate], language: &str, usage_type: &str) -> Result<usize, usize> {
    templates
        .binary_search_by(|known| (known.language.as_str(), known.usage_type.as_str()).cmp(&(language, usage_type)))
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn tenants(&self) -> MutexGuard<'_, BTreeMap<String, Tenant>> {
        // No mutation leaves a tenant half changed, so a panic elsewhere is no reason to fail here.
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { tenants: Mutex::default(), news: broadcast::Sender::new(NEWS) }
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("tenants", &self.tenants().len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl ConnectorStore for MemoryStore {
    async fn tenant(&self, tenant: &str) -> Result<Option<TenantState>, StoreError> {
        Ok(self.tenants().get(tenant).map(Tenant::state))
    }

    async fn settings(&self, tenant: &str) -> Result<Option<TenantSettings>, StoreError> {
        Ok(self.tenants().get(tenant).map(|tenant| tenant.settings.clone()))
    }

    async fn status(&self, tenant: &str) -> Result<Option<Status>, StoreError> {
        let tenants = self.tenants();
        let Some(tenant) = tenants.get(tenant) else { return Ok(None) };
        let kept = tenant.records.iter().rev().filter(|record| Some(record.saved.id) != tenant.active);
        let mut kept: Vec<Saved> = kept.map(|record| record.saved.clone()).collect();
        kept.sort_by_key(|saved| (Reverse(saved.revision), Reverse(saved.saved_at)));
        let active = tenant.active().map(|record| record.saved.clone());
        Ok(Some(Status { revision: tenant.revision, active, kept }))
    }

    async fn configuration(&self, tenant: &str, id: Uuid) -> Result<Option<Record>, StoreError> {
        let tenants = self.tenants();
        let records = tenants.get(tenant).map_or(&[][..], |tenant| &tenant.records);
        Ok(records.iter().find(|record| record.saved.id == id).cloned())
    }

    async fn commit(&self, name: &str, change: Change) -> Result<Committed, StoreError> {
        let Change { creates, expects, edits, entry, at } = change;
        let mut tenants = self.tenants();
        let mut tenant = match tenants.get(name) {
            Some(tenant) => tenant.clone(),
            None if creates => Tenant::default(),
            None => return Err(StoreError::UnknownTenant),
        };
        tenant.check(expects)?;
        tenant.revision += 1;
        for edit in edits {
            tenant.edit(edit, at)?;
        }
        tenant.history.push(HistoryEntry { revision: tenant.revision, at, entry });
        let state = tenant.state();
        tenants.insert(name.to_owned(), tenant);
        // Nobody listening is no fault.
        let _ = self.news.send(Changed::Tenant(name.to_owned()));
        Ok(Committed { revision: state.revision, state: Some(state) })
    }

    async fn history(&self, tenant: &str, before: Option<u64>, limit: u32) -> Result<Vec<HistoryEntry>, StoreError> {
        let tenants = self.tenants();
        let entries = tenants.get(tenant).map_or(&[][..], |tenant| &tenant.history).iter().rev();
        let entries = entries.filter(|entry| before.is_none_or(|before| entry.revision < before));
        Ok(entries.take(limit as usize).cloned().collect())
    }

    async fn tenants(&self, after: Option<&str>, limit: u32) -> Result<Vec<String>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let tenants = self.tenants();
        Ok(tenants
            .range::<str, _>((from, Bound::Unbounded))
            .map(|(name, _)| name.clone())
            .take(limit as usize)
            .collect())
    }

    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        let known = self.tenants();
        let revision = |name: &String| Some((name.clone(), known.get(name)?.revision));
        Ok(tenants.iter().filter_map(revision).collect())
    }

    fn changes(&self) -> broadcast::Receiver<Changed> {
        self.news.subscribe()
    }

    async fn seal(&self, _: &str, _: Uuid, _: &str, _: &Value) -> Result<SealedConfig, StoreError> {
        Err(no_key())
    }

    fn unseal(&self, _: &str, _: Uuid, _: &str, _: &SealedConfig) -> Result<Value, StoreError> {
        Err(no_key())
    }
}

fn no_key() -> StoreError {
    StoreError::Unusable("a store in memory has no key to seal secrets with".into())
}

impl From<Draft> for Record {
    /// The record of a draft that was never activated.
    fn from(draft: Draft) -> Self {
        let Draft { id, connector, config, saved_at } = draft;
        Self { saved: Saved { id, connector, saved_at, activated_at: None, tested_at: None, revision: 0 }, config }
    }
}
