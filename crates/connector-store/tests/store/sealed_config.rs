//! A configuration as it is stored, and as it comes back.

use std::collections::BTreeSet;

use connector_registry::{Catalog, ConnectorFactory, SealedConfig, Uuid};
use connector_store::{KeyRing, OpenError, ResealError, key_ids, open_config, reseal, seal_config};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{key, ring};

const ID: Uuid = Uuid::from_u128(7);
const HTTP: &str = "http-email";
const SMTP: &str = "simple-mail-transfer-protocol";

fn factory(id: &str) -> &'static ConnectorFactory {
    Catalog::builtin().get(id).unwrap()
}

fn config() -> Value {
    json!({
        "endpoint": "https://mail.example.com/send",
        "authorization": "Bearer authorization-4711",
        "signingSecrets": ["whsec_Zmlyc3Qtc2VjcmV0LTQ3MTE", "whsec_c2Vjb25kLXNlY3JldC00NzEx"],
        "timeout": 5,
    })
}

fn sealed(ring: &KeyRing) -> SealedConfig {
    seal_config(ring, ring.current(), factory(HTTP), "acme", ID, &config()).unwrap()
}

#[tokio::test]
async fn its_secrets_are_apart_and_all_else_is_as_it_was() {
    let ring = ring(&key()).await;
    let sealed = sealed(&ring);
    assert_eq!(
        sealed.config.to_string(),
        r#"{"endpoint":"https://mail.example.com/send","authorization":null,"signingSecrets":[null,null],"timeout":5}"#
    );
    let pointers: Vec<&str> = sealed.secrets.keys().map(String::as_str).collect();
    assert_eq!(pointers, ["/authorization", "/signingSecrets/0", "/signingSecrets/1"]);

    // Through the database and back, in the order it was written in.
    let stored = serde_json::to_string(&sealed).unwrap();
    let read: SealedConfig = serde_json::from_str(&stored).unwrap();
    assert_eq!(open_config(&ring, "acme", ID, HTTP, &read).unwrap().to_string(), config().to_string());
}

#[tokio::test]
async fn secrets_of_any_shape_come_back() {
    let ring = ring(&key()).await;
    for config in [
        json!({ "auth": { "user": "u", "pass": "p", "clientSecret": null, "privateKey": "-----BEGIN\n\"é\u{0}\u{1f980}" } }),
        json!({ "auth": { "pass": 7, "accessToken": { "a": [1.5, true] } } }),
        json!({ "auth": "all in one" }),
        json!("a text"),
        json!(null),
        json!({}),
    ] {
        let sealed = seal_config(&ring, ring.current(), factory(SMTP), "acme", ID, &config).unwrap();
        assert_eq!(open_config(&ring, "acme", ID, SMTP, &sealed).unwrap(), config);
    }
}

#[tokio::test]
async fn it_opens_for_its_tenant_and_under_its_id_alone() {
    let ring = ring(&key()).await;
    let mut sealed = sealed(&ring);
    for (tenant, id) in [("umbrella", ID), ("acme", Uuid::from_u128(8))] {
        let error = open_config(&ring, tenant, id, HTTP, &sealed).unwrap_err();
        assert!(matches!(error, OpenError::NotAuthentic { .. }), "{error}");
    }
    // Two secrets of one configuration have changed places.
    let first = sealed.secrets["/signingSecrets/0"].clone();
    let second = sealed.secrets.insert("/signingSecrets/1".into(), first).unwrap();
    sealed.secrets.insert("/signingSecrets/0".into(), second);
    assert!(matches!(open_config(&ring, "acme", ID, HTTP, &sealed), Err(OpenError::NotAuthentic { .. })));
}

fn smtp() -> Value {
    json!({
        "host": "mail.example.com", "port": 587, "requireTLS": true, "auth": { "user": "u", "pass": "p-4711" },
        "fromEmail": "a@example.com", "templates": [{ "usageType": "Generic", "subject": "s", "content": "c" }],
    })
}

/// The same, with `value` where `pointer` leads.
fn with(sealed: &SealedConfig, pointer: &str, value: Value) -> SealedConfig {
    let mut altered = sealed.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    altered.config.pointer_mut(parent).unwrap()[name] = value;
    altered
}

#[tokio::test]
async fn it_opens_only_while_its_secrets_go_where_they_went() {
    let ring = ring(&key()).await;
    let sealed = seal_config(&ring, ring.current(), factory(SMTP), "acme", ID, &smtp()).unwrap();
    let open = |sealed: &SealedConfig| open_config(&ring, "acme", ID, SMTP, sealed);
    for (pointer, value) in [
        ("/host", json!("mail.example.net")),
        ("/host", json!(["mail.example.com"])),
        ("/host", Value::Null),
        ("/port", json!(2525)),
        ("/port", json!("587")),
        ("/requireTLS", json!(false)),
        // What was not there, and its default, when it was sealed.
        ("/ignoreTLS", json!(true)),
        ("/secure", json!(true)),
        ("/auth/accessUrl", json!("https://token.example.net")),
        ("/tls", json!({ "rejectUnauthorized": false, "servername": "mail.example.net" })),
    ] {
        let error = open(&with(&sealed, pointer, value.clone())).unwrap_err();
        assert!(matches!(error, OpenError::NotAuthentic { .. }), "{pointer} {value}: {error}");
        let words = error.to_string();
        assert!(words.contains(&ID.to_string()) && words.contains("remove this one"), "{words}");
        let again = reseal(&ring, ring.current(), "acme", ID, SMTP, &with(&sealed, pointer, value));
        assert!(matches!(again, Err(ResealError::Open(OpenError::NotAuthentic { .. }))));
    }
    // Nor by saying that other fields decide it, or that it is another connector's.
    for destinations in [Vec::new(), sealed.destinations[1..].to_vec(), vec!["/host".to_owned()]] {
        let mut altered = SealedConfig { destinations, ..with(&sealed, "/host", json!("mail.example.net")) };
        assert!(matches!(open(&altered), Err(OpenError::NotAuthentic { .. })));
        altered.config["host"] = json!("mail.example.com");
        assert!(matches!(open(&altered), Err(OpenError::NotAuthentic { .. })));
    }
    assert!(matches!(open_config(&ring, "acme", ID, HTTP, &sealed), Err(OpenError::NotAuthentic { .. })));
}

#[tokio::test]
async fn what_does_not_decide_where_its_secrets_go_can_be_edited() {
    let ring = ring(&key()).await;
    let sealed = seal_config(&ring, ring.current(), factory(SMTP), "acme", ID, &smtp()).unwrap();
    for (pointer, value) in [
        ("/templates/0/subject", json!("another")),
        ("/fromEmail", json!("b@example.com")),
        ("/auth/user", json!("v")),
        // Written by another program.
        ("/port", json!(587.0)),
        ("/secure", Value::Null),
    ] {
        let edited = with(&sealed, pointer, value.clone());
        let opened = open_config(&ring, "acme", ID, SMTP, &edited).unwrap();
        assert_eq!((&opened["auth"]["pass"], opened.pointer(pointer)), (&json!("p-4711"), Some(&value)));
    }
    // Values that no configuration should have are bound all the same.
    for host in [json!({ "b": 1, "a": [1e300, null] }), json!(7.5), json!(true), json!("")] {
        let mut config = smtp();
        config["host"] = host;
        let sealed = seal_config(&ring, ring.current(), factory(SMTP), "acme", ID, &config).unwrap();
        assert_eq!(open_config(&ring, "acme", ID, SMTP, &sealed).unwrap(), config);
        let altered = with(&sealed, "/host", json!("mail.example.net"));
        assert!(matches!(open_config(&ring, "acme", ID, SMTP, &altered), Err(OpenError::NotAuthentic { .. })));
    }
}

#[tokio::test]
async fn a_field_that_is_gone_is_said_to_be() {
    let ring = ring(&key()).await;
    let mut sealed = sealed(&ring);
    sealed.config = json!({ "endpoint": "https://mail.example.com/send" });
    let error = open_config(&ring, "acme", ID, HTTP, &sealed).unwrap_err();
    assert!(matches!(&error, OpenError::Malformed { pointer, .. } if pointer == "/authorization"), "{error}");
}

#[tokio::test]
async fn rotation_seals_all_under_the_current_key() {
    let (new, old) = (key(), key());
    let (before, both, after) = (ring(&old).await, ring(&format!("{new}\n{old}")).await, ring(&new).await);
    let sealed = sealed(&before);
    assert_eq!(key_ids(&sealed), BTreeSet::from([before.current()]));

    let again = reseal(&both, both.current(), "acme", ID, HTTP, &sealed).unwrap();
    assert_eq!(key_ids(&again), BTreeSet::from([after.current()]));
    assert_eq!(open_config(&after, "acme", ID, HTTP, &again).unwrap(), config());
    assert_eq!(open_config(&both, "acme", ID, HTTP, &sealed).unwrap(), config(), "what is not rotated yet opens, too");

    let error = reseal(&after, after.current(), "acme", ID, HTTP, &sealed).unwrap_err();
    assert!(matches!(error, ResealError::Open(OpenError::UnknownKey { .. })), "{error}");
    assert!(matches!(
        reseal(&both, both.current(), "umbrella", ID, HTTP, &sealed),
        Err(ResealError::Open(OpenError::NotAuthentic { .. }))
    ));
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

proptest! {
    #[test]
    fn whatever_text_a_secret_is_it_comes_back(
        authorization: String, keys in proptest::collection::vec(any::<String>(), 0..4), tenant: String, id: u128
    ) {
        let ring = block_on(ring(&key()));
        let id = Uuid::from_u128(id);
        let config = json!({ "endpoint": "e", "authorization": authorization, "signingSecrets": keys });
        let sealed = seal_config(&ring, ring.current(), factory(HTTP), &tenant, id, &config).unwrap();
        prop_assert_eq!(sealed.secrets.len(), 1 + keys.len());
        prop_assert_eq!(open_config(&ring, &tenant, id, HTTP, &sealed).unwrap(), config);
    }

    #[test]
    fn no_part_of_a_secret_stands_in_what_is_stored(secret in "[a-zA-Z0-9+/]{12,64}") {
        let ring = block_on(ring(&key()));
        let config = json!({ "endpoint": "e", "authorization": secret, "signingSecrets": [secret] });
        let sealed = seal_config(&ring, ring.current(), factory(HTTP), "acme", ID, &config).unwrap();
        let stored = serde_json::to_string(&sealed).unwrap();
        for at in 0..=secret.len() - 8 {
            prop_assert!(!stored.contains(&secret[at..at + 8]));
        }
    }
}
