//! News of changes, by this process and by others.

use connector_registry::{Changed, ConnectorStore, StoreError};
use tokio::sync::broadcast::error::RecvError;

use crate::places::{PATIENCE, Place, assert_consistent, change, on_both, save, told_of};

on_both!(reaches_every_process, ends_with_the_store);

async fn reaches_every_process(place: &Place) {
    let (here, there) = (place.open().await, place.open().await);
    let (mut at_home, mut abroad) = (here.changes(), there.changes());
    for n in 1..=3 {
        let tenant = format!("tenant {n}");
        here.commit(&tenant, change([save(n)])).await.unwrap();
        // Of its own commits a process knows without asking.
        let told = std::iter::from_fn(|| at_home.try_recv().ok()).any(|news| news == Changed::Tenant(tenant.clone()));
        assert!(told);
        told_of(&mut abroad, &tenant).await;
    }
}

async fn ends_with_the_store(place: &Place) {
    let store = place.open().await;
    let mut news = store.changes();
    let clone = store.clone();
    drop(store);
    clone.commit("acme", change([])).await.unwrap();
    told_of(&mut news, "acme").await;
    drop(clone);
    let ended = async { while !matches!(news.recv().await, Err(RecvError::Closed)) {} };
    tokio::time::timeout(PATIENCE, ended).await.expect("the end of the news");
}

#[tokio::test(flavor = "multi_thread")]
async fn comes_again_after_a_restart_of_the_server() {
    let mut place = Place::postgres().await;
    let (here, there) = (place.open().await, place.open().await);
    let mut news = there.changes();
    here.commit("acme", change([save(1)])).await.unwrap();
    told_of(&mut news, "acme").await;

    let server = place.server.as_mut().unwrap();
    server.stop();
    for error in [here.commit("acme", change([save(2)])).await.unwrap_err(), here.tenant("acme").await.unwrap_err()] {
        assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains("try again"), "{error}");
    }
    server.resume();

    // Whatever was missed may have been anything.
    let told = async { while news.recv().await.unwrap() != Changed::Any {} };
    tokio::time::timeout(PATIENCE, told).await.expect("news of the restart");
    let mut tries = 0;
    while let Err(error) = here.commit("umbrella", change([save(2)])).await {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        tries += 1;
        assert!(tries <= 20, "{error}");
    }
    told_of(&mut news, "umbrella").await;
    assert_consistent(&there, "acme").await;
}
