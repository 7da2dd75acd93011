//! One-time codes, by the suite that every store of them must pass.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::task::JoinSet;
use verification_code::{Delivery, Scope, Settings, Verdict, VerificationCodes, suite};

use crate::places::{PATIENCE, Place, on_both};

on_both!(passes_the_suite);

async fn passes_the_suite(place: &Place) {
    suite::run(&Arc::new(place.open().await), str::to_owned).await;
}

/// Other processes' changes are waited for, by all who stand in line.
#[tokio::test(flavor = "multi_thread")]
async fn a_lock_of_another_process_is_waited_for() {
    const SCOPE: Scope<'_> = Scope { tenant: "acme", usage_type: "SignIn", recipient: "ada@example.com" };
    let place = Place::sqlite().await;
    let store = place.open().await;
    let codes = VerificationCodes::new(store.clone(), store.code_keys().await.unwrap(), Settings::default()).unwrap();
    let codes = Arc::new(codes);
    let issued = codes.issue(&SCOPE, None, Delivery::Real).await.unwrap();
    let code = issued.code().unwrap().expose().to_owned();

    let mut other = SqliteConnection::connect(&place.url).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let mut waiting = JoinSet::new();
    for _ in 0..500 {
        let (codes, code) = (Arc::clone(&codes), code.clone());
        waiting.spawn(async move { codes.verify(&SCOPE, &code).await.unwrap() });
    }
    let early = tokio::time::timeout(Duration::from_millis(300), waiting.join_next()).await;
    assert!(early.is_err(), "the lock was not waited for");
    other.execute("COMMIT").await.unwrap();
    other.close().await.unwrap();
    let verdicts = tokio::time::timeout(PATIENCE * 6, waiting.join_all()).await.expect("their turns");
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Right).count(), 1);
    assert_eq!(verdicts.len(), 500);
}
