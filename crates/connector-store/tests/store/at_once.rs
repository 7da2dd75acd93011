//! Many changes of one tenant at once, by two processes: each whole, one after the other, and none lost.

use std::sync::Arc;

use connector_registry::{ConnectorStore, Edit, Expects, MemoryStore, StoreError};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::places::{Place, assert_consistent, change, id, on_both, save};

on_both!(each_is_whole, one_of_those_who_saw_the_same_wins, one_of_those_who_set_up_wins);

const TASKS: u128 = 8;
const ROUNDS: u128 = 12;

/// What the history's details say was done.
fn edits(details: &Value) -> Vec<Edit> {
    let number = |field: &str| details[field].as_u64().map(u128::from);
    let saved = number("save").map(save);
    let activated = number("activate").map(|n| Edit::Activate(id(n)));
    let removed = number("remove").map(|n| Edit::Remove(id(n)));
    [saved, activated, removed].into_iter().flatten().collect()
}

async fn each_is_whole(place: &Place) {
    let stores = [place.open().await, place.open().await];
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let store = stores[usize::from(task % 2 == 0)].clone();
        tasks.spawn(async move {
            let mut acknowledged = 0;
            for round in 0..ROUNDS {
                let n = task * 1_000 + round;
                // Every third round, what the task had before goes.
                let details = match round % 3 {
                    2 => json!({ "save": n, "activate": n, "remove": n - 1 }),
                    1 => json!({ "save": n }),
                    _ => json!({ "save": n, "activate": n }),
                };
                let mut change = change(edits(&details));
                change.entry.details = details;
                store.commit("acme", change).await.unwrap();
                acknowledged += 1;
            }
            acknowledged
        });
    }
    let acknowledged: u64 = tasks.join_all().await.into_iter().sum();

    // One after the other, in the order of the history, they come to the same.
    let model = MemoryStore::new();
    let mut history = stores[0].history("acme", None, u32::MAX).await.unwrap();
    assert_eq!(history.len() as u64, acknowledged);
    history.reverse();
    for entry in history {
        let mut change = change(edits(&entry.entry.details));
        change.entry = entry.entry;
        assert_eq!(model.commit("acme", change).await.unwrap().revision, entry.revision);
    }
    for store in &stores {
        assert_consistent(store, "acme").await;
        assert_eq!(store.tenant("acme").await.unwrap(), model.tenant("acme").await.unwrap());
        let kept = |status: connector_registry::Status| {
            let mut kept: Vec<_> = status.kept.into_iter().map(|saved| (saved.id, saved.revision)).collect();
            kept.sort();
            kept
        };
        let (stored, expected) = (store.status("acme").await.unwrap(), model.status("acme").await.unwrap());
        assert_eq!(stored.map(kept), expected.map(kept));
    }
}

async fn one_of_those_who_saw_the_same_wins(place: &Place) {
    let stores = [place.open().await, place.open().await].map(Arc::new);
    stores[0].commit("acme", change([])).await.unwrap();
    for revision in 1..=5 {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            let store = Arc::clone(&stores[usize::from(task % 2 == 0)]);
            tasks.spawn(async move {
                let n = u128::from(revision) * 100 + task;
                let mut change = change([save(n), Edit::Activate(id(n))]);
                change.expects = Expects::Revision(revision);
                match store.commit("acme", change).await {
                    Ok(state) => {
                        assert_eq!(state.revision, revision + 1);
                        1
                    }
                    Err(StoreError::Outdated { revision: by_now }) => {
                        assert_eq!(by_now, revision + 1);
                        0
                    }
                    Err(other) => panic!("{other:?}"),
                }
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 1);
    }
    assert_consistent(&*stores[0], "acme").await;
}

async fn one_of_those_who_set_up_wins(place: &Place) {
    let stores = [place.open().await, place.open().await].map(Arc::new);
    for round in 0..5 {
        let tenant = format!("tenant {round}");
        let mut tasks = JoinSet::new();
        for task in 1..=TASKS {
            let (store, tenant) = (Arc::clone(&stores[usize::from(task % 2 == 0)]), tenant.clone());
            tasks.spawn(async move {
                let mut change = change([save(task), Edit::Activate(id(task))]);
                change.expects = Expects::NoneActive;
                match store.commit(&tenant, change).await {
                    Ok(_) => 1,
                    Err(StoreError::AlreadyActive { .. }) => 0,
                    Err(other) => panic!("{other:?}"),
                }
            });
        }
        assert_eq!(tasks.join_all().await.into_iter().sum::<u32>(), 1);
        let status = stores[0].status(&tenant).await.unwrap().unwrap();
        assert_eq!((status.revision, status.kept), (1, vec![]));
    }
}
