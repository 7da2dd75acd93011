//! The access token: asked for as Logto asks, once for many, and once more when it is refused.

use std::{sync::Arc, time::Duration};

use connector_kit::{Delivery, EmailConnector, ErrorKind, SendContext, SendPolicy, layered};
use connector_testkit::{Answer, Fault};
use serde_json::json;
use tokio::task::JoinSet;

use crate::provider::{Logto, accepted, asks_for_a_token, granted, message};

#[tokio::test]
async fn it_is_asked_for_by_client_credentials() {
    let logto = Logto::usual().await;
    logto.connector.send(&message(), &SendContext::new()).await.unwrap();
    let (tokens, mails) = logto.requests();
    assert_eq!((tokens.len(), mails.len()), (1, 1));
    assert_eq!((tokens[0].method.as_str(), tokens[0].host.as_str()), ("POST", "auth.logto.io"));
    // m2m-app:conformance-app-secret-0123456789
    let basic = "Basic bTJtLWFwcDpjb25mb3JtYW5jZS1hcHAtc2VjcmV0LTAxMjM0NTY3ODk=";
    assert_eq!(tokens[0].header_values("authorization"), [basic]);
    let form =
        [("grant_type", "client_credentials"), ("resource", "https://cloud.logto.io/api"), ("scope", "send:email")];
    assert_eq!(tokens[0].form(), form.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert!(!mails[0].text().contains("secret"));
}

#[tokio::test]
async fn twenty_sends_at_once_wait_for_one_token() {
    let logto = Logto::usual().await;
    logto.grants(vec![granted("shared").held()]);
    let connector: Arc<dyn EmailConnector> = logto.connector.into();
    let mut sends = JoinSet::new();
    for _ in 0..20 {
        let connector = Arc::clone(&connector);
        sends.spawn(async move { connector.send(&message(), &SendContext::new()).await.unwrap() });
    }
    logto.recorder.release(1);
    while let Some(sent) = sends.join_next().await {
        sent.unwrap();
    }
    let requests = logto.recorder.requests();
    let (tokens, mails): (Vec<_>, Vec<_>) = requests.iter().partition(|request| request.path == "/oidc/token");
    assert_eq!((tokens.len(), mails.len()), (1, 20));
    assert!(mails.iter().all(|request| request.header("authorization") == Some("Bearer shared")));
}

#[tokio::test]
async fn one_that_ends_within_a_minute_is_not_kept() {
    let logto = Logto::usual().await;
    logto.grants(vec![Answer::status(200).json(json!({ "access_token": "short", "expires_in": 60 }))]);
    for _ in 0..2 {
        logto.connector.send(&message(), &SendContext::new()).await.unwrap();
    }
    assert_eq!(logto.requests().0.len(), 2);
}

/// A token can be revoked before its time. One refusal is no reason for the person not to get the code.
#[tokio::test]
async fn one_that_is_refused_is_replaced_once() {
    let logto = Logto::usual().await;
    logto.grants(vec![granted("old"), granted("new")]);
    logto.answers(vec![accepted(), Answer::status(401), accepted()]);
    for _ in 0..3 {
        logto.connector.send(&message(), &SendContext::new()).await.unwrap();
    }
    let (tokens, mails) = logto.requests();
    let used: Vec<&str> = mails.iter().filter_map(|request| request.header("authorization")).collect();
    assert_eq!(used, ["Bearer old", "Bearer old", "Bearer new", "Bearer new"]);
    assert_eq!(tokens.len(), 2);
}

#[tokio::test]
async fn two_that_are_refused_are_an_error_and_neither_is_kept() {
    let logto = Logto::usual().await;
    logto.grants(vec![granted("first"), granted("second"), granted("third")]);
    logto.answers(vec![Answer::status(401), Answer::status(401), accepted()]);
    let error = logto.connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unauthorized, Delivery::NotSent), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(logto.requests().1.len(), 2);
    logto.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(logto.requests().1[2].header("authorization"), Some("Bearer third"));
}

/// What would leave the message's outcome unknown says nothing of it here: the message has not been sent.
#[tokio::test]
async fn one_that_cannot_be_fetched_leaves_the_message_unsent() {
    let gigabyte = 1 << 30;
    let granted = || granted("never arrives");
    let mut sends = JoinSet::new();
    for (what, answer, kind, attempts) in [
        ("silent", Answer::fault(Fault::Silent), ErrorKind::Unavailable, 1),
        ("stalled headers", granted().with_fault(Fault::StallHeaders), ErrorKind::Unavailable, 1),
        ("stalled body", granted().with_fault(Fault::StallBody), ErrorKind::InvalidResponse, 1),
        ("cut body", granted().with_fault(Fault::CutBody), ErrorKind::InvalidResponse, 1),
        ("1 GiB", Answer::endless(gigabyte), ErrorKind::InvalidResponse, 1),
        ("HTML", Answer::status(200).html("<!doctype html>"), ErrorKind::InvalidResponse, 1),
        ("redirect", Answer::redirect(307, "https://elsewhere.example/token"), ErrorKind::InvalidResponse, 1),
        ("429", Answer::status(429).header("retry-after", "30"), ErrorKind::RateLimited, 1),
        ("reset", Answer::fault(Fault::ResetAfterRead), ErrorKind::Unavailable, 3),
        ("503", Answer::status(503), ErrorKind::Unavailable, 3),
        ("504", Answer::status(504), ErrorKind::Unavailable, 3),
    ] {
        sends.spawn(async move {
            let logto = Logto::usual().await;
            logto.grants(vec![answer]);
            // Short where the deadline is waited for.
            let seconds = if attempts == 3 { 15 } else { 2 };
            let policy = SendPolicy { max_time: Duration::from_secs(seconds), ..SendPolicy::default() };
            let error = layered(logto.connector, policy).send(&message(), &SendContext::new()).await.unwrap_err();
            assert_eq!((error.kind(), error.delivery()), (kind, Delivery::NotSent), "{what}: {error}");
            let requests = logto.recorder.requests();
            assert!(requests.iter().all(asks_for_a_token), "{what}: the message was sent without a token");
            assert_eq!((error.attempts() as usize, requests.len()), (attempts, attempts), "{what}");
        });
    }
    sends.join_all().await;
}

#[tokio::test]
async fn one_that_no_header_can_hold_is_an_error() {
    let logto = Logto::usual().await;
    logto.grants(vec![granted("a\r\nX-Evil: 1")]);
    let error = logto.connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::NotSent), "{error}");
    assert!(!format!("{error:?}").contains("X-Evil"), "{error:?}");
    assert!(logto.requests().1.is_empty());
}
