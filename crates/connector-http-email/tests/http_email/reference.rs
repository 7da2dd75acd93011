//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_http_email::CONNECTOR;
use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    Answer, Recording, RequestRecord, recordings,
    replay::{Replay, Replayed},
};
use serde_json::{Value, json};

/// A difference in the request that is meant.
type Difference = fn(&mut Value);

/// A recipient is parsed, and its domain is in ASCII.
fn recipient_parsed(body: &mut Value) {
    assert_eq!(body["to"], "李雷 <user@例え.jp>");
    body["to"] = json!("李雷 <user@xn--r8jz45g.jp>");
}

/// The differences in the request of one recording.
fn differences(id: &str) -> &'static [Difference] {
    match id {
        "http-email/to-display-name-unicode" => &[recipient_parsed],
        _ => &[],
    }
}

/// What the caller gets.
#[derive(Debug, PartialEq)]
enum Outcome {
    Sent,
    Failed(ErrorKind, Delivery),
}

fn expected_outcome(id: &str) -> Outcome {
    use {Delivery::*, ErrorKind::*, Outcome::Failed};
    match id {
        // Logto follows, with the token, and counts what it finds there as sent.
        "http-email/answer-302-other-host" | "http-email/answer-303" | "http-email/answer-redirect-loop" => {
            Failed(InvalidResponse, NotSent)
        }
        "http-email/answer-400" | "http-email/answer-404" => Failed(Rejected, NotSent),
        "http-email/answer-401" => Failed(Unauthorized, NotSent),
        "http-email/answer-429-retry-after" => Failed(RateLimited, NotSent),
        "http-email/answer-500-then-200" | "http-email/answer-502-html" => Failed(Unavailable, NotSent),
        "http-email/answer-hang-up" => Failed(Unavailable, Unknown),
        "http-email/network-refused" | "http-email/network-untrusted-certificate" => Failed(Unavailable, NotSent),
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// Recordings that Logto counts as sent and ours do not: a followed redirect, and credentials in the URL.
const SENT_BY_LOGTO_ALONE: [&str; 3] =
    ["http-email/answer-302-other-host", "http-email/answer-303", "http-email/endpoint-query-and-user"];

/// Configurations that are refused, and where the fault is.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 5] = [
    ("http-email/authorization-crlf", &["/authorization"]),
    ("http-email/config-null", &[""]),
    ("http-email/config-wrong-authorization", &["/authorization"]),
    ("http-email/endpoint-not-a-url", &["/endpoint"]),
    ("http-email/endpoint-query-and-user", &["/endpoint"]),
];

/// Of these, those that Logto takes: two fail at every send, of the third the credentials override `authorization`.
const REFUSED_BY_US_ALONE: [&str; 3] =
    ["http-email/authorization-crlf", "http-email/endpoint-not-a-url", "http-email/endpoint-query-and-user"];

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(&CONNECTOR, Answer::status(200).json(json!({}))).run(recording).await
}

#[tokio::test]
async fn requests_are_logtos_apart_from_the_differences_named_here() {
    let mut compared = 0;
    for recording in recordings("http-email") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if matches!(expected_outcome(id), Outcome::Failed(ErrorKind::InvalidConfig, _)) {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            continue;
        }
        // Whatever Logto sent after a redirect, ours send nothing.
        let Some(recorded) = recording.recorded.requests.first() else {
            assert!(replayed.requests.is_empty(), "{id}");
            continue;
        };
        let mut expected: RequestRecord = recorded.clone();
        let body = expected.body.as_mut().and_then(|body| body.json.as_mut()).unwrap();
        differences(id).iter().for_each(|difference| difference(body));
        assert_eq!(replayed.only_request(&["authorization", "content-type"]), expected, "{id}");
        let signed = replayed.requests[0].headers.iter().any(|(name, _)| name.starts_with("webhook-"));
        assert!(!signed, "{id}: nobody asked for a signature");
        compared += 1;
    }
    assert_eq!(compared, 28);
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    for recording in recordings("http-email") {
        let id = recording.id();
        let outcome = match replay(&recording).await.outcome {
            Ok(_) => Outcome::Sent,
            Err(error) => Outcome::Failed(error.kind(), error.delivery()),
        };
        assert_eq!(outcome, expected_outcome(id), "{id}");
        let expected = outcome == Outcome::Sent || SENT_BY_LOGTO_ALONE.contains(&id);
        assert_eq!(recording.recorded.outcome.is_sent(), expected, "{id}");
    }
}

#[tokio::test]
async fn a_wait_that_logto_ignores_reaches_the_caller() {
    let recordings = recordings("http-email");
    let recording = recordings.iter().find(|one| one.id() == "http-email/answer-429-retry-after").unwrap();
    let error = replay(recording).await.outcome.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(1)));
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    for recording in recordings("http-email") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        let agrees = recording.recorded.config_is_valid() == report.is_valid();
        assert_eq!(agrees, !REFUSED_BY_US_ALONE.contains(&id), "{id}: Logto says {}", recording.recorded.config_guard);
    }
}
