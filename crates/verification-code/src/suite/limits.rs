//! Sends: one limit at a time and all together, with the wait to the millisecond.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use super::{ADA, BEN, Ground, MILLISECOND, WRONG, issue, issue_code, limited, text, unlimited};
use crate::{CodeStore, Delivery, Limit, LimitKind, Limited, Scope, Settings, Verdict, VerificationCodes};

const SECOND: Duration = Duration::from_secs(1);
const TWO_IN_TEN: Limit = Limit { sends: 2, window_seconds: 10 };

fn ip(last: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(192, 0, 2, last).into())
}

/// An address in a network of another holder for each number.
fn network(number: u8) -> Option<IpAddr> {
    Some(Ipv4Addr::new(198, number, 100, 1).into())
}

/// Asks for a code that no limit refuses.
async fn send<S: CodeStore>(codes: &VerificationCodes<S>, scope: &Scope<'_>, ip: Option<IpAddr>) {
    let _issued = codes.issue(scope, ip, Delivery::Real).await.unwrap();
}

/// One recipient's are counted together, whatever they are for and wherever they are asked for.
pub async fn per_recipient<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_recipient: Some(TWO_IN_TEN), ..unlimited() });
    let ada = ground.scope(ADA);
    send(&codes, &ada, ip(1)).await;
    ground.pass(3 * SECOND);
    let register = Scope { usage_type: "Register", recipient: "ADA@example.com", ..ada };
    send(&codes, &register, ip(2)).await;
    ground.pass(Duration::from_millis(1_001));

    let retry_after = Duration::from_millis(10_000 - 4_001);
    let fired = Limited { kind: LimitKind::Recipient, limit: TWO_IN_TEN, retry_after };
    assert_eq!(limited(codes.issue(&ada, ip(3), Delivery::Real).await), fired);
    send(&codes, &ground.scope(BEN), ip(1)).await;

    ground.pass(retry_after - MILLISECOND);
    assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, MILLISECOND);
    ground.pass(MILLISECOND);
    send(&codes, &ada, None).await;
    assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, 3 * SECOND);
}

/// One ip address's are counted together, whomever they are for.
pub async fn per_ip<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_ip: Some(TWO_IN_TEN), ..unlimited() });
    let mapped = Some(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped().into());
    send(&codes, &ground.scope(ADA), ip(1)).await;
    ground.pass(SECOND);
    send(&codes, &ground.scope(BEN), mapped).await;
    let fired = Limited { kind: LimitKind::Ip, limit: TWO_IN_TEN, retry_after: 9 * SECOND };
    assert_eq!(limited(codes.issue(&ground.scope("cy@example.com"), ip(1), Delivery::Real).await), fired);
    send(&codes, &ground.scope("cy@example.com"), ip(2)).await;
    ground.pass(fired.retry_after);
    send(&codes, &ground.scope("cy@example.com"), ip(1)).await;
}

/// All of a tenant's are counted together.
pub async fn per_tenant<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_tenant: Some(TWO_IN_TEN), ..unlimited() });
    send(&codes, &ground.scope(ADA), network(1)).await;
    send(&codes, &ground.scope(BEN), network(2)).await;
    let fired = Limited { kind: LimitKind::Tenant, limit: TWO_IN_TEN, retry_after: 10 * SECOND };
    assert_eq!(limited(codes.issue(&ground.scope("cy@example.com"), None, Delivery::Real).await), fired);
    ground.pass(fired.retry_after);
    send(&codes, &ground.scope("cy@example.com"), None).await;
}

/// Without an ip address there is nothing to count by.
pub async fn without_ip<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_ip: Some(TWO_IN_TEN), ..unlimited() });
    for _ in 0..5 {
        issue_code(&codes, &ground.scope(ADA)).await;
    }
}

/// With every limit turned off, nothing fires.
pub async fn turned_off<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    for _ in 0..25 {
        send(&codes, &ground.scope(ADA), ip(1)).await;
    }
}

/// Of several, the one that takes longest is told: after it, nothing fires.
pub async fn several_at_once<S: CodeStore>(ground: &Ground<S>) {
    let limit = |window_seconds| Some(Limit { sends: 1, window_seconds });
    let together = |recipient, ip, tenant| {
        let settings = Settings {
            sends_per_recipient: limit(recipient),
            sends_per_ip: limit(ip),
            sends_per_tenant: limit(tenant),
            ..unlimited()
        };
        ground.service(settings)
    };
    let ada = ground.scope(ADA);
    for (codes, kind) in [
        (together(30, 20, 10), LimitKind::Recipient),
        (together(20, 30, 10), LimitKind::Ip),
        (together(10, 20, 30), LimitKind::Tenant),
        // Of equal ones, the first.
        (together(30, 30, 30), LimitKind::Recipient),
        (together(10, 30, 30), LimitKind::Ip),
    ] {
        send(&codes, &ada, ip(1)).await;
        let fired = limited(codes.issue(&ada, ip(1), Delivery::Real).await);
        assert_eq!((fired.kind, fired.retry_after), (kind, 30 * SECOND));
        ground.pass(fired.retry_after);
    }
}

/// A refused send counts for nothing, and the code that was there is still good, with the attempts it had.
pub async fn refused_changes_nothing<S: CodeStore>(ground: &Ground<S>) {
    let limit = |sends| Some(Limit { sends, window_seconds: 10 });
    let settings = Settings { sends_per_recipient: limit(1), sends_per_ip: limit(3), attempts: 3, ..unlimited() };
    let codes = ground.service(settings);
    let (ada, ben) = (ground.scope(ADA), ground.scope(BEN));
    let first = codes.issue(&ada, ip(1), Delivery::Real).await.unwrap();
    assert_eq!(codes.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
    assert_eq!(codes.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
    for _ in 0..5 {
        assert_eq!(limited(codes.issue(&ada, ip(1), Delivery::Real).await).kind, LimitKind::Recipient);
    }
    assert_eq!(codes.verify(&ada, text(&first)).await.unwrap(), Verdict::Right);
    assert!(matches!(codes.verify(&ada, WRONG).await.unwrap(), Verdict::TooManyAttempts { .. }));
    // The ip address has two sends left.
    send(&codes, &ben, ip(1)).await;
    send(&codes, &ground.scope("cy@example.com"), ip(1)).await;
    assert_eq!(limited(codes.issue(&ground.scope("di@example.com"), ip(1), Delivery::Real).await).kind, LimitKind::Ip);
}

/// Sends leave the window one by one, each at its own time.
pub async fn slides<S: CodeStore>(ground: &Ground<S>) {
    let limit = Limit { sends: 4, window_seconds: 10 };
    let codes = ground.service(Settings { sends_per_recipient: Some(limit), ..unlimited() });
    let ada = ground.scope(ADA);
    let gaps = [1_000, 1, 2_500, 777];
    for gap in gaps {
        issue_code(&codes, &ada).await;
        ground.pass(Duration::from_millis(gap));
    }
    // The last gap is not between two sends, but before the first refusal.
    for wait in [10_000 - gaps.iter().sum::<u64>(), 1_000, 1, 2_500] {
        let wait = Duration::from_millis(wait);
        assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, wait);
        ground.pass(wait);
        issue_code(&codes, &ada).await;
    }
}

/// A provider that is down locks nobody out.
pub async fn withdrawn_gives_back<S: CodeStore>(ground: &Ground<S>) {
    let limit = Some(TWO_IN_TEN);
    let tenant = Some(Limit { sends: 8, ..TWO_IN_TEN });
    let settings =
        Settings { sends_per_recipient: limit, sends_per_ip: limit, sends_per_tenant: tenant, ..unlimited() };
    let codes = ground.service(settings);
    let ada = ground.scope(ADA);
    let kept = codes.issue(&ada, ip(1), Delivery::Real).await.unwrap();
    for _ in 0..10 {
        ground.pass(MILLISECOND);
        let failed = codes.issue(&ada, ip(1), Delivery::Real).await.unwrap();
        codes.withdraw(&failed).await.unwrap();
        assert_eq!(codes.verify(&ada, text(&failed)).await.unwrap(), Verdict::Wrong, "it has ended");
        codes.withdraw(&failed).await.unwrap();
    }
    assert_eq!(codes.verify(&ada, text(&kept)).await.unwrap(), Verdict::Wrong, "it ended when the next was issued");
    let last = codes.issue(&ada, ip(1), Delivery::Real).await.unwrap();
    let fired = limited(codes.issue(&ada, ip(1), Delivery::Real).await);
    assert_eq!((fired.kind, fired.retry_after), (LimitKind::Recipient, 10 * SECOND - 10 * MILLISECOND));
    assert_eq!(codes.verify(&ada, text(&last)).await.unwrap(), Verdict::Right);
}

/// What is taken back late takes nothing else with it.
pub async fn withdrawn_spares_the_newer<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_recipient: Some(TWO_IN_TEN), ..unlimited() });
    let ada = ground.scope(ADA);
    // At the same millisecond: only their ids tell them apart.
    let old = issue(&codes, &ada).await;
    let new = issue(&codes, &ada).await;
    codes.withdraw(&old).await.unwrap();
    codes.withdraw(&old).await.unwrap();
    assert_eq!(codes.verify(&ada, text(&new)).await.unwrap(), Verdict::Right);
    issue_code(&codes, &ada).await;
    assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, 10 * SECOND);
}

/// Another tenant's sends to the same recipient from the same ip address are its own.
pub async fn belong_to_their_tenant<S: CodeStore>(ground: &Ground<S>) {
    let limit = Some(Limit { sends: 1, window_seconds: 10 });
    let settings = Settings { sends_per_recipient: limit, sends_per_ip: limit, sends_per_tenant: limit, ..unlimited() };
    let codes = ground.service(settings.clone());
    send(&codes, &ground.scope(ADA), ip(1)).await;
    let blocked = limited(codes.issue(&ground.scope(ADA), ip(1), Delivery::Real).await);
    assert_eq!(blocked.retry_after, 10 * SECOND);
    let elsewhere = Scope { tenant: &ground.elsewhere, ..ground.scope(ADA) };
    send(&codes, &elsewhere, ip(1)).await;
}
