//! What is in use is never older than what is stored, however slowly the store answers.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use connector_kit::{Context, Egress, SendPolicy};
use connector_registry::{Candidate, Changed, Error, MemoryStore, Registry};
use tokio::sync::broadcast;

use crate::{
    Gate, TENANT, assert_agrees, by, change, labelled, message, proposal, registry_over, sent_by, set_up,
    stubborn::Stubborn,
};

/// Waits for a condition, for as long as a person would.
async fn eventually(condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it did not come about");
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

/// A first send that has read what is stored and not yet learnt it, while another process changes it and the news of that
/// is heard.
async fn hears_of_a_change_while_it_reads(store: Stubborn, tell: impl Fn()) {
    let (here, there) = (registry_over(store.clone()), registry_over(store.clone()));
    for tenant in [TENANT, "marker"] {
        here.set_up(tenant, proposal(labelled("one")), &by()).await.unwrap();
    }
    let _follower = there.follow();
    there.send("marker", &message()).await.unwrap();

    let gate = Gate::new();
    *store.after_read.lock().unwrap() = Some(gate.clone());
    let first = tokio::spawn({
        let there = there.clone();
        async move { sent_by(&there).await }
    });
    gate.arrival().await;
    change(&here, labelled("two")).await;
    // Heard of after the other.
    here.change("marker", proposal(labelled("two")), &by()).await.unwrap();
    tell();
    let marked = async || there.send("marker", &message()).await.unwrap().message_id.unwrap() == "two";
    eventually(marked).await;
    gate.open.add_permits(1);
    assert_eq!(first.await.unwrap(), "two");
    assert_eq!(sent_by(&there).await, "two");
    assert_agrees(&there).await;
}

#[tokio::test]
async fn a_first_send_that_reads_slowly_does_not_miss_what_another_process_does() {
    hears_of_a_change_while_it_reads(Stubborn::default(), || {}).await;
    let news = broadcast::Sender::new(8);
    let store = Stubborn { news: Some(news.clone()), ..Stubborn::default() };
    hears_of_a_change_while_it_reads(store, || assert!(news.send(Changed::Any).is_ok())).await;
}

#[tokio::test]
async fn a_follower_takes_over_what_was_done_before_it_began() {
    let store = Stubborn::default();
    let (here, there) = (registry_over(store.clone()), registry_over(store.clone()));
    set_up(&here, labelled("one")).await;
    assert_eq!(sent_by(&there).await, "one");
    change(&here, labelled("two")).await;
    assert_eq!(sent_by(&there).await, "one");
    let _follower = there.follow();
    eventually(async || sent_by(&there).await == "two").await;
}

#[tokio::test]
async fn sends_that_wait_for_a_read_share_what_comes_of_it_even_a_failure() {
    const SENDS: usize = 50;
    let store = Stubborn::default();
    set_up(&registry_over(store.clone()), labelled("one")).await;
    let registry = registry_over(store.clone());
    let gate = Gate::new();
    *store.after_read.lock().unwrap() = Some(gate.clone());
    store.unreachable.store(true, Ordering::Release);
    let sends: Vec<_> = (0..SENDS)
        .map(|_| {
            let registry = registry.clone();
            tokio::spawn(async move { registry.send(TENANT, &message()).await })
        })
        .collect();
    gate.arrival().await;
    // All of them have come by then: there is one thread, and each had its turn.
    for _ in 0..SENDS {
        tokio::task::yield_now().await;
    }
    gate.open.add_permits(1);
    for send in sends {
        let error = send.await.unwrap().unwrap_err();
        assert!(matches!(&error, Error::Store(cause) if cause.to_string() == "connection refused"), "{error}");
    }
    let reads = store.reads.load(Ordering::Acquire);
    assert!(reads <= 2, "{reads} reads");

    store.unreachable.store(false, Ordering::Release);
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn a_read_that_takes_long_holds_up_no_other_tenant_and_ends_with_the_deadline() {
    let store = Stubborn::default();
    let here = registry_over(store.clone());
    let others: Vec<String> = (0..200).map(|number| format!("tenant-{number}")).collect();
    for tenant in others.iter().map(String::as_str).chain([TENANT]) {
        here.set_up(tenant, proposal(labelled("one")), &by()).await.unwrap();
    }
    let policy = SendPolicy { max_time: Duration::from_millis(300), ..SendPolicy::default() };
    let catalog = here.catalog().clone();
    let registry = Registry::new(catalog, Context::new(Egress::default()).unwrap(), policy, store.clone());
    let gate = Gate::new();
    *store.after_read.lock().unwrap() = Some(gate.clone());
    let slow = tokio::spawn({
        let registry = registry.clone();
        async move { registry.send(TENANT, &message()).await }
    });
    gate.arrival().await;
    for tenant in &others {
        registry.send(tenant, &message()).await.unwrap();
    }
    // The gate stays shut.
    let late = slow.await.unwrap().unwrap_err();
    assert!(matches!(&late, Error::Store(_)) && late.to_string().contains("no answer within 0.3 s"), "{late}");
    assert_eq!(sent_by(&registry).await, "one");
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

#[tokio::test]
async fn a_change_that_took_place_is_no_error_though_what_is_active_cannot_be_read() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    let first = set_up(&registry, labelled("one")).await;
    assert_eq!(sent_by(&registry).await, "one");
    *store.unreadable.lock().unwrap() = Some(TENANT.to_owned());

    registry.set_fallback_language(TENANT, Some("de"), &by()).await.unwrap();
    assert_eq!(registry.settings(TENANT).await.unwrap().fallback_language.as_deref(), Some("de"));
    // Nothing goes through what may be active no longer.
    assert!(matches!(registry.send(TENANT, &message()).await, Err(Error::StoreUnusable(_))));
    let kept = registry.save(TENANT, proposal(labelled("kept")), &by()).await.unwrap().saved;
    assert_eq!(registry.configuration(TENANT, kept.id).await.unwrap().saved, kept);
    registry.test(TENANT, Candidate::Stored(kept.id), &message(), &by()).await.unwrap();
    registry.remove(TENANT, Some(kept.id), false, &by()).await.unwrap();

    // Any of these repairs it.
    let tested = proposal(labelled("two")).tested_with(message());
    let second = registry.change(TENANT, tested, &by()).await.unwrap().saved;
    assert_eq!(registry.configuration(TENANT, second.id).await.unwrap().saved, second);
    let back = registry.roll_back(TENANT, Some(first.id), &by()).await.unwrap();
    assert_eq!(registry.configuration(TENANT, first.id).await.unwrap().saved, back);
    assert!(registry.remove(TENANT, None, false, &by()).await.unwrap().was_active);

    *store.unreadable.lock().unwrap() = None;
    set_up(&registry, labelled("three")).await;
    assert_eq!(sent_by(&registry).await, "three");
}
