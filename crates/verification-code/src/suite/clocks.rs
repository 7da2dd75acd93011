//! Clocks that were wrong for a moment, ahead and behind.

use std::time::Duration;

use super::{ADA, Ground, MILLISECOND, WRONG, issue, issue_code, limited, text, unlimited};
use crate::{CodeStore, Delivery, Limit, Settings, UsedUp, Verdict};

const MINUTE: Duration = Duration::from_secs(60);
const MONTH: Duration = Duration::from_secs(30 * 86_400);
/// Shorter than a window, a little longer, and far longer.
const JUMPS: [Duration; 4] = [Duration::from_secs(20), Duration::from_secs(61), Duration::from_secs(3_600), MONTH];

fn settings() -> Settings {
    Settings { attempts: 3, sends_per_recipient: Some(Limit { sends: 5, window_seconds: 60 }), ..unlimited() }
}

/// What was sent while the clock was ahead counts for one window from when it is first seen.
pub async fn ahead_locks_out_for_one_window<S: CodeStore>(ground: &Ground<S>) {
    for (number, jump) in JUMPS.into_iter().enumerate() {
        let codes = ground.service(settings());
        let recipient = format!("{number}@example.com");
        let scope = ground.scope(&recipient);
        ground.pass(jump);
        for _ in 0..5 {
            issue_code(&codes, &scope).await;
        }
        ground.go_back(jump);
        assert_eq!(limited(codes.issue(&scope, None, Delivery::Real).await).retry_after, MINUTE, "{jump:?}");
        ground.pass(MINUTE - MILLISECOND);
        assert_eq!(limited(codes.issue(&scope, None, Delivery::Real).await).retry_after, MILLISECOND, "{jump:?}");
        ground.pass(MILLISECOND);
        let issued = issue(&codes, &scope).await;
        assert_eq!(codes.verify(&scope, text(&issued)).await.unwrap(), Verdict::Right, "{jump:?}");
    }
}

/// A code of a clock ahead lives one lifetime from when it is first tried, and so do the attempts at it.
pub async fn ahead_lengthens_no_life<S: CodeStore>(ground: &Ground<S>) {
    for (number, jump) in JUMPS.into_iter().enumerate() {
        let codes = ground.service(settings());
        let recipient = format!("{number}@example.com");
        let scope = ground.scope(&recipient);
        ground.pass(jump);
        let issued = issue(&codes, &scope).await;
        assert_eq!(codes.verify(&scope, WRONG).await.unwrap(), Verdict::Wrong);
        ground.go_back(jump);
        assert_eq!(codes.verify(&scope, WRONG).await.unwrap(), Verdict::Wrong);
        ground.pass(MINUTE - MILLISECOND);
        assert_eq!(codes.verify(&scope, WRONG).await.unwrap(), Verdict::Wrong);
        let too_many = Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after: MILLISECOND };
        assert_eq!(codes.verify(&scope, text(&issued)).await.unwrap(), too_many, "{jump:?}");
        ground.pass(MILLISECOND);
        assert_eq!(codes.verify(&scope, text(&issued)).await.unwrap(), Verdict::Wrong, "{jump:?}");
    }
}

/// While the clock is behind, all that was counted counts; and afterwards, if it was far behind.
pub async fn behind_opens_nothing<S: CodeStore>(ground: &Ground<S>) {
    for (number, jump) in JUMPS.into_iter().enumerate() {
        let codes = ground.service(settings());
        let recipient = format!("{number}@example.com");
        let scope = ground.scope(&recipient);
        ground.pass(jump);
        for _ in 0..5 {
            issue_code(&codes, &scope).await;
        }
        for _ in 0..3 {
            assert_eq!(codes.verify(&scope, WRONG).await.unwrap(), Verdict::Wrong);
        }
        for _ in 0..2 {
            ground.go_back(jump);
            assert_eq!(limited(codes.issue(&scope, None, Delivery::Real).await).retry_after, MINUTE, "{jump:?}");
            let verdict = codes.verify(&scope, WRONG).await.unwrap();
            assert_eq!(
                verdict,
                Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after: MINUTE },
                "{jump:?}"
            );
            ground.pass(jump);
            let again = limited(codes.issue(&scope, None, Delivery::Real).await).retry_after;
            assert_eq!(again, if jump < MINUTE { MINUTE - jump } else { MINUTE }, "{jump:?}");
            let verdict = codes.verify(&scope, WRONG).await.unwrap();
            assert_eq!(verdict, Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after: again }, "{jump:?}");
        }
    }
}

/// Deleting what has expired, by a clock that is behind, takes nothing away that counts; by one that is right, what a
/// clock ahead has left goes after a day.
pub async fn pruned_by_a_wrong_clock<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(settings());
    let ada = ground.scope(ADA);
    for _ in 0..5 {
        issue_code(&codes, &ada).await;
    }
    ground.go_back(MONTH);
    while codes.prune().await.unwrap() > 0 {}
    ground.pass(MONTH);
    while codes.prune().await.unwrap() > 0 {}
    assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, MINUTE);
}
