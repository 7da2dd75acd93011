//! What has expired is deleted, and nothing else.
//!
//! Pruning knows no tenants. This takes place half a day before the other cases, when nothing of theirs has expired, and
//! nothing is so far in the future that it must come from a wrong clock.

use std::{sync::Arc, time::Duration};

use super::{ADA, BEN, Ground, HandClock, MILLISECOND, WRONG, issue_code, limited, unlimited};
use crate::{CodeStore, Delivery, Limit, Settings, Timestamp, UsedUp, Verdict};

const EARLY: Timestamp = Timestamp::from_millis(super::BEGINNING.millis() - 43_200_000);

/// Live codes, counted attempts and counted sends stay; of the rest, no more goes at a time than was asked for.
pub async fn only_what_has_expired<S: CodeStore>(ground: &Ground<S>) {
    let early = Ground {
        store: Arc::clone(&ground.store),
        tenant: ground.tenant.clone(),
        elsewhere: ground.elsewhere.clone(),
        clock: Arc::new(HandClock::new(EARLY)),
    };
    live_rows_stay(&early).await;
    deletes_in_bounds(&early).await;
}

async fn live_rows_stay<S: CodeStore>(ground: &Ground<S>) {
    let settings =
        Settings { attempts: 2, sends_per_recipient: Some(Limit { sends: 1, window_seconds: 120 }), ..unlimited() };
    let codes = ground.service(settings);
    let (ada, ben, nobody) = (ground.scope(ADA), ground.scope(BEN), ground.scope("nobody@example.com"));
    let live = issue_code(&codes, &ada).await;
    ground.pass(codes.settings().lifetime() - MILLISECOND);
    for _ in 0..2 {
        assert_eq!(codes.verify(&nobody, WRONG).await.unwrap(), Verdict::Wrong);
    }
    let _ = codes.prune().await.unwrap();
    assert_eq!(codes.verify(&ada, &live).await.unwrap(), Verdict::Right);

    ground.pass(codes.settings().lifetime() - MILLISECOND);
    issue_code(&codes, &ben).await;
    let _ = codes.prune().await.unwrap();
    let retry_after = MILLISECOND;
    assert_eq!(
        codes.verify(&nobody, WRONG).await.unwrap(),
        Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after }
    );
    assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, 2 * MILLISECOND);

    ground.pass(Duration::from_secs(600));
    while codes.prune().await.unwrap() > 0 {}
    issue_code(&codes, &ada).await;
    ground.pass(Duration::from_secs(600));
}

async fn deletes_in_bounds<S: CodeStore>(ground: &Ground<S>) {
    let settings = Settings { sends_per_recipient: Some(Limit { sends: 1, window_seconds: 60 }), ..unlimited() };
    let codes = ground.service(settings);
    for index in 0..20 {
        issue_code(&codes, &ground.scope(&format!("{index}@example.com"))).await;
    }
    let end = Timestamp::from(crate::Clock::now(&*ground.clock)).after(Duration::from_secs(60));
    let before = Timestamp::from_millis(end.millis() - 1);
    while ground.store.prune(before, 1_000).await.unwrap() > 0 {}
    // A code and a send for each of the twenty.
    let mut deleted = 0;
    loop {
        let some = ground.store.prune(end, 7).await.unwrap();
        assert!(some <= 7, "{some} at once");
        deleted += some;
        if some == 0 {
            break;
        }
    }
    assert!(deleted >= 40, "only {deleted}");
}
