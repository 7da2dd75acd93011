//! Any number of calls at the same time: none of them gets more than there is.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use tokio::task::JoinSet;

use super::{ADA, BEN, Ground, WRONG, issue, issue_code, text, unlimited};
use crate::{
    Attempt, Attempted, CodeStore, Delivery, Error, HashKeys, Limit, LimitKind, Scope, Settings, Take, UsedUp, Verdict,
    VerificationCodes,
};

/// Verifies so many times at once, each with what `typed` says.
async fn verdicts<S: CodeStore>(
    ground: &Ground<S>,
    codes: &Arc<VerificationCodes<Arc<S>>>,
    recipient: &'static str,
    times: usize,
    typed: impl Fn(usize) -> String,
) -> Vec<Verdict> {
    let mut calls = JoinSet::new();
    for index in 0..times {
        let (codes, tenant, typed) = (Arc::clone(codes), ground.tenant.clone(), typed(index));
        calls.spawn(async move {
            let scope = Scope { tenant: &tenant, usage_type: super::USAGE, recipient };
            codes.verify(&scope, &typed).await.unwrap()
        });
    }
    calls.join_all().await
}

fn count(verdicts: &[Verdict], of: Verdict) -> usize {
    verdicts.iter().filter(|verdict| **verdict == of).count()
}

/// Ten thousand people type the right code: one of them gets in.
pub async fn ten_thousand_right<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let code = issue_code(&codes, &ground.scope(ADA)).await;
    let verdicts = verdicts(ground, &codes, ADA, 10_000, |_| code.clone()).await;
    assert_eq!(count(&verdicts, Verdict::Right), 1);
    // The other nine that were compared at all were too late.
    assert_eq!(count(&verdicts, Verdict::Wrong), 9);
}

/// However many guess at once, no more are compared than there are attempts; then not even the right code is.
pub async fn no_more_wrong_ones_than_attempts<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let code = issue_code(&codes, &ground.scope(ADA)).await;
    let verdicts = verdicts(ground, &codes, ADA, 300, |_| WRONG.to_owned()).await;
    assert_eq!(count(&verdicts, Verdict::Wrong), 10);
    let too_many = Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after: codes.settings().lifetime() };
    assert_eq!(count(&verdicts, too_many), 290);
    assert_eq!(codes.verify(&ground.scope(ADA), &code).await.unwrap(), too_many);
}

/// The same where there is no code, and no row yet that could be locked.
pub async fn nothing_there_counts_too<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let verdicts = verdicts(ground, &codes, "nobody@example.com", 300, |_| WRONG.to_owned()).await;
    assert_eq!(count(&verdicts, Verdict::Wrong), 10);
}

/// Issues asked for at the same time: as many as each limit allows, and not one more.
pub async fn no_more_sends_than_allowed<S: CodeStore>(ground: &Ground<S>) {
    let limit = |sends| Some(Limit { sends, window_seconds: 60 });
    let cases = [
        (LimitKind::Recipient, Settings { sends_per_recipient: limit(5), sends_per_tenant: limit(50), ..unlimited() }),
        (LimitKind::Ip, Settings { sends_per_ip: limit(7), sends_per_tenant: limit(50), ..unlimited() }),
        (LimitKind::Tenant, Settings { sends_per_tenant: limit(11), sends_per_recipient: limit(1), ..unlimited() }),
    ];
    for (kind, settings) in cases {
        let allowed = settings.limit(kind).unwrap().sends;
        let codes = ground.service(settings);
        let mut calls = JoinSet::new();
        for index in 0..100_u8 {
            let (codes, tenant) = (Arc::clone(&codes), ground.tenant.clone());
            calls.spawn(async move {
                // They differ in everything but what is counted.
                let recipient = match kind {
                    LimitKind::Recipient => ADA.to_owned(),
                    _ => format!("{index}@example.com"),
                };
                let ip = IpAddr::from(Ipv4Addr::new(192, if kind == LimitKind::Ip { 0 } else { index }, 2, 1));
                let scope = Scope { tenant: &tenant, usage_type: super::USAGE, recipient: &recipient };
                codes.issue(&scope, Some(ip), Delivery::Real).await
            });
        }
        let mut issued = 0;
        for answer in calls.join_all().await {
            match answer {
                Ok(_) => issued += 1,
                Err(Error::Limited(limited)) => assert_eq!(limited.kind, kind),
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!(issued, allowed, "{kind}");
        ground.pass(std::time::Duration::from_secs(60));
    }
}

/// Of codes issued at the same time for the same scope, one is good afterwards.
pub async fn one_code_lives<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { code_length: 12, attempts: 100, ..unlimited() });
    let mut calls = JoinSet::new();
    for _ in 0..50 {
        let (codes, tenant) = (Arc::clone(&codes), ground.tenant.clone());
        calls.spawn(async move {
            let scope = Scope { tenant: &tenant, usage_type: super::USAGE, recipient: ADA };
            issue_code(&codes, &scope).await
        });
    }
    let mut right = 0;
    for code in calls.join_all().await {
        right += usize::from(codes.verify(&ground.scope(ADA), &code).await.unwrap().is_right());
    }
    assert_eq!(right, 1);
}

/// The store's own word: the code of an id is taken away by one caller.
pub async fn consumed_by_one<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let _issued = issue(&codes, &ground.scope(ADA)).await;
    let keys = HashKeys::new(super::key("first"));
    let (scope, settings) = (ground.scope(ADA), codes.settings());
    let subject = scope.code(&keys);
    let guess = Take { kind: LimitKind::Guesses, subject: scope.guesses(&keys), limit: settings.guesses() };
    let attempt = Attempt {
        tenant: &ground.tenant,
        subject: &subject,
        now: super::BEGINNING,
        lifetime: settings.lifetime(),
        attempts: settings.attempts,
        from: None,
        guess: &guess,
    };
    let Attempted::Counted { code: Some(code) } = ground.store.attempt(&attempt).await.unwrap() else {
        panic!("there is no live code");
    };
    let id = code.id;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (store, tenant, subject) = (Arc::clone(&ground.store), ground.tenant.clone(), subject.clone());
        calls.spawn(async move { store.consume(&tenant, &subject, id).await.unwrap() });
    }
    assert_eq!(calls.join_all().await.into_iter().filter(|consumed| *consumed).count(), 1);
}

/// A code that is taken back and typed at the same time ends one way or the other, and its send is given back. The guesses
/// are not, so each round waits until they no longer count.
pub async fn withdrawn_and_verified<S: CodeStore>(ground: &Ground<S>) {
    let limit = Some(Limit { sends: 1, window_seconds: 60 });
    let codes = ground.service(Settings { sends_per_recipient: limit, ..unlimited() });
    for _ in 0..20 {
        ground.pass(std::time::Duration::from_secs(60));
        let issued = issue(&codes, &ground.scope(BEN)).await;
        let code = text(&issued).to_owned();
        let withdrawing = Arc::clone(&codes);
        let withdrawal = tokio::spawn(async move { withdrawing.withdraw(&issued).await.unwrap() });
        let verdicts = verdicts(ground, &codes, BEN, 5, |_| code.clone()).await;
        withdrawal.await.unwrap();
        assert!(count(&verdicts, Verdict::Right) <= 1);
        assert_eq!(codes.verify(&ground.scope(BEN), &code).await.unwrap(), Verdict::Wrong);
    }
}
