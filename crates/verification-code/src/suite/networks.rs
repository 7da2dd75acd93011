//! Networks: no client, site or spelling of an address gets more than its share, and none takes the others' away.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use super::{ADA, Ground, WRONG, issue_code, limited, text, unlimited};
use crate::{CodeStore, Delivery, Error, Limit, LimitKind, NetworkLimit, Settings, Verdict, VerificationCodes};

fn limit(sends: u32) -> Option<Limit> {
    Some(Limit { sends, window_seconds: 60 })
}

/// Sends to as many recipients as `ips` has addresses, and says how many were not refused.
async fn flood<S: CodeStore>(
    ground: &Ground<S>,
    codes: &VerificationCodes<Arc<S>>,
    ips: impl IntoIterator<Item = IpAddr>,
) -> u32 {
    let mut sent = 0;
    for (number, ip) in ips.into_iter().enumerate() {
        match codes.issue(&ground.scope(&format!("{number}@example.com")), Some(ip), Delivery::Real).await {
            Ok(_) => sent += 1,
            Err(Error::Limited(limited)) => assert!(limited.retry_after <= Duration::from_secs(60)),
            Err(other) => panic!("{other}"),
        }
    }
    sent
}

fn site(site: u16, subnet: u16) -> IpAddr {
    of_holder(0xdb8, site, subnet)
}

fn of_holder(holder: u16, site: u16, subnet: u16) -> IpAddr {
    Ipv6Addr::new(0x2001, holder, site, subnet, 0, 0, 0, 1).into()
}

/// However many /64 networks a site has, or addresses a /24.
pub async fn a_site_has_its_limit<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_ip: limit(2), ..unlimited() });
    assert_eq!(
        flood(ground, &codes, (0..60).map(|subnet| site(1, subnet))).await,
        20,
        "ten times the limit per address"
    );
    assert_eq!(flood(ground, &codes, (0..60).map(|last| Ipv4Addr::new(192, 0, 2, last).into())).await, 20);
    assert_eq!(flood(ground, &codes, [site(2, 0), Ipv4Addr::new(192, 0, 3, 1).into()]).await, 2);
    let fired = limited(codes.issue(&ground.scope(ADA), Some(site(1, 99)), Delivery::Real).await);
    assert_eq!((fired.kind, fired.limit.sends), (LimitKind::Network, 20));
}

/// Whatever else is turned off: three quarters of what a tenant may send are left to other networks, and half of it to those
/// of other holders.
pub async fn none_uses_up_the_tenant<S: CodeStore>(ground: &Ground<S>) {
    let settings = Settings { sends_per_tenant: limit(40), sends_per_network: NetworkLimit::Off, ..unlimited() };
    let codes = ground.service(settings);
    assert_eq!(flood(ground, &codes, (0..60).map(|subnet| site(1, subnet))).await, 10);
    let fired = limited(codes.issue(&ground.scope(ADA), Some(site(1, 99)), Delivery::Real).await);
    assert_eq!(fired.kind, LimitKind::Share);
    assert_eq!(flood(ground, &codes, (0..40).map(|number| site(100 + number, 0))).await, 10, "one each");
    let fired = limited(codes.issue(&ground.scope(ADA), Some(site(999, 0)), Delivery::Real).await);
    assert_eq!((fired.kind, fired.limit.sends), (LimitKind::HoldersShare, 20));
    let neighbours = (0..40).map(|last| Ipv4Addr::new(192, 0, last, 1).into());
    assert_eq!(flood(ground, &codes, neighbours).await, 20, "the other half, to the /16 of another");
    let fired = limited(codes.issue(&ground.scope(ADA), None, Delivery::Real).await);
    assert_eq!(fired.kind, LimitKind::Tenant);
}

/// An IPv4 address counts as itself in whichever way it is written as IPv6.
pub async fn every_spelling_is_one<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { sends_per_ip: limit(3), ..unlimited() });
    let spellings = [
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "2002:c000:201::1",
        "2002:c000:201:7::9",
        "64:ff9b::c000:201",
        "64:ff9b:1::c000:201",
        "2001:0:4136:e378:8000:63bf:3fff:fdfe",
    ];
    let spellings = spellings.map(|spelling| spelling.parse().unwrap());
    assert_eq!(flood(ground, &codes, spellings).await, 3);
    assert_eq!(flood(ground, &codes, ["2002:c000:202::1".parse().unwrap()]).await, 1, "that is 192.0.2.2");
}

/// Ten wrong tries by others leave the code to the one who asked for it.
pub async fn strangers_leave_the_code_alone<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let ada = ground.scope(ADA);
    let own: IpAddr = Ipv4Addr::new(192, 0, 2, 1).into();
    let issued = codes.issue(&ada, Some(own), Delivery::Real).await.unwrap();
    let mut compared = 0;
    for number in 0..40 {
        let verdict = codes.verify_from(&ada, WRONG, Some(site(number % 7, 0))).await.unwrap();
        compared += u32::from(verdict == Verdict::Wrong);
    }
    assert_eq!(compared, 5);
    assert_eq!(codes.verify_from(&ada, WRONG, Some(own)).await.unwrap(), Verdict::Wrong);
    assert_eq!(codes.verify_from(&ada, text(&issued), Some(own)).await.unwrap(), Verdict::Right);
    // A person may go on elsewhere, as long as nobody else guesses.
    let issued = codes.issue(&ada, Some(own), Delivery::Real).await.unwrap();
    assert_eq!(codes.verify_from(&ada, text(&issued), Some(site(9, 9))).await.unwrap(), Verdict::Right);
    // Of those who are not known, all attempts are counted together.
    let code = issue_code(&codes, &ada).await;
    for number in 0..10 {
        assert_eq!(codes.verify_from(&ada, WRONG, Some(site(number, 0))).await.unwrap(), Verdict::Wrong);
    }
    assert!(matches!(codes.verify(&ada, &code).await.unwrap(), Verdict::TooManyAttempts { .. }));
}
