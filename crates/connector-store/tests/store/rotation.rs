//! A new master key, while everything goes on.

use std::{collections::BTreeSet, sync::Arc};

use connector_registry::{ConnectorStore, Draft, Edit, StoreError};
use connector_store::{KeyRing, KeySource, OpenStoreError, Rotation, Store, key_ids, open_config};
use serde_json::{Value, json};
use verification_code::{Delivery, Scope, Settings, Verdict, VerificationCodes};

use crate::{
    key,
    places::{Place, assert_consistent, change, config, id, moment, on_both, save},
    ring,
};

on_both!(
    seals_everything_again,
    seals_what_an_earlier_version_stored_in_clear,
    is_taken_up_again,
    a_process_without_the_key_says_so,
    a_process_that_gets_the_new_key_late_goes_on_once_it_has_it,
    a_process_that_only_reads_seals_under_the_new_key,
);

/// More than are sealed again at once.
const CONFIGURATIONS: u128 = 230;

/// A ring from a file, so that it can learn of another key.
async fn ring_in(folder: &tempfile::TempDir, text: &str) -> KeyRing {
    let path = folder.path().join("keys");
    std::fs::write(&path, text).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    KeyRing::load(KeySource::File(path)).await.unwrap()
}

async fn open(place: &Place, keys: KeyRing) -> Store {
    place.try_open(keys).await.unwrap()
}

async fn fill(store: &Store) {
    for batch in (1..=CONFIGURATIONS).collect::<Vec<_>>().chunks(23) {
        let edits: Vec<Edit> = batch.iter().map(|n| save(*n)).chain([Edit::Activate(id(batch[0]))]).collect();
        store.commit("acme", change(edits)).await.unwrap();
    }
}

async fn seals_everything_again(place: &Place) {
    let folder = tempfile::TempDir::new().unwrap();
    let (old, new) = (key(), key());
    let busy = open(place, ring_in(&folder, &old).await).await;
    fill(&busy).await;

    let keys = ring_in(&folder, &format!("{new}\n{old}")).await;
    let store = open(place, keys.clone()).await;
    // What is written before the rotation is written so that those who do not know of it can read it.
    store.commit("umbrella", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    let sealed = store.seal("acme", id(1), "http-email", &config(1)).await.unwrap();
    assert_eq!(key_ids(&sealed), BTreeSet::from([ring(&old).await.current()]));

    let writer = tokio::spawn({
        let busy = busy.clone();
        async move {
            for n in 1_000..1_060 {
                busy.commit("busy", change([save(n), Edit::Activate(id(n))])).await.unwrap();
                assert_eq!(busy.tenant("busy").await.unwrap().unwrap().active.unwrap().config, config(n));
            }
        }
    });
    let mut told: Vec<Rotation> = Vec::new();
    let rotation = store.rotate_keys(|progress| told.push(progress)).await.unwrap();
    writer.await.unwrap();
    assert_eq!(rotation.key, keys.current());
    assert!(u128::from(rotation.done) > CONFIGURATIONS, "{rotation:?}");
    assert_eq!(rotation.done, rotation.total);
    assert!(told.len() > 2 && told.is_sorted_by_key(|progress| progress.done), "{told:?}");

    // The former key can go.
    let after = open(place, ring(&new).await).await;
    for store in [&after, &busy] {
        for tenant in ["acme", "umbrella", "busy"] {
            assert_consistent(store, tenant).await;
        }
    }
    let refused = place.try_open(ring(&old).await).await.unwrap_err();
    assert!(matches!(refused, OpenStoreError::MissingKeys { .. }), "{refused}");
    assert_eq!(after.rotate_keys(|_| {}).await.unwrap().total, 0);
}

/// Members that the connector does not know count as secrets since recently.
async fn seals_what_an_earlier_version_stored_in_clear(place: &Place) {
    let (old, new) = (key(), key());
    let store = open(place, ring(&old).await).await;
    let bare = json!({ "endpoint": "https://mail.example.com/send", "timeout": 1.5 });
    let without_secrets = |n| {
        Edit::Save(Draft { id: id(n), connector: "http-email".to_owned(), config: bare.clone(), saved_at: moment(1) })
    };
    // One with secrets and one without; one with none of either.
    let edits = [save(1), without_secrets(2), without_secrets(3), Edit::Activate(id(1))];
    store.commit("acme", change(edits)).await.unwrap();
    let mut untouched = bare.clone();
    untouched["timeout"] = json!(2);
    let edit = Edit::Save(Draft {
        id: id(4),
        connector: "http-email".to_owned(),
        config: untouched.clone(),
        saved_at: moment(1),
    });
    store.commit("acme", change([edit])).await.unwrap();
    let as_before = "UPDATE configurations
        SET config = replace(config, '\"timeout\":1.5', '\"timeout\":1.5,\"authorisation\":{\"key\":\"shown-4711\"}')";
    place.sql(as_before).await.unwrap();
    assert_eq!(place.configurations_with("shown-4711").await, 3);
    let with_unknown = |mut config: Value| {
        config["authorisation"] = json!({ "key": "shown-4711" });
        config
    };

    let rotated = open(place, ring(&format!("{new}\n{old}")).await).await;
    let mut told = Vec::new();
    let rotation = rotated.rotate_keys(|progress| told.push(progress)).await.unwrap();
    assert_eq!((rotation.done, rotation.total), (3, 3));
    assert!(told.is_sorted_by_key(|progress| progress.done), "{told:?}");
    assert_eq!(place.configurations_with("shown-4711").await, 0);

    let after = open(place, ring(&new).await).await;
    for (n, expected) in
        [(1, with_unknown(config(1))), (2, with_unknown(bare.clone())), (3, with_unknown(bare)), (4, untouched)]
    {
        assert_eq!(after.configuration("acme", id(n)).await.unwrap().unwrap().config, expected, "{n}");
    }
    assert_eq!(after.rotate_keys(|_| {}).await.unwrap().total, 0);
    // Even where the key stays the same.
    let as_before =
        "UPDATE configurations SET config = replace(config, '\"timeout\":2', '\"timeout\":2,\"x\":\"shown-4712\"')";
    place.sql(as_before).await.unwrap();
    assert_eq!(after.rotate_keys(|_| {}).await.unwrap().done, 1);
    assert_eq!(place.configurations_with("shown-4712").await, 0);
    assert_eq!(after.configuration("acme", id(4)).await.unwrap().unwrap().config["x"], "shown-4712");
}

async fn is_taken_up_again(place: &Place) {
    let folder = tempfile::TempDir::new().unwrap();
    let (old, new) = (key(), key());
    fill(&open(place, ring_in(&folder, &old).await).await).await;
    let store = open(place, ring_in(&folder, &format!("{new}\n{old}")).await).await;

    // Its process ends after the first batch.
    let begun = Arc::new(tokio::sync::Notify::new());
    let interrupted = tokio::spawn({
        let (store, begun) = (store.clone(), Arc::clone(&begun));
        async move {
            let told = |progress: Rotation| {
                if progress.done > 0 {
                    begun.notify_one();
                }
            };
            store.rotate_keys(told).await
        }
    });
    begun.notified().await;
    interrupted.abort();
    let _ = interrupted.await;
    assert_consistent(&store, "acme").await;

    let again = open(place, ring_in(&folder, &format!("{new},{old}")).await).await;
    again.rotate_keys(|_| {}).await.unwrap();
    assert_consistent(&open(place, ring(&new).await).await, "acme").await;
}

async fn a_process_without_the_key_says_so(place: &Place) {
    let (old, new) = (key(), key());
    let left_behind = open(place, ring(&old).await).await;
    left_behind.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    open(place, ring(&format!("{new}\n{old}")).await).await.rotate_keys(|_| {}).await.unwrap();

    let wanted = ring(&new).await.current().to_string();
    let before = left_behind.status("acme").await.unwrap();
    for error in [
        left_behind.tenant("acme").await.unwrap_err(),
        left_behind.configuration("acme", id(1)).await.unwrap_err(),
        left_behind.commit("acme", change([save(2)])).await.unwrap_err(),
        left_behind.commit("acme", change([save(2)])).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
        assert!(error.to_string().contains(&wanted), "{error}");
    }
    assert_eq!(left_behind.status("acme").await.unwrap(), before);
}

/// An export, and codes, are under the key that stays.
async fn a_process_that_gets_the_new_key_late_goes_on_once_it_has_it(place: &Place) {
    let folder = tempfile::TempDir::new().unwrap();
    let (old, new) = (key(), key());
    let service = open(place, ring_in(&folder, &old).await).await;
    service.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    open(place, ring(&format!("{new}\n{old}")).await).await.rotate_keys(|_| {}).await.unwrap();

    let sealed = async || service.seal("acme", id(1), "http-email", &config(1)).await;
    let committed = async |number| service.commit("acme", change([save(number)])).await;
    for error in [sealed().await.unwrap_err(), committed(2).await.unwrap_err()] {
        assert!(error.to_string().contains("is at hand, only"), "{error}");
    }
    ring_in(&folder, &format!("{new}\n{old}")).await;
    committed(3).await.unwrap();
    sealed().await.unwrap();
}

async fn a_process_that_only_reads_seals_under_the_new_key(place: &Place) {
    let folder = tempfile::TempDir::new().unwrap();
    let (old, new) = (key(), key());
    let reader = open(place, ring_in(&folder, &format!("{old}\n{new}")).await).await;
    reader.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    open(place, ring(&format!("{new}\n{old}")).await).await.rotate_keys(|_| {}).await.unwrap();

    let sealed = reader.seal("acme", id(1), "http-email", &config(1)).await.unwrap();
    let after = ring(&new).await;
    assert_eq!(open_config(&after, "acme", id(1), "http-email", &sealed).unwrap(), config(1));

    let codes = async |store: Store| {
        let keys = store.code_keys().await.unwrap();
        VerificationCodes::new(store, keys, Settings::default()).unwrap()
    };
    let scope = Scope { tenant: "acme", usage_type: "SignIn", recipient: "user@example.com" };
    let issued = codes(reader).await.issue(&scope, None, Delivery::Real).await.unwrap();
    let verdict = codes(open(place, after).await).await.verify(&scope, issued.code().unwrap().expose()).await.unwrap();
    assert_eq!(verdict, Verdict::Right);
}
