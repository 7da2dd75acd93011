//! A code: right once, for its lifetime, for its scope.

use super::{ADA, BEN, Ground, MILLISECOND, USAGE, WRONG, issue, issue_code, text, unlimited};
use crate::{Alphabet, CodeStore, Scope, Settings, Verdict};

/// The right code verifies, and then no more.
pub async fn right_once<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let ada = ground.scope(ADA);
    let code = issue_code(&codes, &ada).await;
    assert_eq!(codes.verify(&ada, WRONG).await.unwrap(), Verdict::Wrong);
    assert_eq!(codes.verify(&ada, &code).await.unwrap(), Verdict::Right);
    assert_eq!(codes.verify(&ada, &code).await.unwrap(), Verdict::Wrong, "it is used up");
}

/// To the millisecond.
pub async fn lives_its_lifetime<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let ada = ground.scope(ADA);
    let issued = issue(&codes, &ada).await;
    let lifetime = codes.settings().lifetime();
    assert_eq!(issued.lifetime(), lifetime);
    ground.pass(lifetime - MILLISECOND);
    assert_eq!(codes.verify(&ada, text(&issued)).await.unwrap(), Verdict::Right);

    let late = issue_code(&codes, &ada).await;
    ground.pass(lifetime);
    assert_eq!(codes.verify(&ada, &late).await.unwrap(), Verdict::Wrong);
}

/// Whichever was delivered later is the one that counts.
pub async fn a_new_one_ends_the_old<S: CodeStore>(ground: &Ground<S>) {
    // So long that two are never equal.
    let codes = ground.service(Settings { code_length: 12, ..unlimited() });
    let ada = ground.scope(ADA);
    let old = issue_code(&codes, &ada).await;
    let new = issue_code(&codes, &ada).await;
    assert_eq!(codes.verify(&ada, &old).await.unwrap(), Verdict::Wrong);
    assert_eq!(codes.verify(&ada, &new).await.unwrap(), Verdict::Right);
}

/// Another tenant's, usage type's or recipient's code is no good, and does not end this one.
pub async fn belongs_to_its_scope<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { code_length: 12, ..unlimited() });
    let ada = ground.scope(ADA);
    let scopes = [
        ada,
        Scope { usage_type: "Register", ..ada },
        // Fields that read the same one after the other.
        Scope { usage_type: "SignIna", recipient: &ADA[1..], ..ada },
        ground.scope(BEN),
    ];
    let mut issued = Vec::new();
    for scope in &scopes {
        issued.push(issue_code(&codes, scope).await);
    }
    for (one, scope) in scopes.iter().enumerate() {
        for (other, code) in issued.iter().enumerate() {
            if other != one {
                assert_eq!(codes.verify(scope, code).await.unwrap(), Verdict::Wrong, "{other} for {one}");
            }
        }
        let elsewhere = Scope { tenant: &ground.elsewhere, ..*scope };
        assert_eq!(codes.verify(&elsewhere, &issued[one]).await.unwrap(), Verdict::Wrong);
        assert_eq!(codes.verify(scope, &issued[one]).await.unwrap(), Verdict::Right, "{one} for itself");
    }
}

/// People type their address in one case today and in another tomorrow.
pub async fn belongs_to_its_recipient_however_written<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(unlimited());
    let code = issue_code(&codes, &ground.scope("user@example.com")).await;
    let typed = Scope { tenant: &ground.tenant, usage_type: USAGE, recipient: " User@Example.COM " };
    assert_eq!(codes.verify(&typed, &code).await.unwrap(), Verdict::Right);
}

/// In groups, with hyphens, in the other case.
pub async fn typed_as_people_do<S: CodeStore>(ground: &Ground<S>) {
    let codes = ground.service(Settings { alphabet: Alphabet::Unambiguous, ..unlimited() });
    let ada = ground.scope(ADA);
    for (cut, between) in [(3, "-"), (2, " "), (3, " - ")] {
        let code = issue_code(&codes, &ada).await.to_lowercase();
        let typed = format!(" {}{between}{}\r\n", &code[..cut], &code[cut..]);
        assert_eq!(codes.verify(&ada, &typed).await.unwrap(), Verdict::Right, "{typed:?}");
    }
    let code = issue_code(&codes, &ada).await;
    for typed in ["", " ", &code[..5], &format!("{code}2"), "🦀🦀🦀🦀🦀🦀", &"9".repeat(100_000)] {
        assert_eq!(codes.verify(&ada, typed).await.unwrap(), Verdict::Wrong);
    }
    assert_eq!(codes.verify(&ada, &code).await.unwrap(), Verdict::Right);
}
