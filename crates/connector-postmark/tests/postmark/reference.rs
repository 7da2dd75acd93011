//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_postmark::CONNECTOR;
use connector_testkit::{
    Recording, RequestRecord, recordings,
    replay::{Replay, Replayed},
};
use serde_json::{Value, json};

use crate::provider::{MESSAGE_ID, accepted};

/// A difference in the request that is meant.
type Difference = fn(&mut Value);

/// A recipient is parsed, and its domain is in ASCII.
fn recipient_parsed(body: &mut Value) {
    assert_eq!(body["To"], "李雷 <user@例え.jp>");
    body["To"] = json!("李雷 <user@xn--r8jz45g.jp>");
}

/// The differences in the request of one recording.
fn differences(id: &str) -> &'static [Difference] {
    match id {
        "postmark/to-display-name-unicode" => &[recipient_parsed],
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
        "postmark/answer-200-error-code" => Failed(Rejected, NotSent),
        "postmark/answer-200-gzip"
        | "postmark/answer-200-html"
        | "postmark/answer-200-invalid-json"
        | "postmark/answer-201-json"
        | "postmark/answer-cut-body" => Failed(InvalidResponse, Unknown),
        "postmark/answer-302-other-host" | "postmark/answer-307-other-host" => Failed(InvalidResponse, NotSent),
        "postmark/answer-400-empty" | "postmark/answer-403" | "postmark/answer-404" => Failed(Rejected, NotSent),
        "postmark/answer-429-retry-after" => Failed(RateLimited, NotSent),
        "postmark/answer-502-html" => Failed(Unavailable, NotSent),
        "postmark/network-refused" | "postmark/network-untrusted-certificate" => Failed(Unavailable, NotSent),
        "postmark/network-reset" => Failed(Unavailable, Unknown),
        "postmark/to-empty" => Failed(InvalidMessage, NotSent),
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// What Logto counts as sent: it takes any 2xx for success, follows redirects with the token, and posts whatever stands
/// in `to`.
const SENT_BY_LOGTO_ALONE: [&str; 8] = [
    "postmark/answer-200-error-code",
    "postmark/answer-200-gzip",
    "postmark/answer-200-html",
    "postmark/answer-200-invalid-json",
    "postmark/answer-201-json",
    "postmark/answer-302-other-host",
    "postmark/answer-307-other-host",
    "postmark/to-empty",
];

/// Configurations that neither takes, and where ours sees the fault.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 6] = [
    ("postmark/config-empty", &["/serverToken", "/fromEmail", "/templates"]),
    ("postmark/config-null", &[""]),
    ("postmark/config-without-serverToken", &["/serverToken"]),
    ("postmark/config-without-templates", &["/templates"]),
    ("postmark/config-wrong-templates", &["/templates/0/templateAlias", "/templates"]),
    ("postmark/type-no-generic", &["/templates"]),
];

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(&CONNECTOR, accepted()).run(recording).await
}

#[tokio::test]
async fn requests_are_logtos_apart_from_the_differences_named_here() {
    let mut compared = 0;
    for recording in recordings("postmark") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if matches!(expected_outcome(id), Outcome::Failed(ErrorKind::InvalidConfig | ErrorKind::InvalidMessage, _)) {
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
        let headers = ["accept", "content-type", "x-postmark-server-token"];
        assert_eq!(replayed.only_request(&headers), expected, "{id}");
        compared += 1;
    }
    assert_eq!(compared, 26);
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    for recording in recordings("postmark") {
        let id = recording.id();
        let outcome = match replay(&recording).await.outcome {
            Ok(receipt) => {
                assert_eq!(receipt.message_id.as_deref(), Some(MESSAGE_ID), "{id}");
                Outcome::Sent
            }
            Err(error) => Outcome::Failed(error.kind(), error.delivery()),
        };
        assert_eq!(outcome, expected_outcome(id), "{id}");
        let expected = outcome == Outcome::Sent || SENT_BY_LOGTO_ALONE.contains(&id);
        assert_eq!(recording.recorded.outcome.is_sent(), expected, "{id}");
    }
}

#[tokio::test]
async fn a_wait_that_logto_ignores_reaches_the_caller() {
    let recordings = recordings("postmark");
    let recording = recordings.iter().find(|one| one.id() == "postmark/answer-429-retry-after").unwrap();
    let error = replay(recording).await.outcome.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(1)));
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    for recording in recordings("postmark") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        assert_eq!(recording.recorded.config_is_valid(), report.is_valid(), "{id}");
    }
}
