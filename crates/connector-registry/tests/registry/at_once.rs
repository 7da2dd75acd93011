//! Sends and changes at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use connector_registry::Error;
use serde_json::json;
use tokio::sync::Notify;

use crate::{TENANT, assert_agrees, by, change, gate, labelled, proposal, registry, sent_by, set_up};

/// Every send succeeds, and whatever starts after a change has returned goes through the new connector.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_no_send_fails_and_none_starts_on_an_old_connector() {
    const CHANGES: u64 = 200;
    const SENDS_BETWEEN: u64 = 40;
    let registry = registry();
    set_up(&registry, labelled(0)).await;
    let changed = Arc::new(AtomicU64::new(0));
    let sends = Arc::new(AtomicU64::new(0));
    let more_sent = Arc::new(Notify::new());
    let done = Arc::new(AtomicBool::new(false));

    let senders: Vec<_> = (0..32)
        .map(|_| {
            let (registry, changed, sends) = (registry.clone(), changed.clone(), sends.clone());
            let (done, more_sent) = (done.clone(), more_sent.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Acquire) {
                    let at_least = changed.load(Ordering::Acquire);
                    let by: u64 = sent_by(&registry).await.parse().unwrap();
                    assert!(by >= at_least, "sent by {by} after the change to {at_least} had returned");
                    sends.fetch_add(1, Ordering::AcqRel);
                    more_sent.notify_one();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();

    for number in 1..=CHANGES {
        change(&registry, labelled(number)).await;
        changed.store(number, Ordering::Release);
        let enough = sends.load(Ordering::Acquire) + SENDS_BETWEEN;
        while sends.load(Ordering::Acquire) < enough {
            more_sent.notified().await;
        }
    }
    done.store(true, Ordering::Release);
    for sender in senders {
        sender.await.unwrap();
    }
    assert!(sends.load(Ordering::Acquire) >= CHANGES * SENDS_BETWEEN);
    assert_eq!(registry.status(TENANT).await.unwrap().kept.len() as u64, CHANGES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_changes_leave_one_active_and_the_registry_agrees_with_the_store() {
    for _ in 0..20 {
        let registry = registry();
        let set_ups: Vec<_> = (0..8)
            .map(|number| {
                let registry = registry.clone();
                tokio::spawn(async move { registry.set_up(TENANT, proposal(labelled(number)), &by()).await })
            })
            .collect();
        let mut successes = 0;
        for set_up in set_ups {
            match set_up.await.unwrap() {
                Ok(_) => successes += 1,
                Err(refused) => assert!(matches!(refused, Error::AlreadyActive { .. }), "{refused}"),
            }
        }
        assert_eq!(successes, 1);

        let changes: Vec<_> = (0..32)
            .map(|number| {
                let registry = registry.clone();
                tokio::spawn(async move {
                    let record = change(&registry, labelled(number)).await;
                    if number % 4 == 0 {
                        registry.roll_back(TENANT, Some(record.id), &by()).await.unwrap();
                    }
                })
            })
            .collect();
        for change in changes {
            change.await.unwrap();
        }
        assert_agrees(&registry).await;
        let status = registry.status(TENANT).await.unwrap();
        assert_eq!(status.kept.len(), 32);
        let mut revisions: Vec<u64> = status.kept.iter().map(|record| record.revision).collect();
        assert!(revisions.is_sorted_by(|newer, older| newer > older));
        revisions.dedup();
        assert_eq!(revisions.len(), 32);
    }
}

#[tokio::test]
async fn a_send_in_flight_holds_up_no_change_and_ends_where_it_began() {
    let registry = registry();
    let gate = gate("in-flight");
    set_up(&registry, json!({ "label": "old", "gate": "in-flight" })).await;
    let slow = tokio::spawn({
        let registry = registry.clone();
        async move { sent_by(&registry).await }
    });
    gate.arrival().await;

    // The change returns, and others send, while the first send still waits.
    change(&registry, labelled("new")).await;
    assert_eq!(sent_by(&registry).await, "new");
    registry.remove(TENANT, None, false, &by()).await.unwrap();
    assert!(!slow.is_finished());
    gate.open.add_permits(1);
    assert_eq!(slow.await.unwrap(), "old");
}
