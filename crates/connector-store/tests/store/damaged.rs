//! Files that are no database, or no whole one, or cannot be written: each its own message, and nothing is changed.

use std::{fs, path::Path};

use connector_registry::{Catalog, Committed, ConnectorStore, Edit, StoreError};
use connector_store::{OpenStoreError, Store};
use connector_testkit::LogCapture;

use crate::{
    children::{self, Given},
    key,
    places::{Place, assert_consistent, change, id, on_both, save},
    ring,
};

on_both!(a_change_takes_place_though_the_active_secret_cannot_be_opened);

async fn a_change_takes_place_though_the_active_secret_cannot_be_opened(place: &Place) {
    let store = place.open().await;
    store.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    for rubbish in [
        r#"UPDATE configurations SET secrets = '{"/authorization":"rubbish"}'"#,
        "UPDATE configurations SET secrets = 'rubbish'",
    ] {
        place.sql(rubbish).await.unwrap();
        let before = store.status("acme").await.unwrap().unwrap().revision;
        for (n, edit) in (1..).zip([Edit::FallbackLanguage(None), save(7), Edit::Remove(id(7))]) {
            let committed = store.commit("acme", change([edit])).await.unwrap();
            assert_eq!(committed, Committed { revision: before + n, state: None });
        }
        assert!(store.settings("acme").await.unwrap().is_some());
        let error = store.tenant("acme").await.unwrap_err();
        assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
        assert_eq!(store.history("acme", None, u32::MAX).await.unwrap().len() as u64, before + 3);
    }
    let repaired = store.commit("acme", change([save(2), Edit::Activate(id(2)), Edit::Remove(id(1))])).await.unwrap();
    assert_eq!(repaired.state, store.tenant("acme").await.unwrap());
    assert_consistent(&store, "acme").await;
}

/// A place with a closed database that has a few pages.
async fn filled() -> Place {
    let place = Place::sqlite().await;
    let store = place.open().await;
    for n in 1..=40 {
        store.commit("acme", change([save(n), Edit::Activate(id(n))])).await.unwrap();
    }
    store.close().await;
    place
}

/// The error that opening comes to, having made sure that it changes no file.
async fn refused(place: &Place) -> OpenStoreError {
    let listing = || -> Vec<_> {
        let mut files: Vec<_> = fs::read_dir(place.folder())
            .unwrap()
            .map(|file| file.unwrap().path())
            .filter(|file| file.is_file())
            .map(|file| (file.clone(), fs::read(file).unwrap()))
            .collect();
        files.sort();
        files
    };
    let before = listing();
    let error = place.try_open(place.keys.clone()).await.unwrap_err();
    let after = listing();
    let names =
        |files: &[(std::path::PathBuf, Vec<u8>)]| files.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert!(after == before, "{:?} {:?}", names(&after), names(&before));
    error
}

#[tokio::test]
async fn another_file() {
    let place = Place::sqlite().await;
    for content in ["a diary\n".repeat(100), "SQLite format 2".to_owned(), "S".repeat(99)] {
        fs::write(place.file(), &content).unwrap();
        let error = refused(&place).await;
        assert!(matches!(error, OpenStoreError::NotADatabase { .. }), "{error:?}");
        assert!(error.to_string().contains("store.db is no SQLite database"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_file() {
    let place = filled().await;
    let whole = fs::read(place.file()).unwrap();
    for length in [1, 50, 99, 100, 4_096, whole.len() / 2, whole.len() - 1] {
        fs::write(place.file(), &whole[..length]).unwrap();
        let error = refused(&place).await;
        assert!(matches!(error, OpenStoreError::Truncated { .. }), "{length}: {error:?}");
        assert!(error.to_string().contains("restore it from a copy"), "{error}");
    }
    fs::write(place.file(), &whole).unwrap();
    assert_consistent(&place.open().await, "acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_rubbish_in_it() {
    let place = filled().await;
    let mut bytes = fs::read(place.file()).unwrap();
    for byte in &mut bytes[4_096..] {
        *byte = 0x5a;
    }
    fs::write(place.file(), &bytes).unwrap();
    let error = refused(&place).await;
    assert!(matches!(&error, OpenStoreError::Store(StoreError::Unusable(_))), "{error:?}");
    assert!(error.to_string().contains("is damaged: restore it from a copy"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_what_a_killed_process_leaves() {
    let place = Place::sqlite().await;
    fs::write(place.file(), "").unwrap();
    place.open().await.commit("acme", change([save(1)])).await.unwrap();
}

#[tokio::test]
async fn a_folder_that_is_not_there_or_is_no_file() {
    let place = Place::sqlite().await;
    let keys = place.keys.clone();
    let missing = format!("{}/none/store.db", place.folder().display());
    let error = Store::open(&format!("sqlite:{missing}"), keys.clone(), Catalog::builtin()).await.unwrap_err();
    assert!(error.to_string().contains(&missing) && error.to_string().contains("folder"), "{error}");
    let error =
        Store::open(&format!("sqlite:{}", place.folder().display()), keys, Catalog::builtin()).await.unwrap_err();
    assert!(matches!(error, OpenStoreError::Store(StoreError::Unusable(_))), "{error:?}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written() {
    let key = key();
    let mut place = Place::sqlite().await;
    place.keys = ring(&key).await;
    let store = place.open().await;
    store.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    store.close().await;
    read_only(place.folder(), true);
    // Not even root may write to it then.
    let powerless =
        ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"];
    let given = Given { url: place.url.clone(), key, word: String::new() };
    let child = children::start(if is_root() { &powerless } else { &[] }, "damaged::child_that_cannot_write", given);
    let ended = child.wait_with_output().unwrap();
    read_only(place.folder(), false);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    assert_consistent(&place.open().await, "acme").await;
}

#[cfg(target_os = "linux")]
fn is_root() -> bool {
    use std::os::linux::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|process| process.st_uid() == 0)
}

#[cfg(target_os = "linux")]
fn read_only(folder: &Path, read_only: bool) {
    use std::os::unix::fs::PermissionsExt;
    for file in fs::read_dir(folder).unwrap() {
        let mode = if read_only { 0o400 } else { 0o600 };
        fs::set_permissions(file.unwrap().path(), PermissionsExt::from_mode(mode)).unwrap();
    }
    fs::set_permissions(folder, PermissionsExt::from_mode(if read_only { 0o500 } else { 0o700 })).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_file_that_cannot_be_written"]
async fn child_that_cannot_write() {
    let Some(Given { url, key, .. }) = children::given() else { return };
    let refused = match Store::open(&url, ring(&key).await, Catalog::builtin()).await {
        Ok(store) => store.commit("acme", change([save(2)])).await.unwrap_err(),
        Err(OpenStoreError::Store(error)) => error,
        Err(error) => panic!("{error:?}"),
    };
    assert!(matches!(refused, StoreError::Unusable(_)), "{refused:?}");
    assert!(refused.to_string().contains("write"), "{refused}");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk() {
    let place = Place::sqlite().await;
    let given = Given { url: String::new(), key: key(), word: place.folder().display().to_string() };
    // A disk of its own, seen by the child alone.
    let mount = r#"mount -t tmpfs -o size=600k none "$TEST_STORE_WORD" && exec "$0" "$@""#;
    let root = ["unshare", "--mount", "sh", "-c", mount];
    let user = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount];
    children::finish(children::start(if is_root() { &root } else { &user }, "damaged::child_on_a_small_disk", given));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by a_full_disk"]
async fn child_on_a_small_disk() {
    let Some(Given { key, word, .. }) = children::given() else { return };
    let (keys, url) = (ring(&key).await, format!("sqlite:{word}/store.db"));
    let store = Store::open(&url, keys.clone(), Catalog::builtin()).await.unwrap();
    let mut committed = 0;
    let refused = loop {
        let n = committed + 1;
        match store.commit("acme", change([save(n), Edit::Activate(id(n))])).await {
            Ok(_) => committed = n,
            Err(error) => break error,
        }
        assert!(n < 5_000);
    };
    assert!(committed > 0);
    assert!(matches!(refused, StoreError::Unusable(_)), "{refused:?}");
    assert!(refused.to_string().contains("is full: make room"), "{refused}");
    // It can still be read, and all that was acknowledged is there.
    let state = store.tenant("acme").await.unwrap().unwrap();
    assert_eq!((u128::from(state.revision), state.active.unwrap().saved.id), (committed, id(committed)));
    assert_consistent(&store, "acme").await;
    store.close().await;
    assert_consistent(&Store::open(&url, keys, Catalog::builtin()).await.unwrap(), "acme").await;
}

#[tokio::test]
async fn urls_that_name_no_store() {
    let logs = LogCapture::start();
    for (url, expected) in [
        ("mysql://root:hunter2@db/x", "begins with `mysql`"),
        ("store.db", "has no scheme"),
        ("", "has no scheme"),
        ("hunter2/hunter2:x", "begins with `something else`"),
        ("sqlite:", "names no file"),
        ("sqlite::memory:", "names no file"),
        ("postgres://ada:hunter2@127.0.0.1:99999/x", "cannot be read"),
        ("postgres://ada:hunter2@127.0.0.1/x?sslmode=hunter2", "cannot be read"),
        ("postgres://ada:hunter2@127.0.0.1/x?pasword=hunter2", "its parameter `pasword` is not known"),
        ("postgres://ada:hunter2@127.0.0.1:1/x", "cannot be reached"),
    ] {
        let error = Store::open(url, ring(&key()).await, Catalog::builtin()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{url}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
    assert!(!logs.text().contains("hunter2"));
}
