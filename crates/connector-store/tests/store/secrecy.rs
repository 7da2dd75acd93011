//! Secrets are nowhere to be read: in no file, in no row.

use connector_registry::{ConnectorStore, Edit};

use crate::places::{Place, change, config, id, save};

/// What every secret of these tests has in it.
const SECRET: &str = "hidden-";

async fn fill(place: &Place) -> connector_store::Store {
    let store = place.open().await;
    for n in 1..=20 {
        store.commit("acme", change([save(n), Edit::Activate(id(n))])).await.unwrap();
    }
    store.commit("acme", change([Edit::Remove(id(20)), Edit::Remove(id(3))])).await.unwrap();
    assert!(config(1).to_string().contains(SECRET));
    assert!(
        !format!("{store:?} {place}", place = store.tenant("acme").await.unwrap().unwrap().revision).contains(SECRET)
    );
    store
}

#[tokio::test(flavor = "multi_thread")]
async fn no_file_of_sqlite_shows_one() {
    let place = Place::sqlite().await;
    let store = fill(&place).await;
    let mut scanned = 0;
    // With the write-ahead log, and without.
    for _ in 0..2 {
        for file in std::fs::read_dir(place.folder()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let shown = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
            assert!(!shown);
            scanned += usize::from(bytes.windows(17).any(|window| window == b"mail.example.com/"));
        }
        store.close().await;
    }
    assert!(scanned >= 2, "what is not secret can be found");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_of_postgresql_shows_one() {
    let place = Place::postgres().await;
    let _store = fill(&place).await;
    let server = place.server.as_ref().unwrap();
    let tables = server.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'email_connectors'");
    assert!(tables.lines().count() >= 8, "{tables}");
    let mut rows = String::new();
    for table in tables.lines() {
        rows.push_str(&server.sql(&format!("SELECT t::text FROM email_connectors.{table} t")));
    }
    assert!(rows.contains("mail.example.com"));
    assert!(!rows.contains(SECRET));
}
