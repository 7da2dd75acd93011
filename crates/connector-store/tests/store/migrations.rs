//! Tables are made and brought up to date once, however many begin at the same time; never by an older version.

use connector_registry::{Catalog, ConnectorStore, Edit, Secret};
use connector_store::{KeyRing, KeySource, OpenStoreError, Store};
use tokio::task::JoinSet;

use crate::{
    children::{self, Given},
    key,
    places::{Place, assert_consistent, change, id, on_both, save},
    ring,
};

on_both!(are_made_once_by_tasks, are_made_once_by_processes, of_a_newer_version_are_left_alone);

async fn are_made_once_by_tasks(place: &Place) {
    let mut tasks = JoinSet::new();
    for n in 1..=8 {
        let (url, keys) = (place.url.clone(), place.keys.clone());
        tasks.spawn(async move {
            let store = Store::open(&url, keys, Catalog::builtin()).await.unwrap();
            store.commit("acme", change([save(n), Edit::Activate(id(n))])).await.unwrap();
        });
    }
    tasks.join_all().await;
    let store = place.open().await;
    assert_eq!(store.status("acme").await.unwrap().unwrap().revision, 8);
    assert_consistent(&store, "acme").await;
}

async fn are_made_once_by_processes(place: &Place) {
    let key = key();
    let given = |word: &str| Given { url: place.url.clone(), key: key.clone(), word: word.to_owned() };
    let running = ["one", "two", "three", "four"].map(|word| children::start(&[], "migrations::child", given(word)));
    running.into_iter().for_each(children::finish);
    let store = place.try_open(ring(&key).await).await.unwrap();
    assert_eq!(store.tenants(None, 10).await.unwrap(), ["four", "one", "three", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by are_made_once_by_processes"]
async fn child() {
    let Some(Given { url, key, word }) = children::given() else { return };
    let keys = KeyRing::load(KeySource::Given(Secret::new(key))).await.unwrap();
    let store = Store::open(&url, keys, Catalog::builtin()).await.unwrap();
    store.commit(&word, change([save(1), Edit::Activate(id(1))])).await.unwrap();
    assert_consistent(&store, &word).await;
}

async fn of_a_newer_version_are_left_alone(place: &Place) {
    let store = place.open().await;
    store.commit("acme", change([save(1)])).await.unwrap();
    store.close().await;
    let newer = match &place.server {
        Some(_) => {
            "INSERT INTO migrations SELECT 4711, description, now(), success, checksum, 0 FROM migrations LIMIT 1"
        }
        None => {
            "INSERT INTO _sqlx_migrations SELECT 4711, description, 0, success, checksum, 0 FROM _sqlx_migrations LIMIT 1"
        }
    };
    place.sql(newer).await.unwrap();
    let before = place.server.is_none().then(|| std::fs::read(place.file()).unwrap());
    let refused = place.try_open(place.keys.clone()).await.unwrap_err();
    assert!(matches!(refused, OpenStoreError::NewerVersion { migration: 4711 }), "{refused:?}");
    assert_eq!(
        refused.to_string(),
        "the database was made by a newer version of email-connectors (migration 4711): use that version"
    );
    assert_eq!(before, place.server.is_none().then(|| std::fs::read(place.file()).unwrap()));
}
