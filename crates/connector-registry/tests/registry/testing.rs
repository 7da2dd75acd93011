//! A configuration is tested through the very path that messages take, before it is stored or after.

use connector_registry::{Action, Candidate, Error, LocalizedTemplate, Uuid};
use serde_json::{Value, json};

use crate::{TENANT, by, change, gate, labelled, message, proposal, registry, sent_by, set_up};

fn in_language(locale: &str) -> connector_kit::Message {
    let mut message = message();
    message.payload.insert("locale".to_owned(), locale.into());
    message
}

fn candidate(config: Value) -> Candidate {
    Candidate::Proposed { connector: "labelled".to_owned(), config }
}

#[tokio::test]
async fn what_fails_its_test_is_not_stored() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let before = registry.status(TENANT).await.unwrap();
    let refused = registry.change(TENANT, proposal(labelled("refuses")).tested_with(message()), &by()).await;
    assert!(matches!(refused, Err(Error::Send(_))));
    assert_eq!(registry.status(TENANT).await.unwrap(), before);
    assert_eq!(sent_by(&registry).await, "one");

    let changed = registry.change(TENANT, proposal(labelled("two")).tested_with(message()), &by()).await.unwrap();
    assert_eq!(changed.test.unwrap().message_id.as_deref(), Some("two"));
    assert!(changed.saved.tested_at.is_some());
    assert_eq!(sent_by(&registry).await, "two");
}

#[tokio::test]
async fn a_set_up_that_is_refused_sends_no_test() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    // Were it sent, the refusal would be the connector's.
    let refused = registry.set_up(TENANT, proposal(labelled("refuses")).tested_with(message()), &by()).await;
    assert!(matches!(refused, Err(Error::AlreadyActive { .. })));
}

#[tokio::test]
async fn any_configuration_can_be_tested_in_any_language_without_being_activated() {
    let registry = registry();
    let template = json!({ "language": "pt", "usageType": "SignIn", "subject": "Olá", "content": "{{code}}" });
    let template: LocalizedTemplate = serde_json::from_value(template).unwrap();
    set_up(&registry, labelled("one")).await;
    registry.put_template(TENANT, template, &by()).await.unwrap();
    let saved = registry.save(TENANT, proposal(labelled("two")), &by()).await.unwrap().saved;
    assert_eq!(saved.tested_at, None);

    for (candidate, by_whom) in [
        (Candidate::Active, "one: Olá"),
        (Candidate::Stored(saved.id), "two: Olá"),
        (candidate(labelled("three")), "three: Olá"),
    ] {
        let receipt = registry.test(TENANT, candidate, &in_language("pt-BR"), &by()).await.unwrap();
        assert_eq!(receipt.message_id.as_deref(), Some(by_whom));
    }
    assert_eq!(sent_by(&registry).await, "one");
    assert!(registry.status(TENANT).await.unwrap().kept[0].tested_at.is_some());

    let failed = registry.test(TENANT, candidate(labelled("refuses")), &in_language("de"), &by()).await;
    assert!(matches!(failed, Err(Error::Send(_))));
    let last = registry.history(TENANT, None, 1).await.unwrap().remove(0).entry;
    assert_eq!(last.action, Action::Test);
    assert_eq!(last.details, json!({ "usageType": "SignIn", "locale": "de", "outcome": "Rejected" }));

    let unknown = registry.test(TENANT, Candidate::Stored(Uuid::nil()), &message(), &by()).await;
    assert!(matches!(unknown, Err(Error::UnknownConfiguration { .. })));
    // A tenant that does not exist is not made by a test.
    registry.test("new", candidate(labelled("one")), &message(), &by()).await.unwrap();
    assert!(matches!(registry.tenant("new").await, Err(Error::UnknownTenant { .. })));
}

#[tokio::test]
async fn a_masked_secret_is_the_active_one_unless_it_would_go_elsewhere() {
    let registry = registry();
    let with = |token: &str, host: &str| json!({ "label": "one", "token": token, "host": host });
    let refused = registry.set_up(TENANT, proposal(with("******", "a.example")), &by()).await.unwrap_err();
    assert!(matches!(&refused, Error::InvalidConfig(error) if error.problems()[0].pointer == "/token"), "{refused}");
    set_up(&registry, with("t0p-s3cret", "a.example")).await;

    let saved = registry.change(TENANT, proposal(with("******", "a.example")), &by()).await.unwrap().saved;
    let stored = registry.configuration(TENANT, saved.id).await.unwrap();
    assert_eq!(stored.config["token"], "t0p-s3cret");
    let refused = registry.change(TENANT, proposal(with("******", "evil.example")), &by()).await.unwrap_err();
    let Error::InvalidConfig(refused) = refused else { panic!("{refused}") };
    assert_eq!(refused.problems()[0].pointer, "/token");
    assert!(refused.problems()[0].message.contains("host"), "{refused}");
}

#[tokio::test]
async fn a_secret_that_was_replaced_during_the_test_does_not_come_back() {
    let registry = registry();
    let with = |token: &str| json!({ "label": "one", "token": token });
    set_up(&registry, with("leaked")).await;
    for (round, activated) in [("replaced-1", true), ("replaced-2", false)] {
        let gate = gate(round);
        let slow = tokio::spawn({
            let registry = registry.clone();
            let masked = json!({ "label": "one", "token": "******", "gate": round });
            let masked = proposal(masked).tested_with(message());
            async move {
                match activated {
                    true => registry.change(TENANT, masked, &by()).await,
                    false => registry.save(TENANT, masked, &by()).await,
                }
            }
        });
        gate.arrival().await;
        change(&registry, with("replacement")).await;
        let before = registry.status(TENANT).await.unwrap();
        gate.open.add_permits(1);
        let refused = slow.await.unwrap().unwrap_err();
        assert!(matches!(&refused, Error::ChangedMeanwhile { tenant } if tenant == TENANT), "{refused}");
        assert_eq!(registry.status(TENANT).await.unwrap(), before);
    }
    let active = registry.tenant(TENANT).await.unwrap().active.unwrap();
    assert_eq!(active.config["token"], "replacement");
}

#[tokio::test]
async fn a_test_of_the_active_one_meanwhile_is_no_reason_to_refuse_a_change() {
    let registry = registry();
    set_up(&registry, json!({ "label": "one", "token": "s3cret" })).await;
    let gate = gate("tested-meanwhile");
    let slow = tokio::spawn({
        let registry = registry.clone();
        let masked = json!({ "label": "one", "token": "******", "gate": "tested-meanwhile" });
        async move { registry.change(TENANT, proposal(masked).tested_with(message()), &by()).await }
    });
    gate.arrival().await;
    registry.test(TENANT, Candidate::Active, &message(), &by()).await.unwrap();
    gate.open.add_permits(1);
    let saved = slow.await.unwrap().unwrap().saved;
    assert_eq!(registry.configuration(TENANT, saved.id).await.unwrap().config["token"], "s3cret");
}

#[tokio::test]
async fn a_set_up_with_masked_secrets_never_takes_those_of_an_active_one() {
    let registry = registry();
    set_up(&registry, json!({ "label": "one", "token": "s3cret" })).await;
    let masked = proposal(json!({ "label": "two", "token": "******" }));
    let refused = registry.set_up(TENANT, masked, &by()).await.unwrap_err();
    assert!(matches!(refused, Error::AlreadyActive { .. }), "{refused}");
}
