//! The master keys that a store is opened with.

use connector_registry::{Catalog, ConnectorStore, Edit};
use connector_store::{OpenStoreError, Store};

use crate::{
    key,
    places::{Place, assert_consistent, change, id, on_both, save},
    ring,
};

on_both!(a_wrong_key_changes_nothing);

async fn a_wrong_key_changes_nothing(place: &Place) {
    place.open().await.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();

    let other = ring(&key()).await;
    let error = place.try_open(other.clone()).await.unwrap_err();
    assert!(matches!(error, OpenStoreError::MissingKeys { .. }), "{error:?}");
    for id in [place.keys.current(), other.current()] {
        assert!(error.to_string().contains(&id.to_string()), "{error}");
    }
    assert_consistent(&place.open().await, "acme").await;

    // One of the same name that opens nothing.
    place.sql("UPDATE sealing_keys SET check_value = 'x' || check_value").await.unwrap();
    let error = place.try_open(place.keys.clone()).await.unwrap_err();
    assert!(matches!(error, OpenStoreError::WrongKey { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_makes_its_own_and_misses_it() {
    let folder = tempfile::TempDir::new().unwrap();
    let (path, key_file) = (folder.path().join("store.db"), folder.path().join("store.db.key"));
    let open = || Store::open_default(&path, Catalog::builtin());
    // However many begin at once, one makes it.
    let (first, second, third) = tokio::join!(open(), open(), open());
    first.unwrap().commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    for store in [second.unwrap(), third.unwrap()] {
        assert_consistent(&store, "acme").await;
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&key_file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let key = std::fs::read(&key_file).unwrap();
    std::fs::remove_file(&key_file).unwrap();
    let error = open().await.unwrap_err();
    assert!(matches!(error, OpenStoreError::NoKeyFile { .. }), "{error:?}");
    assert!(error.to_string().contains("store.db.key") && !key_file.exists(), "{error}");
    std::fs::write(&key_file, key).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&key_file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_consistent(&open().await.unwrap(), "acme").await;
}
