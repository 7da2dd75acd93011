//! A new key: nothing that was stored under the former one is lost.

use std::time::Duration;

use super::{ADA, Ground, WRONG, issue, issue_code, key, limited, text, unlimited};
use crate::{CodeStore, Delivery, HashKeys, Limit, Settings, UsedUp, Verdict};

/// The second key, with the first one as a former one.
fn rotated() -> HashKeys {
    HashKeys::new(key("second")).with_former(key("first")).unwrap()
}

fn long() -> Settings {
    Settings { code_length: 12, attempts: 3, ..unlimited() }
}

/// A code that was under way when the key changed.
pub async fn former_key_still_verifies<S: CodeStore>(ground: &Ground<S>) {
    let ada = ground.scope(ADA);
    let code = issue_code(&ground.service(long()), &ada).await;
    let after = ground.service_with(rotated(), long());
    assert_eq!(after.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
    assert_eq!(after.verify(&ada, &code).await.unwrap(), Verdict::Right);
    assert_eq!(after.verify(&ada, &code).await.unwrap(), Verdict::Wrong);
}

/// Attempts from before still count, with a code and without.
pub async fn attempts_outlast_it<S: CodeStore>(ground: &Ground<S>) {
    let (before, after) = (ground.service(long()), ground.service_with(rotated(), long()));
    let (ada, nobody) = (ground.scope(ADA), ground.scope("nobody@example.com"));
    issue_code(&before, &ada).await;
    for scope in [&ada, &nobody] {
        assert_eq!(before.verify(scope, WRONG).await.unwrap(), Verdict::Wrong);
        assert_eq!(before.verify(scope, WRONG).await.unwrap(), Verdict::Wrong);
        assert_eq!(after.verify(scope, WRONG).await.unwrap(), Verdict::Wrong);
        let retry_after = after.settings().lifetime();
        assert_eq!(
            after.verify(scope, WRONG).await.unwrap(),
            Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after }
        );
    }
}

/// Sends from before still count, together with those since.
pub async fn limits_outlast_it<S: CodeStore>(ground: &Ground<S>) {
    let limit = Some(Limit { sends: 3, window_seconds: 10 });
    let settings = Settings { sends_per_recipient: limit, sends_per_tenant: limit, ..long() };
    let ada = ground.scope(ADA);
    let before = ground.service(settings.clone());
    issue_code(&before, &ada).await;
    ground.pass(Duration::from_secs(1));
    issue_code(&before, &ada).await;
    ground.pass(Duration::from_secs(1));
    let after = ground.service_with(rotated(), settings);
    issue_code(&after, &ada).await;
    ground.pass(Duration::from_secs(1));
    assert_eq!(limited(after.issue(&ada, None, Delivery::Real).await).retry_after, Duration::from_secs(7));
    ground.pass(Duration::from_secs(7));
    issue_code(&after, &ada).await;
    assert_eq!(limited(after.issue(&ada, None, Delivery::Real).await).retry_after, Duration::from_secs(1));
}

/// A code under the new key ends the one under the former.
pub async fn a_new_one_ends_the_old<S: CodeStore>(ground: &Ground<S>) {
    let (before, after) = (ground.service(long()), ground.service_with(rotated(), long()));
    let ada = ground.scope(ADA);
    let old = issue_code(&before, &ada).await;
    let new = issue_code(&after, &ada).await;
    assert_eq!(before.verify(&ada, &old).await.unwrap(), Verdict::Wrong);
    assert_eq!(after.verify(&ada, &old).await.unwrap(), Verdict::Wrong);
    assert_eq!(after.verify(&ada, &new).await.unwrap(), Verdict::Right);
}

/// While processes change over one by one, each knows both keys: whichever issued, the other verifies.
pub async fn either_way_round<S: CodeStore>(ground: &Ground<S>) {
    let ahead = HashKeys::new(key("first")).with_former(key("second")).unwrap();
    let (one, other) = (ground.service_with(ahead, long()), ground.service_with(rotated(), long()));
    let ada = ground.scope(ADA);
    for (issuing, verifying) in [(&one, &other), (&other, &one)] {
        let code = issue_code(issuing, &ada).await;
        assert_eq!(verifying.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
        assert_eq!(issuing.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
        assert_eq!(verifying.verify(&ada, &code).await.unwrap(), Verdict::Right);
        let too_many = Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after: one.settings().lifetime() };
        assert_eq!(issuing.verify(&ada, &code).await.unwrap(), too_many);
    }
}

/// A process that knows only the former key has issued meanwhile: the later code is the one a person has in hand.
pub async fn the_later_code_stays<S: CodeStore>(ground: &Ground<S>) {
    let (behind, after) = (ground.service(long()), ground.service_with(rotated(), long()));
    let ada = ground.scope(ADA);
    let earlier = issue_code(&after, &ada).await;
    ground.pass(Duration::from_secs(1));
    let later = issue_code(&behind, &ada).await;
    assert_eq!(after.verify(&ada, &earlier).await.unwrap(), Verdict::Wrong);
    assert_eq!(after.verify(&ada, &later).await.unwrap(), Verdict::Right);
    // Where only attempts are under the new key, the code under the former is found all the same.
    let code = issue_code(&behind, &ada).await;
    assert_eq!(after.verify(&ada, &code).await.unwrap(), Verdict::Right);
}

/// Without the former key, what was stored under it is not found: wrong, as if there were nothing.
pub async fn a_forgotten_key_is_wrong<S: CodeStore>(ground: &Ground<S>) {
    let ada = ground.scope(ADA);
    let code = issue_code(&ground.service(long()), &ada).await;
    let after = ground.service_with(HashKeys::new(key("second")), long());
    assert_eq!(after.verify(&ada, &code).await.unwrap(), Verdict::Wrong);
    // Nor where the row is found, because the keys in use in between brought it under the new name.
    let between = ground.service_with(rotated(), long());
    let code = issue_code(&ground.service(long()), &ada).await;
    assert_eq!(between.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
    assert_eq!(after.verify(&ada, &code).await.unwrap(), Verdict::Wrong);
    assert_eq!(between.verify(&ada, &code).await.unwrap(), Verdict::Right);
}

/// A send from before is taken back by who issued it, even when its row was brought under the new key meanwhile.
pub async fn withdrawn_after_it<S: CodeStore>(ground: &Ground<S>) {
    let settings = Settings { sends_per_recipient: Some(Limit { sends: 1, window_seconds: 10 }), ..long() };
    let ahead = HashKeys::new(key("first")).with_former(key("second")).unwrap();
    let (one, other) = (ground.service_with(ahead, settings.clone()), ground.service_with(rotated(), settings));
    let ada = ground.scope(ADA);
    let issued = issue(&one, &ada).await;
    assert_eq!(other.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
    one.withdraw(&issued).await.unwrap();
    assert_eq!(other.verify(&ada, text(&issued)).await.unwrap(), Verdict::Wrong);
    issue_code(&other, &ada).await;
}
