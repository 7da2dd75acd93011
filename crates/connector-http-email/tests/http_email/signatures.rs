//! Standard Webhooks, with the specification's own library on the other side.

use std::{
    collections::BTreeSet,
    time::{SystemTime, UNIX_EPOCH},
};

use connector_http_email::CONNECTOR;
use connector_kit::{
    EmailConnector, Message, SendContext, SendPolicy,
    http::{HeaderMap, HeaderName, HeaderValue},
    layered,
};
use connector_testkit::{Answer, RecordedRequest};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::provider::{Endpoint, SECRETS, accepted, config, message};

fn signed_with(secrets: &[&str]) -> Value {
    let mut config = config();
    config["signingSecrets"] = json!(secrets);
    config
}

/// Whether somebody who has `secret` takes the request for ours.
fn verifies(request: &RecordedRequest, secret: &str) -> bool {
    let headers = request
        .headers
        .iter()
        .map(|(name, value)| (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap()));
    let headers = HeaderMap::from_iter(headers);
    Webhook::new(secret).unwrap().verify(&request.body, &headers).is_ok()
}

fn keyed(key: &str) -> Message {
    Message { idempotency_key: Some(key.to_owned()), ..message() }
}

#[tokio::test]
async fn the_specifications_library_takes_our_signature() {
    let request = Endpoint::request(&signed_with(&SECRETS[..1]), &message()).await;
    assert!(verifies(&request, SECRETS[0]));
    assert!(!verifies(&request, SECRETS[1]));
    let mut forged = request.clone();
    forged.body = request.text().replace("user@", "evil@").into_bytes();
    assert!(!verifies(&forged, SECRETS[0]), "the body is signed");

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let timestamp: u64 = request.header("webhook-timestamp").unwrap().parse().unwrap();
    assert!(timestamp <= now && timestamp + 60 > now);
    let signature = request.header("webhook-signature").unwrap();
    assert!(signature.starts_with("v1,") && !signature.contains(' '), "{signature}");
}

/// As the specification writes it down: `{msg_id}.{timestamp}.{payload}`.
#[tokio::test]
async fn it_is_the_signature_that_the_library_makes() {
    let request = Endpoint::request(&signed_with(&SECRETS[..1]), &keyed("msg_p5jXN8AQM9LWM0D4loKWxJek")).await;
    let timestamp = request.header("webhook-timestamp").unwrap().parse().unwrap();
    let library = Webhook::new(SECRETS[0]).unwrap();
    let expected = library.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp, &request.body).unwrap();
    assert_eq!(request.header("webhook-signature"), Some(expected.as_str()));
}

#[tokio::test]
async fn during_rotation_holders_of_either_secret_are_served() {
    let request = Endpoint::request(&signed_with(&SECRETS), &message()).await;
    assert!(SECRETS.iter().all(|secret| verifies(&request, secret)));
    assert_eq!(request.header_values("webhook-signature").len(), 1);
    let signatures: Vec<&str> = request.header("webhook-signature").unwrap().split(' ').collect();
    assert!(signatures.len() == 2 && signatures.iter().all(|one| one.starts_with("v1,")), "{signatures:?}");
}

#[tokio::test]
async fn every_message_has_an_id_of_its_own_or_its_idempotency_keys() {
    let endpoint = Endpoint::start(&config(), accepted()).await;
    for _ in 0..3 {
        endpoint.connector.send(&message(), &SendContext::new()).await.unwrap();
    }
    let ids: BTreeSet<String> =
        endpoint.recorder.requests().iter().map(|request| request.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 3);

    let receipt = endpoint.connector.send(&keyed("order-7:sign-in"), &SendContext::new()).await.unwrap();
    assert_eq!(receipt.message_id.as_deref(), Some("order-7:sign-in"));
    let request = endpoint.recorder.requests().pop().unwrap();
    assert_eq!(request.header("webhook-id"), Some("order-7:sign-in"));
    assert!(verifies(&request, SECRETS[0]));
}

/// "… it remains the same no matter how many times a webhook that has failed is retried."
#[tokio::test]
async fn every_attempt_of_a_send_has_the_same_id() {
    for secrets in [&SECRETS[..], &[]] {
        let endpoint = Endpoint::start(&signed_with(secrets), accepted()).await;
        endpoint.recorder.set_answers(vec![Answer::status(503), accepted(), Answer::status(503), accepted()]);
        let connector = layered(endpoint.connector, SendPolicy::default());
        for _ in 0..2 {
            assert_eq!(connector.send(&message(), &SendContext::new()).await.unwrap().attempts, 2);
        }
        let requests = endpoint.recorder.requests();
        assert!(secrets.iter().all(|secret| requests.iter().all(|request| verifies(request, secret))));
        let ids: Vec<&str> = requests.iter().filter_map(|request| request.header("webhook-id")).collect();
        assert!(ids.len() == 4 && ids[0] == ids[1] && ids[2] == ids[3] && ids[1] != ids[2], "{ids:?}");
    }
}

/// "It's important that both the message id and the timestamp not be … allowed to include any `.`"
#[tokio::test]
async fn a_key_that_no_id_may_be_becomes_one_that_is_the_same_every_time() {
    let endpoint = Endpoint::start(&config(), accepted()).await;
    let long = "k".repeat(10_000);
    for key in ["user@example.com", "two words", "x\r\nEvil: 1", "ключ", &long] {
        for _ in 0..2 {
            endpoint.connector.send(&keyed(key), &SendContext::new()).await.unwrap();
        }
        let requests = endpoint.recorder.requests();
        let [.., first, second] = requests.as_slice() else { panic!("two requests") };
        let id = first.header("webhook-id").unwrap();
        assert_eq!(second.header("webhook-id"), Some(id));
        assert_eq!(id.len(), 43, "{id}");
        assert!(!id.contains('.') && first.header("evil").is_none());
        assert!(verifies(first, SECRETS[1]), "{key}");
        endpoint.recorder.clear();
    }
}

#[tokio::test]
async fn without_a_secret_nothing_is_signed_and_every_request_has_an_id_all_the_same() {
    let endpoint = Endpoint::start(&signed_with(&[]), accepted()).await;
    let mut receipts = Vec::new();
    for message in [message(), keyed(""), keyed("k1")] {
        receipts.push(endpoint.connector.send(&message, &SendContext::new()).await.unwrap().message_id);
    }
    let ids: Vec<Option<String>> = endpoint
        .recorder
        .requests()
        .iter()
        .map(|request| {
            assert_eq!((request.header("webhook-signature"), request.header("webhook-timestamp")), (None, None));
            request.header("webhook-id").map(str::to_owned)
        })
        .collect();
    assert_eq!(ids, receipts);
    assert!(ids[..2].iter().flatten().all(|id| id.starts_with("msg_") && id.len() == 36), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[2].as_deref() == Some("k1"), "{ids:?}");
}

#[test]
fn a_secret_that_is_none_is_refused_at_its_place() {
    for (bad, fault) in [
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "must be `whsec_`"),
        ("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "must be `whsec_`"),
        ("", "must be `whsec_`"),
        ("whsec_", "is 0"),
        ("whsec_dG9vIHNob3J0", "24 to 64 bytes in base64, and is 9"),
        ("whsec_not base64 at all, this one!", "must be base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "must be base64"),
    ] {
        let report = CONNECTOR.validate(&signed_with(&[SECRETS[0], bad]));
        let [problem] = report.problems.as_slice() else { panic!("{bad}: {report:?}") };
        assert_eq!(problem.pointer, "/signingSecrets/1", "{bad}");
        assert!(problem.message.contains(fault), "{bad}: {problem}");
        assert!(bad.len() < 8 || !format!("{report:?}").contains(&bad[6..]), "{report:?}");
    }
}
