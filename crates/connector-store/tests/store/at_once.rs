//! Many changes of one tenant at once, by two processes: each whole, one after the other, and none lost.

use std::{sync::Arc, time::Duration};

use connector_registry::{Catalog, ConnectorStore, Edit, Expects, MemoryStore, StoreError};
use connector_store::Store;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    children::{self, Given},
    key,
    places::{PATIENCE, Place, assert_consistent, change, id, on_both, save},
    ring,
};

on_both!(
    processes_that_are_killed_leave_it_whole,
    each_is_whole,
    one_of_those_who_saw_the_same_wins,
    one_of_those_who_set_up_wins
);

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

/// How many processes, and how often each is killed.
const PROCESSES: usize = 2;
const KILLS: usize = 10;

/// At any instant: while it opens the store, or in the middle of a change.
async fn processes_that_are_killed_leave_it_whole(place: &Place) {
    let key = key();
    let keys = ring(&key).await;
    let mut store = place.try_open(keys.clone()).await.unwrap();
    let state = store.commit("acme", change([save(0), Edit::Activate(id(0))])).await.unwrap();
    let mut state = state.state.unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..KILLS {
        let running = std::array::from_fn::<_, PROCESSES, _>(|process| {
            let word = (round * PROCESSES + process + 1).to_string();
            children::start(&[], "at_once::child", Given { url: place.url.clone(), key: key.clone(), word })
        });
        if round % 2 == 0 {
            let changed = async {
                while store.tenant("acme").await.unwrap().unwrap().revision == state.revision {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(PATIENCE, changed).await.expect("a change by a child");
        }
        for mut child in running {
            tokio::time::sleep(Duration::from_millis(random.u64(0..30))).await;
            child.kill().unwrap();
            child.wait().unwrap();
        }
        store.close().await;
        place.alone().await;

        store = place.try_open(keys.clone()).await.unwrap();
        assert_consistent(&store, "acme").await;
        state = store.tenant("acme").await.unwrap().unwrap();
        // What is active is what the last change activated, as the history has it.
        let last = store.history("acme", None, 1).await.unwrap();
        let expected = last[0].entry.details["activate"].as_u64().unwrap_or_default();
        assert_eq!(state.active.as_ref().map(|active| active.saved.id), Some(id(u128::from(expected))));
    }
}

/// Changes it until it is killed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by processes_that_are_killed_leave_it_whole"]
async fn child() {
    let Some(Given { url, key, word }) = children::given() else { return };
    let store = Store::open(&url, ring(&key).await, Catalog::builtin()).await.unwrap();
    let first = word.parse::<u128>().unwrap() * 100_000;
    for n in first..first + 5_000 {
        let details = json!({ "save": n, "activate": n });
        let mut change = change(edits(&details));
        change.entry.details = details;
        store.commit("acme", change).await.unwrap();
    }
}
