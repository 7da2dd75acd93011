//! What an observer is answered does not tell who exists, nor what others do with their codes.

use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use super::{ADA, BEN, Ground, HandClock, MILLISECOND, WRONG, issue, issue_code, key, text, unlimited};
use crate::{
    CodeStore, Delivery, Error, HashKeys, Limit, Limited, Randomness, RandomnessError, Scope, Settings, UsedUp,
    Verdict, VerificationCodes,
};

const FIVE: u32 = 5;

fn five_attempts() -> Settings {
    Settings { attempts: FIVE, ..unlimited() }
}

/// So many wrong tries, and what they were answered.
async fn tries<S: CodeStore>(codes: &VerificationCodes<S>, scope: &Scope<'_>, count: usize) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for _ in 0..count {
        verdicts.push(codes.verify(scope, WRONG).await.unwrap());
    }
    verdicts
}

/// Wrong as often as there are attempts, and then too many of them.
fn exhausted(wrong: usize, then: usize, retry_after: Duration) -> Vec<Verdict> {
    let wrong = std::iter::repeat_n(Verdict::Wrong, wrong);
    wrong
        .chain(std::iter::repeat_n(Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after }, then))
        .collect()
}

/// Somebody who exists and somebody who does not get the same answers to the same requests, limits and all.
pub async fn decoy_answers_alike<S: CodeStore>(ground: &Ground<S>) {
    let settings = Settings {
        sends_per_recipient: Some(Limit { sends: 3, window_seconds: 40 }),
        sends_per_ip: Some(Limit { sends: 12, window_seconds: 90 }),
        ..five_attempts()
    };
    let codes = ground.service(settings);
    let people = [(ADA, Delivery::Real, 1), (BEN, Delivery::Decoy, 2)];
    let mut answers: [Vec<Result<Verdict, Option<Limited>>>; 2] = Default::default();
    let mut random = 5_u32;
    for _ in 0..120 {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        for ((recipient, delivery, network), answers) in people.into_iter().zip(&mut answers) {
            let scope = ground.scope(recipient);
            let ip = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, network, 0, 0, 0, 1));
            answers.push(if random >> 30 == 0 {
                match codes.issue(&scope, Some(ip), delivery).await {
                    Ok(issued) => {
                        assert_eq!(issued.code().is_some(), delivery == Delivery::Real);
                        Err(None)
                    }
                    Err(Error::Limited(limited)) => Err(Some(limited)),
                    Err(other) => panic!("{other}"),
                }
            } else {
                Ok(codes.verify(&scope, WRONG).await.unwrap())
            });
        }
        ground.pass(Duration::from_millis(u64::from(random >> 20)));
    }
    let [ada, ben] = answers;
    assert_eq!(ada, ben);
    assert!(ada.contains(&Err(None)) && ada.iter().any(|answer| matches!(answer, Err(Some(_)))), "both were answered");
    assert!(ada.iter().any(|answer| matches!(answer, Ok(Verdict::TooManyAttempts { .. }))), "attempts ran out");
}

/// Gives the same byte for ever, so that a decoy's code is known.
struct Stuck(u8);

impl Randomness for Stuck {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessError> {
        bytes.fill(self.0);
        Ok(())
    }
}

/// Not even the right guess verifies a decoy; and it ends the code that was there, as a real one would.
pub async fn decoy_is_never_right<S: CodeStore>(ground: &Ground<S>) {
    let with = |byte| {
        let clock = Arc::<HandClock>::clone(&ground.clock);
        let codes =
            VerificationCodes::new(Arc::clone(&ground.store), HashKeys::new(key("first")), unlimited()).unwrap();
        codes.with_clock(clock).with_randomness(Arc::new(Stuck(byte)))
    };
    let (ones, twos) = (with(1), with(2));
    let ada = ground.scope(ADA);
    assert_eq!(issue_code(&ones, &ada).await, "111111");
    let decoy = twos.issue(&ada, None, Delivery::Decoy).await.unwrap();
    assert!(decoy.code().is_none());
    assert_eq!(twos.verify(&ada, "222222").await.unwrap(), Verdict::Wrong);
    assert_eq!(twos.verify(&ada, "111111").await.unwrap(), Verdict::Wrong);
    assert_eq!(issue_code(&twos, &ada).await, "222222");
    assert_eq!(twos.verify(&ada, "222222").await.unwrap(), Verdict::Right);
}

/// No code, a decoy and a code: wrong tries are answered alike, from the first to those that are too many and beyond.
pub async fn nothing_there_answers_alike<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(five_attempts());
    let (ada, ben, nobody) = (ground.scope(ADA), ground.scope(BEN), ground.scope("nobody@example.com"));
    issue_code(&codes, &ada).await;
    let _decoy = codes.issue(&ben, None, Delivery::Decoy).await.unwrap();
    ground.pass(Duration::from_secs(7));
    let lifetime = codes.settings().lifetime();
    for scope in [&ada, &ben, &nobody] {
        assert_eq!(tries(&codes, scope, 8).await, exhausted(5, 3, lifetime));
    }
    // The codes have expired meanwhile; their attempts still count.
    ground.pass(lifetime - MILLISECOND);
    for scope in [&ada, &ben, &nobody] {
        assert_eq!(tries(&codes, scope, 2).await, exhausted(0, 2, MILLISECOND));
    }
    ground.pass(MILLISECOND);
    for scope in [&ada, &ben, &nobody] {
        assert_eq!(tries(&codes, scope, 7).await, exhausted(5, 2, lifetime));
    }
}

/// The wait is told from the first attempt on, which everybody who asks has made.
pub async fn attempts_are_counted_from_the_first<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(five_attempts());
    let ada = ground.scope(ADA);
    let code = issue_code(&codes, &ada).await;
    ground.pass(Duration::from_secs(10));
    assert_eq!(tries(&codes, &ada, 1).await, exhausted(1, 0, Duration::ZERO));
    ground.pass(Duration::from_secs(20));
    assert_eq!(tries(&codes, &ada, 5).await, exhausted(4, 1, Duration::from_secs(40)));
    let too_many = Verdict::TooManyAttempts { used_up: UsedUp::Attempts, retry_after: Duration::from_secs(40) };
    assert_eq!(codes.verify(&ada, &code).await.unwrap(), too_many, "not even the right one is compared");
}

/// That a code was used is not told to who tries others.
pub async fn use_leaves_the_count<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(five_attempts());
    let ada = ground.scope(ADA);
    let code = issue_code(&codes, &ada).await;
    assert_eq!(tries(&codes, &ada, 2).await, exhausted(2, 0, Duration::ZERO));
    assert_eq!(codes.verify(&ada, &code).await.unwrap(), Verdict::Right);
    assert_eq!(tries(&codes, &ada, 4).await, exhausted(2, 2, codes.settings().lifetime()));
}

/// Nor that one was taken back.
pub async fn withdrawal_leaves_the_count<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(five_attempts());
    let ada = ground.scope(ADA);
    let issued = issue(&codes, &ada).await;
    assert_eq!(tries(&codes, &ada, 2).await, exhausted(2, 0, Duration::ZERO));
    codes.withdraw(&issued).await.unwrap();
    assert_eq!(tries(&codes, &ada, 5).await, exhausted(3, 2, codes.settings().lifetime()));
}

/// Who has tried too often may ask for a new code, and try that at once.
pub async fn a_new_code_has_new_attempts<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(five_attempts());
    let ada = ground.scope(ADA);
    let lifetime = codes.settings().lifetime();
    // Before there was any code, too.
    assert_eq!(tries(&codes, &ada, 6).await, exhausted(5, 1, lifetime));
    for _ in 0..2 {
        let issued = issue(&codes, &ada).await;
        assert_eq!(tries(&codes, &ada, 4).await, exhausted(4, 0, lifetime));
        assert_eq!(codes.verify(&ada, text(&issued)).await.unwrap(), Verdict::Right, "the last attempt counts");
        assert_eq!(tries(&codes, &ada, 1).await, exhausted(0, 1, lifetime));
    }
}
