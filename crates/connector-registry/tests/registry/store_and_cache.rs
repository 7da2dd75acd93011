//! What is in use is never older than what is stored, however slowly the store answers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use connector_kit::async_trait;
use connector_registry::{
    Change, Changed, ConnectorStore, Edit, Error, HistoryEntry, MemoryStore, Record, SealedConfig, Status, StoreError,
    TenantState, Uuid,
};
use serde_json::Value;
use tokio::sync::broadcast;

use crate::{Gate, TENANT, assert_agrees, by, change, labelled, message, proposal, registry_over, sent_by, set_up};

/// A store that can be made to wait after it has done its work, and to lose its answer.
#[derive(Clone, Default)]
pub struct Stubborn {
    inner: Arc<MemoryStore>,
    /// By label of the configuration: a gate to wait at once it is stored.
    after_change: Arc<Mutex<HashMap<String, Gate>>>,
    pub after_read: Arc<Mutex<Option<Gate>>>,
    pub loses_answers: Arc<AtomicBool>,
    /// A tenant that cannot be read.
    unreadable: Arc<Mutex<Option<String>>>,
    reads: Arc<AtomicU64>,
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
        state
    }

    async fn status(&self, tenant: &str) -> Result<Option<Status>, StoreError> {
        self.inner.status(tenant).await
    }

    async fn configuration(&self, tenant: &str, id: Uuid) -> Result<Option<Record>, StoreError> {
        self.inner.configuration(tenant, id).await
    }

    async fn commit(&self, tenant: &str, change: Change) -> Result<TenantState, StoreError> {
        let label = change.edits.iter().find_map(|edit| match edit {
            Edit::Save(draft) => Some(draft.config["label"].as_str().unwrap().to_owned()),
            _ => None,
        });
        let state = self.inner.commit(tenant, change).await;
        let gate = label.and_then(|label| self.after_change.lock().unwrap().remove(&label));
        if let Some(gate) = gate {
            gate.pass().await;
        }
        self.answer(state).await
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
        self.inner.changes()
    }

    fn seal(&self, tenant: &str, id: Uuid, connector: &str, config: &Value) -> Result<SealedConfig, StoreError> {
        self.inner.seal(tenant, id, connector, config)
    }

    fn unseal(&self, tenant: &str, id: Uuid, sealed: &SealedConfig) -> Result<Value, StoreError> {
        self.inner.unseal(tenant, id, sealed)
    }
}

#[tokio::test]
async fn a_slow_answer_of_the_store_never_brings_back_what_is_past() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    set_up(&registry, labelled("one")).await;
    let gate = store.hold_change_to("two");
    let slow = |label: &'static str| {
        let registry = registry.clone();
        tokio::spawn(async move { registry.change(TENANT, proposal(labelled(label)), &by()).await })
    };

    // Stored before the next change, answered after it.
    let slow_change = slow("two");
    gate.arrival().await;
    change(&registry, labelled("three")).await;
    gate.open.add_permits(1);
    slow_change.await.unwrap().unwrap();
    assert_eq!(sent_by(&registry).await, "three");
    assert_agrees(&registry).await;

    // The same with a removal, which leaves nothing to compare with but its revision.
    let gate = store.hold_change_to("four");
    let slow_change = slow("four");
    gate.arrival().await;
    registry.remove(TENANT, None, false, &by()).await.unwrap();
    gate.open.add_permits(1);
    slow_change.await.unwrap().unwrap();
    assert!(matches!(registry.send(TENANT, &message()).await, Err(Error::NoActiveConnector { .. })));
}

#[tokio::test]
async fn a_change_is_seen_through_when_its_caller_goes_away() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    set_up(&registry, labelled("one")).await;
    let gate = store.hold_change_to("two");
    let caller = tokio::spawn({
        let registry = registry.clone();
        async move { registry.change(TENANT, proposal(labelled("two")), &by()).await }
    });
    gate.arrival().await;
    caller.abort();
    assert!(caller.await.unwrap_err().is_cancelled());
    assert_eq!(sent_by(&registry).await, "one");
    gate.open.add_permits(1);
    while sent_by(&registry).await != "two" {
        tokio::task::yield_now().await;
    }
    assert_agrees(&registry).await;
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_found_in_the_store() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    set_up(&registry, labelled("one")).await;
    store.loses_answers.store(true, Ordering::Release);
    let lost = registry.change(TENANT, proposal(labelled("two")), &by()).await.unwrap_err();
    assert!(matches!(&lost, Error::Store(cause) if cause.to_string() == "connection reset"), "{lost}");
    assert!(lost.to_string().contains("check the status"), "{lost}");
    assert_eq!(sent_by(&registry).await, "two");
    assert_agrees(&registry).await;
}

#[tokio::test]
async fn a_second_process_reads_the_store_once_and_catches_up_when_asked() {
    let store = Stubborn::default();
    let (here, there) = (registry_over(store.clone()), registry_over(store.clone()));
    set_up(&here, labelled("one")).await;
    assert_eq!(sent_by(&there).await, "one");
    assert_eq!(sent_by(&there).await, "one");
    assert_eq!(sent_by(&here).await, "one");
    assert_eq!(store.reads.load(Ordering::Acquire), 1);

    change(&here, labelled("two")).await;
    let before = there.refresh(TENANT).await.unwrap().unwrap();
    assert_eq!(sent_by(&there).await, "two");
    // Nothing has changed since, so nothing is built anew.
    assert!(Arc::ptr_eq(&before, &there.refresh(TENANT).await.unwrap().unwrap()));
    here.remove(TENANT, None, false, &by()).await.unwrap();
    assert!(there.refresh(TENANT).await.unwrap().is_none());
    set_up(&here, labelled("three")).await;
    assert_eq!(sent_by(&there).await, "three");
}

#[tokio::test]
async fn a_first_send_that_reads_slowly_does_not_overwrite_a_change() {
    let store = Stubborn::default();
    set_up(&registry_over(store.clone()), labelled("one")).await;
    let registry = registry_over(store.clone());
    let gate = Gate::new();
    *store.after_read.lock().unwrap() = Some(gate.clone());
    let first = tokio::spawn({
        let registry = registry.clone();
        async move { sent_by(&registry).await }
    });
    gate.arrival().await;
    change(&registry, labelled("two")).await;
    gate.open.add_permits(1);
    assert_eq!(first.await.unwrap(), "two");
    assert_eq!(sent_by(&registry).await, "two");
    assert_agrees(&registry).await;
}

#[tokio::test]
async fn a_follower_takes_over_what_another_process_does() {
    let store = Stubborn::default();
    let (here, there) = (registry_over(store.clone()), registry_over(store.clone()));
    set_up(&here, labelled("one")).await;
    let follower = there.follow();
    assert_eq!(sent_by(&there).await, "one");
    let old = Arc::downgrade(&there.active(TENANT).await.unwrap());

    change(&here, labelled("two")).await;
    eventually(async || sent_by(&there).await == "two").await;
    // Nobody sends through it any more, so it is no more.
    eventually(async || old.upgrade().is_none()).await;
    here.remove(TENANT, None, false, &by()).await.unwrap();
    eventually(async || there.send(TENANT, &message()).await.is_err()).await;

    drop(follower);
}

#[tokio::test]
async fn a_tenant_that_cannot_be_read_holds_up_no_other() {
    let store = Stubborn::default();
    let (here, there) = (registry_over(store.clone()), registry_over(store.clone()));
    set_up(&here, labelled("one")).await;
    here.set_up("broken", proposal(labelled("one")), &by()).await.unwrap();
    let _follower = there.follow();
    there.send("broken", &message()).await.unwrap();
    assert_eq!(sent_by(&there).await, "one");

    *store.unreadable.lock().unwrap() = Some("broken".to_owned());
    here.change("broken", proposal(labelled("two")), &by()).await.unwrap();
    change(&here, labelled("two")).await;
    eventually(async || sent_by(&there).await == "two").await;
    // Not through what is no longer active.
    assert!(matches!(there.send("broken", &message()).await, Err(Error::StoreUnusable(_))));
    *store.unreadable.lock().unwrap() = None;
    there.send("broken", &message()).await.unwrap();
}

#[tokio::test]
async fn a_cache_that_is_too_small_for_all_tenants_still_sends_for_each() {
    let store = Arc::new(MemoryStore::new());
    let registry = crate::registry_caching(Stubborn { inner: store, ..Stubborn::default() }, 10);
    for number in 0..100 {
        registry.set_up(&format!("tenant-{number}"), proposal(labelled(number)), &by()).await.unwrap();
    }
    for number in 0..100 {
        let receipt = registry.send(&format!("tenant-{number}"), &message()).await.unwrap();
        assert_eq!(receipt.message_id.unwrap(), number.to_string());
    }
    let mut used = Vec::new();
    for number in 0..100 {
        used.push(Arc::downgrade(&registry.active(&format!("tenant-{number}")).await.unwrap()));
    }
    let ready = used.iter().filter(|connector| connector.upgrade().is_some()).count();
    assert!(ready <= 10, "{ready} connectors are held for a cache of 10");
}

/// Waits for a condition, for as long as a person would.
async fn eventually(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), waiting).await.expect("it did not come about");
}
