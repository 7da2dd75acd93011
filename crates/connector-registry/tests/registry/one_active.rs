//! Set up, change, roll back, remove: what each does and refuses.

use connector_kit::{ErrorKind, Message, Payload, UsageType};
use connector_registry::{Error, Proposal, Status, Uuid};
use serde_json::json;

use crate::{TENANT, by, change, labelled, message, proposal, registry, sent_by, set_up};

#[tokio::test]
async fn a_second_set_up_is_refused_and_names_change() {
    let registry = registry();
    let first = set_up(&registry, labelled("one")).await;
    let refused = registry.set_up(TENANT, proposal(labelled("two")), &by()).await.unwrap_err();
    assert!(refused.to_string().contains("use change"), "{refused}");
    assert!(matches!(refused, Error::AlreadyActive { id, .. } if id == first.id));
    assert_eq!(sent_by(&registry).await, "one");
    assert!(registry.status(TENANT).await.unwrap().kept.is_empty());
    // Another tenant is another matter.
    registry.set_up("other", proposal(labelled("three")), &by()).await.unwrap();
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn what_cannot_be_used_is_not_stored() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let before = registry.status(TENANT).await.unwrap();

    let unknown = registry.change(TENANT, Proposal::new("labeled", labelled("two")), &by()).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownConnector(unknown) if unknown.nearest == Some("labelled")));
    let invalid = registry.change(TENANT, proposal(json!({ "label": "" })), &by()).await.unwrap_err();
    let Error::InvalidConfig(invalid) = invalid else { panic!("{invalid}") };
    assert_eq!(invalid.problems()[0].pointer, "/label");
    let unbuildable = registry.change(TENANT, proposal(json!({ "label": "two", "refused": true })), &by()).await;
    assert!(matches!(unbuildable, Err(Error::InvalidConfig(_))));

    assert_eq!(registry.status(TENANT).await.unwrap(), before);
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn a_change_keeps_the_old_one_and_a_rollback_brings_it_back() {
    let registry = registry();
    let one = set_up(&registry, labelled("one")).await;
    let two = change(&registry, labelled("two")).await;
    let three = change(&registry, labelled("three")).await;
    assert_eq!(sent_by(&registry).await, "three");
    let status = registry.status(TENANT).await.unwrap();
    assert_eq!(status.active.unwrap(), three);
    assert_eq!(status.kept, [two.clone(), one.clone()]);
    assert!(one.revision < two.revision && two.revision < three.revision);

    // To the one before, and a second rollback undoes the first.
    assert_eq!(registry.roll_back(TENANT, None, &by()).await.unwrap().id, two.id);
    assert_eq!(sent_by(&registry).await, "two");
    assert_eq!(registry.roll_back(TENANT, None, &by()).await.unwrap().id, three.id);

    let back = registry.roll_back(TENANT, Some(one.id), &by()).await.unwrap();
    assert_eq!((back.id, back.saved_at), (one.id, one.saved_at));
    assert!(back.activated_at >= three.activated_at && back.revision > three.revision);
    assert_eq!(sent_by(&registry).await, "one");
    // What is active already stays so: asking twice does no harm.
    assert_eq!(registry.roll_back(TENANT, Some(one.id), &by()).await.unwrap(), back);
    assert_eq!(registry.status(TENANT).await.unwrap().kept.len(), 2);

    let unknown = registry.roll_back(TENANT, Some(Uuid::nil()), &by()).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownConfiguration { id, .. } if id.is_nil()));
}

#[tokio::test]
async fn without_a_tenant_or_an_active_connector_every_word_says_what_to_do() {
    let registry = registry();
    let refused = registry.send(TENANT, &message()).await.unwrap_err();
    assert_eq!(refused.to_string(), "tenant `acme` has no active connector: set one up first");
    for refused in [
        registry.change(TENANT, proposal(labelled("one")), &by()).await.map(drop),
        registry.remove(TENANT, None, false, &by()).await.map(drop),
        registry.roll_back(TENANT, None, &by()).await.map(drop),
    ] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, Error::UnknownTenant { .. }), "{refused}");
        assert!(refused.to_string().contains("set a connector up for it first"), "{refused}");
    }
    assert_eq!(registry.status(TENANT).await.unwrap(), Status::default());

    // A tenant that exists, without an active one.
    let saved = registry.save(TENANT, proposal(labelled("one")), &by()).await.unwrap().saved;
    assert!(matches!(registry.send(TENANT, &message()).await, Err(Error::NoActiveConnector { .. })));
    let refused = registry.change(TENANT, proposal(labelled("two")), &by()).await;
    assert!(matches!(refused, Err(Error::NoActiveConnector { .. })));
    assert!(matches!(registry.remove(TENANT, None, false, &by()).await, Err(Error::NoActiveConnector { .. })));
    assert!(matches!(registry.roll_back(TENANT, None, &by()).await, Err(Error::NothingToRollBackTo { .. })));
    let unknown = registry.remove(TENANT, Some(Uuid::nil()), false, &by()).await;
    assert!(matches!(unknown, Err(Error::UnknownConfiguration { .. })));
    assert_eq!(registry.status(TENANT).await.unwrap().kept, [saved]);

    for (name, fault) in
        [("", "empty"), (" acme", "white space"), ("a\nb", "control"), (&*"a".repeat(129), "128 bytes")]
    {
        let refused = registry.set_up(name, proposal(labelled("one")), &by()).await.unwrap_err();
        assert!(refused.to_string().contains(fault), "{refused}");
    }
}

#[tokio::test]
async fn what_is_removed_is_gone_and_the_rest_is_kept() {
    let registry = registry();
    let one = set_up(&registry, labelled("one")).await;
    let two = change(&registry, labelled("two")).await;
    let three = change(&registry, labelled("three")).await;

    assert_eq!(registry.remove(TENANT, Some(one.id), false, &by()).await.unwrap().saved, one);
    assert_eq!(sent_by(&registry).await, "three");
    assert_eq!(registry.remove(TENANT, None, false, &by()).await.unwrap().saved, three);
    assert!(matches!(registry.send(TENANT, &message()).await, Err(Error::NoActiveConnector { .. })));
    let status = registry.status(TENANT).await.unwrap();
    assert_eq!((status.active, status.kept), (None, vec![two.clone()]));
    assert!(status.revision > three.revision);

    registry.roll_back(TENANT, None, &by()).await.unwrap();
    assert_eq!(sent_by(&registry).await, "two");
    registry.remove(TENANT, Some(two.id), false, &by()).await.unwrap();
    set_up(&registry, labelled("four")).await;
    assert_eq!(sent_by(&registry).await, "four");
}

#[tokio::test]
async fn a_failed_send_carries_the_connectors_error() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let bad = Message::new("nobody", UsageType::SignIn, Payload::new());
    let Error::Send(error) = registry.send(TENANT, &bad).await.unwrap_err() else { panic!("not a send error") };
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidMessage, 1));
}

#[tokio::test]
async fn nothing_shows_the_configuration() {
    let registry = registry();
    set_up(&registry, labelled("s3cret")).await;
    let record = registry.tenant(TENANT).await.unwrap();
    let active = registry.active(TENANT).await.unwrap();
    let status = registry.status(TENANT).await.unwrap();
    assert!(!format!("{record:?} {active:?} {status:?} {registry:?}").contains("s3cret"));
}
