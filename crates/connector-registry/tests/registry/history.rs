//! What was done, when, by whom and from where.

use connector_registry::{Action, Actor, Candidate, SignInSettings};
use serde_json::json;

use crate::{TENANT, labelled, message, proposal, registry};

#[tokio::test]
async fn every_change_is_recorded_with_who_and_where_and_without_secrets() {
    let registry = registry();
    let (alice, bob) = (Actor::new("alice", "10.0.0.1"), Actor::new("bob", "console"));
    let config = json!({ "label": "one", "token": "t0p-s3cret" });
    let one = registry.set_up(TENANT, proposal(config), &alice).await.unwrap().saved;
    let two = registry.change(TENANT, proposal(labelled("two")), &bob).await.unwrap().saved;
    let kept = registry.save(TENANT, proposal(labelled("three")), &alice).await.unwrap().saved;
    registry.roll_back(TENANT, None, &bob).await.unwrap();
    registry.test(TENANT, Candidate::Stored(two.id), &message(), &alice).await.unwrap();
    registry.put_sign_in(TENANT, SignInSettings::default(), &bob).await.unwrap();
    registry.set_fallback_language(TENANT, Some("de"), &bob).await.unwrap();
    registry.remove(TENANT, Some(kept.id), false, &alice).await.unwrap();
    // Refused: nothing to record.
    registry.set_up(TENANT, proposal(labelled("four")), &alice).await.unwrap_err();

    let history = registry.history(TENANT, None, 100).await.unwrap();
    let told: Vec<_> = history
        .iter()
        .rev()
        .map(|one| (one.revision, one.entry.action, one.entry.by.who.as_str(), one.entry.configuration))
        .collect();
    assert_eq!(
        told,
        [
            (1, Action::SetUp, "alice", Some(one.id)),
            (2, Action::Change, "bob", Some(two.id)),
            (3, Action::Save, "alice", Some(kept.id)),
            (4, Action::RollBack, "bob", Some(one.id)),
            (5, Action::Test, "alice", Some(two.id)),
            (6, Action::SignIn, "bob", None),
            (7, Action::FallbackLanguage, "bob", None),
            (8, Action::Remove, "alice", Some(kept.id)),
        ]
    );
    assert_eq!(history[0].entry.by.origin, "10.0.0.1");
    assert!(!format!("{history:?}").contains("t0p-s3cret"));
    assert!(history.is_sorted_by(|newer, older| newer.at >= older.at));

    let page = registry.history(TENANT, Some(3), 1).await.unwrap();
    assert_eq!(page.iter().map(|one| one.revision).collect::<Vec<_>>(), [2]);
    assert!(registry.history("nobody", None, 10).await.unwrap().is_empty());
}
