//! What is in use is never older than what is stored, however slowly the store answers.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::SystemTime,
};

use connector_kit::async_trait;
use connector_registry::{
    ConnectorStore, Draft, Error, MemoryStore, Record, Removal, Snapshot, Status, StoreError, Uuid,
};

use crate::{Gate, TENANT, assert_agrees, labelled, message, registry_over, sent_by};

/// A store that can be made to wait after it has done its work, and to lose its answer.
#[derive(Clone, Default)]
struct Stubborn {
    inner: Arc<MemoryStore>,
    /// By label of the configuration: a gate to wait at once it is stored.
    after_change: Arc<Mutex<HashMap<String, Gate>>>,
    after_read: Arc<Mutex<Option<Gate>>>,
    loses_answers: Arc<AtomicBool>,
    reads: Arc<AtomicU64>,
}

impl Stubborn {
    fn hold_change_to(&self, label: &str) -> Gate {
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
    async fn active(&self, tenant: &str) -> Result<Snapshot, StoreError> {
        self.reads.fetch_add(1, Ordering::AcqRel);
        let snapshot = self.inner.active(tenant).await;
        let gate = self.after_read.lock().unwrap().take();
        if let Some(gate) = gate {
            gate.pass().await;
        }
        snapshot
    }

    async fn status(&self, tenant: &str) -> Result<Status, StoreError> {
        self.inner.status(tenant).await
    }

    async fn set_up(&self, tenant: &str, draft: Draft) -> Result<Record, StoreError> {
        self.inner.set_up(tenant, draft).await
    }

    async fn change(&self, tenant: &str, draft: Draft) -> Result<Record, StoreError> {
        let label = draft.config["label"].as_str().unwrap().to_owned();
        let record = self.inner.change(tenant, draft).await;
        let gate = self.after_change.lock().unwrap().remove(&label);
        if let Some(gate) = gate {
            gate.pass().await;
        }
        self.answer(record).await
    }

    async fn activate(&self, tenant: &str, id: Uuid, at: SystemTime) -> Result<Record, StoreError> {
        self.inner.activate(tenant, id, at).await
    }

    async fn remove(&self, tenant: &str, id: Option<Uuid>) -> Result<Removal, StoreError> {
        self.inner.remove(tenant, id).await
    }
}

#[tokio::test]
async fn a_slow_answer_of_the_store_never_brings_back_what_is_past() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let gate = store.hold_change_to("two");
    let slow = |label: &'static str| {
        let registry = registry.clone();
        tokio::spawn(async move { registry.change(TENANT, "labelled", labelled(label)).await })
    };

    // Stored before the next change, answered after it.
    let change = slow("two");
    gate.arrival().await;
    registry.change(TENANT, "labelled", labelled("three")).await.unwrap();
    gate.open.add_permits(1);
    change.await.unwrap().unwrap();
    assert_eq!(sent_by(&registry).await, "three");
    assert_agrees(&registry).await;

    // The same with a removal, which leaves nothing to compare with but its revision.
    let gate = store.hold_change_to("four");
    let change = slow("four");
    gate.arrival().await;
    registry.remove(TENANT, None).await.unwrap();
    gate.open.add_permits(1);
    change.await.unwrap().unwrap();
    assert!(matches!(registry.send(TENANT, &message()).await, Err(Error::NoActiveConnector { .. })));
}

#[tokio::test]
async fn a_change_is_seen_through_when_its_caller_goes_away() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let gate = store.hold_change_to("two");
    let caller = tokio::spawn({
        let registry = registry.clone();
        async move { registry.change(TENANT, "labelled", labelled("two")).await }
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
    registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    store.loses_answers.store(true, Ordering::Release);
    let lost = registry.change(TENANT, "labelled", labelled("two")).await.unwrap_err();
    assert!(matches!(&lost, Error::Store(cause) if cause.to_string() == "connection reset"), "{lost}");
    assert!(lost.to_string().contains("check the status"), "{lost}");
    assert_eq!(sent_by(&registry).await, "two");
    assert_agrees(&registry).await;
}

#[tokio::test]
async fn a_second_process_reads_the_store_once_and_catches_up_when_told() {
    let store = Stubborn::default();
    let (here, there) = (registry_over(store.clone()), registry_over(store.clone()));
    here.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    assert_eq!(sent_by(&there).await, "one");
    assert_eq!(sent_by(&there).await, "one");
    assert_eq!(sent_by(&here).await, "one");
    assert_eq!(store.reads.load(Ordering::Acquire), 1);

    here.change(TENANT, "labelled", labelled("two")).await.unwrap();
    let before = there.refresh(TENANT).await.unwrap().unwrap();
    assert_eq!(sent_by(&there).await, "two");
    // Nothing has changed since, so nothing is built anew.
    assert!(Arc::ptr_eq(&before, &there.refresh(TENANT).await.unwrap().unwrap()));
    here.remove(TENANT, None).await.unwrap();
    assert!(there.refresh(TENANT).await.unwrap().is_none());
    here.set_up(TENANT, "labelled", labelled("three")).await.unwrap();
    assert_eq!(sent_by(&there).await, "three");
}

#[tokio::test]
async fn a_first_send_that_reads_slowly_does_not_overwrite_a_change() {
    let store = Stubborn::default();
    registry_over(store.clone()).set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let registry = registry_over(store.clone());
    let gate = Gate::new();
    *store.after_read.lock().unwrap() = Some(gate.clone());
    let first = tokio::spawn({
        let registry = registry.clone();
        async move { sent_by(&registry).await }
    });
    gate.arrival().await;
    registry.change(TENANT, "labelled", labelled("two")).await.unwrap();
    gate.open.add_permits(1);
    assert_eq!(first.await.unwrap(), "two");
    assert_eq!(sent_by(&registry).await, "two");
    assert_agrees(&registry).await;
}
