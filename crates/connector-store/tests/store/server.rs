//! A PostgreSQL server that does not let the store do as it should: what it says comes to a message that helps.

use connector_registry::{ConnectorStore, Edit, StoreError};

use crate::places::{Place, assert_consistent, change, id, save};

#[tokio::test(flavor = "multi_thread")]
async fn its_refusals_change_nothing() {
    let place = Place::postgres().await;
    let store = place.open().await;
    store.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    let refused = async |sql, expected: &str| {
        place.sql(sql).await.unwrap();
        let error = store.commit("acme", change([save(2), Edit::Activate(id(2))])).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(store.status("acme").await.unwrap().unwrap().revision, 1);
        error
    };
    // As the server does when it has no room for more.
    let full = "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER full_disk BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION full_disk()";
    let error = refused(full, "is full: make room").await;
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    place.sql("DROP FUNCTION full_disk CASCADE").await.unwrap();

    let busy = "CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION USING ERRCODE = 'deadlock_detected'; END $$;
        CREATE TRIGGER busy BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION busy()";
    let error = refused(busy, "try again").await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    place.sql("DROP FUNCTION busy CASCADE").await.unwrap();
    assert_consistent(&store, "acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_only_reads() {
    let place = Place::postgres().await;
    place.sql("ALTER DATABASE postgres SET default_transaction_read_only = on").await.unwrap();
    let error = place.try_open(place.keys.clone()).await.unwrap_err();
    assert!(error.to_string().contains("only reads: give the URL of the primary server"), "{error}");

    let writable = "BEGIN READ WRITE; ALTER DATABASE postgres SET default_transaction_read_only = off; COMMIT";
    place.sql(writable).await.unwrap();
    let store = place.open().await;
    store.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();

    place.sql("ALTER DATABASE postgres SET default_transaction_read_only = on").await.unwrap();
    let reader = place.open().await;
    assert_consistent(&reader, "acme").await;
    let error = reader.commit("acme", change([save(2)])).await.unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(error.to_string().contains("only reads"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_without_the_database_or_the_right() {
    let mut place = Place::postgres().await;
    let server = place.server.as_ref().unwrap();
    server.sql("CREATE ROLE ada LOGIN");
    let url = place.url.clone();
    place.url = url.replace("postgres@", "ada@");
    let error = place.try_open(place.keys.clone()).await.unwrap_err();
    assert!(error.to_string().contains("grant it the schema email_connectors, or CREATE on the database"), "{error}");

    place.url = url.replace("/postgres?", "/nowhere?");
    let error = place.try_open(place.keys.clone()).await.unwrap_err();
    assert!(error.to_string().contains("no such database: create it first"), "{error}");

    // Who may use the tables need not be able to make them.
    place.url = url.clone();
    place.open().await.commit("acme", change([save(1), Edit::Activate(id(1))])).await.unwrap();
    let server = place.server.as_ref().unwrap();
    server.sql("GRANT USAGE ON SCHEMA email_connectors TO ada");
    server.sql("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA email_connectors TO ada");
    place.url = url.replace("postgres@", "ada@");
    let store = place.open().await;
    store.commit("acme", change([save(2), Edit::Activate(id(2))])).await.unwrap();
    assert_consistent(&store, "acme").await;
}
