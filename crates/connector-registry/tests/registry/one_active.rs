//! Set up, change, roll back, remove: what each does and refuses.

use connector_kit::{ErrorKind, Message, Payload, UsageType};
use connector_registry::{Error, Status, Uuid};
use serde_json::json;

use crate::{TENANT, labelled, message, registry, sent_by};

#[tokio::test]
async fn a_second_set_up_is_refused_and_names_change() {
    let registry = registry();
    let first = registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let refused = registry.set_up(TENANT, "labelled", labelled("two")).await.unwrap_err();
    assert!(refused.to_string().contains("use change"), "{refused}");
    assert!(matches!(refused, Error::AlreadyActive { id, .. } if id == first.id));
    assert_eq!(sent_by(&registry).await, "one");
    assert!(registry.status(TENANT).await.unwrap().kept.is_empty());
    // Another tenant is another matter.
    registry.set_up("other", "labelled", labelled("three")).await.unwrap();
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn what_cannot_be_used_is_not_stored() {
    let registry = registry();
    registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let before = registry.status(TENANT).await.unwrap();

    let unknown = registry.change(TENANT, "labeled", labelled("two")).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownConnector(unknown) if unknown.nearest == Some("labelled")));
    let invalid = registry.change(TENANT, "labelled", json!({ "label": "" })).await.unwrap_err();
    let Error::InvalidConfig(invalid) = invalid else { panic!("{invalid}") };
    assert_eq!(invalid.problems()[0].pointer, "/label");
    let unbuildable = registry.change(TENANT, "labelled", json!({ "label": "two", "refused": true })).await;
    assert!(matches!(unbuildable, Err(Error::InvalidConfig(_))));

    assert_eq!(registry.status(TENANT).await.unwrap(), before);
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn a_change_keeps_the_old_one_and_a_rollback_brings_it_back() {
    let registry = registry();
    let one = registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let two = registry.change(TENANT, "labelled", labelled("two")).await.unwrap();
    let three = registry.change(TENANT, "labelled", labelled("three")).await.unwrap();
    assert_eq!(sent_by(&registry).await, "three");
    let status = registry.status(TENANT).await.unwrap();
    assert_eq!(status.active.unwrap(), three);
    assert_eq!(status.kept, [two.clone(), one.clone()]);
    assert!(one.revision < two.revision && two.revision < three.revision);

    // To the one before, and a second rollback undoes the first.
    assert_eq!(registry.roll_back(TENANT, None).await.unwrap().id, two.id);
    assert_eq!(sent_by(&registry).await, "two");
    assert_eq!(registry.roll_back(TENANT, None).await.unwrap().id, three.id);

    let back = registry.roll_back(TENANT, Some(one.id)).await.unwrap();
    assert_eq!((back.id, back.saved_at), (one.id, one.saved_at));
    assert!(back.activated_at >= three.activated_at && back.revision > three.revision);
    assert_eq!(sent_by(&registry).await, "one");
    // What is active already stays so: asking twice does no harm.
    assert_eq!(registry.roll_back(TENANT, Some(one.id)).await.unwrap(), back);
    assert_eq!(registry.status(TENANT).await.unwrap().kept.len(), 2);

    let unknown = registry.roll_back(TENANT, Some(Uuid::nil())).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownConfiguration { id, .. } if id.is_nil()));
}

#[tokio::test]
async fn without_an_active_connector_every_word_says_what_to_do() {
    let registry = registry();
    let refused = registry.send(TENANT, &message()).await.unwrap_err();
    assert_eq!(refused.to_string(), "tenant `acme` has no active connector: set one up first");
    assert!(matches!(refused, Error::NoActiveConnector { .. }));
    let refused = registry.change(TENANT, "labelled", labelled("one")).await.unwrap_err();
    assert!(matches!(refused, Error::NoActiveConnector { .. }));
    assert!(matches!(registry.remove(TENANT, None).await.unwrap_err(), Error::NoActiveConnector { .. }));
    assert!(matches!(registry.roll_back(TENANT, None).await.unwrap_err(), Error::NothingToRollBackTo { .. }));
    let unknown = registry.remove(TENANT, Some(Uuid::nil())).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownConfiguration { .. }));
    assert_eq!(registry.status(TENANT).await.unwrap(), Status::default());
}

#[tokio::test]
async fn what_is_removed_is_gone_and_the_rest_is_kept() {
    let registry = registry();
    let one = registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let two = registry.change(TENANT, "labelled", labelled("two")).await.unwrap();
    let three = registry.change(TENANT, "labelled", labelled("three")).await.unwrap();

    assert_eq!(registry.remove(TENANT, Some(one.id)).await.unwrap(), one);
    assert_eq!(sent_by(&registry).await, "three");
    assert_eq!(registry.remove(TENANT, None).await.unwrap(), three);
    assert!(matches!(registry.send(TENANT, &message()).await, Err(Error::NoActiveConnector { .. })));
    let status = registry.status(TENANT).await.unwrap();
    assert_eq!((status.active, status.kept), (None, vec![two.clone()]));
    assert!(status.revision > three.revision);

    registry.roll_back(TENANT, None).await.unwrap();
    assert_eq!(sent_by(&registry).await, "two");
    registry.remove(TENANT, Some(two.id)).await.unwrap();
    registry.set_up(TENANT, "labelled", labelled("four")).await.unwrap();
    assert_eq!(sent_by(&registry).await, "four");
}

#[tokio::test]
async fn a_failed_send_carries_the_connectors_error() {
    let registry = registry();
    registry.set_up(TENANT, "labelled", labelled("one")).await.unwrap();
    let bad = Message::new("nobody", UsageType::SignIn, Payload::new());
    let Error::Send(error) = registry.send(TENANT, &bad).await.unwrap_err() else { panic!("not a send error") };
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::InvalidMessage, 1));
}

#[tokio::test]
async fn nothing_shows_the_configuration() {
    let registry = registry();
    let record = registry.set_up(TENANT, "labelled", labelled("s3cret")).await.unwrap();
    let active = registry.active(TENANT).await.unwrap();
    let status = registry.status(TENANT).await.unwrap();
    assert!(!format!("{record:?} {active:?} {status:?} {registry:?}").contains("s3cret"));
}
