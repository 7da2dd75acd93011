//! Guesses: bounded for each recipient, whatever becomes of the sends.

use std::time::Duration;

use super::{ADA, BEN, Ground, WRONG, issue, limited, text, unlimited};
use crate::{CodeStore, Delivery, GuessLimit, Issued, Limit, Scope, Settings, UsedUp, Verdict, VerificationCodes};

/// Six attempts at each of two codes in sixty seconds.
fn twelve() -> Settings {
    Settings { attempts: 6, sends_per_recipient: Some(Limit { sends: 2, window_seconds: 60 }), ..unlimited() }
}

/// As many wrong tries as are answered so.
async fn guesses<S: CodeStore>(codes: &VerificationCodes<S>, scope: &Scope<'_>) -> u32 {
    for made in 0.. {
        match codes.verify(scope, WRONG).await.unwrap() {
            Verdict::Wrong => {}
            Verdict::TooManyAttempts { retry_after, .. } => {
                assert!(retry_after <= Duration::from_secs(60), "{retry_after:?}");
                return made;
            }
            Verdict::Right => panic!("a wrong one was right"),
        }
    }
    unreachable!("there is an end to it")
}

/// The provider is down: codes are issued, guessed at and withdrawn again and again.
pub async fn withdrawals_do_not_bring_more<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(twelve());
    let mut compared = 0;
    let scopes = ["SignIn", "Register"].map(|usage_type| Scope { usage_type, ..ground.scope(ADA) });
    for turn in 0..20 {
        let scope = scopes[turn % 2];
        let issued = issue(&codes, &scope).await;
        compared += guesses(&codes, &scope).await;
        codes.withdraw(&issued).await.unwrap();
        ground.pass(Duration::from_millis(100));
    }
    assert_eq!(compared, 12, "attempts times sends, for all usage types together");
    // It locks nobody out of sends, nor another recipient out of anything.
    let issued = issue(&codes, &ground.scope(BEN)).await;
    assert_eq!(codes.verify(&ground.scope(BEN), text(&issued)).await.unwrap(), Verdict::Right);
    let issued = issue(&codes, &scopes[0]).await;
    let verdict = codes.verify(&scopes[0], text(&issued)).await.unwrap();
    assert!(matches!(verdict, Verdict::TooManyAttempts { used_up: UsedUp::Guesses, .. }), "{verdict:?}");
    ground.pass(Duration::from_secs(59));
    assert_eq!(codes.verify(&scopes[0], text(&issued)).await.unwrap(), Verdict::Right, "a window later");
}

/// A send that was refused for its address counts, and its code ends.
pub async fn refused_addresses_count<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(twelve());
    let ada = ground.scope(ADA);
    let refuse = async |issued: &Issued| codes.revoke(issued).await.unwrap();
    for _ in 0..2 {
        let issued = issue(&codes, &ada).await;
        refuse(&issued).await;
        assert_eq!(codes.verify(&ada, text(&issued)).await.unwrap(), Verdict::Wrong, "it has ended");
        refuse(&issued).await;
    }
    assert_eq!(limited(codes.issue(&ada, None, Delivery::Real).await).retry_after, Duration::from_secs(60));
}

/// Using a code, or withdrawing it, does not change what is counted, and a decoy counts alike.
pub async fn they_do_not_tell<S: CodeStore>(ground: &Ground<S>) {
    let settings = Settings {
        guesses_per_recipient: Some(GuessLimit { guesses: 8, window_seconds: 60 }),
        sends_per_recipient: None,
        ..twelve()
    };
    let codes = ground.service(settings);
    let mut seen = Vec::new();
    for (recipient, becomes) in ["left", "used", "withdrawn", "decoy"].into_iter().enumerate() {
        let recipient = format!("{recipient}@example.com");
        let scope = ground.scope(&recipient);
        let delivery = if becomes == "decoy" { Delivery::Decoy } else { Delivery::Real };
        let issued = codes.issue(&scope, None, delivery).await.unwrap();
        let used = if becomes == "used" { text(&issued) } else { WRONG };
        let _ = codes.verify(&scope, used).await.unwrap();
        if becomes == "withdrawn" {
            codes.withdraw(&issued).await.unwrap();
        }
        let first = guesses(&codes, &scope).await;
        let _again = codes.issue(&scope, None, delivery).await.unwrap();
        seen.push((first, guesses(&codes, &scope).await));
    }
    assert_eq!(seen, [(5, 2); 4]);
}

/// Tries where no code was issued use up nothing: else anybody could lock anybody out.
pub async fn none_where_there_is_no_code<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(twelve());
    for number in 0..9 {
        let usage_type = format!("usage {number}");
        assert_eq!(guesses(&codes, &Scope { usage_type: &usage_type, ..ground.scope(ADA) }).await, 6);
    }
    let issued = issue(&codes, &ground.scope(ADA)).await;
    assert_eq!(codes.verify(&ground.scope(ADA), text(&issued)).await.unwrap(), Verdict::Right);
}
