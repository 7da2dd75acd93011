//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_logto_email::CONNECTOR;
use connector_testkit::{
    RecordedRequest, Recording, RequestRecord, recordings,
    replay::{Replay, Replayed},
};
use serde_json::{Value, json};

use crate::provider::{accepted, asks_for_a_token, granted};

/// Logto's cloud hands its connector a client with a token in it; ours fetches one, and is told where and as whom. What
/// the recording itself says of the service stays, its absence included.
fn token_configuration_added(config: &mut Value) {
    if let Some(members) = config.as_object_mut() {
        for (field, value) in [
            ("tokenEndpoint", "https://auth.logto.io/oidc/token"),
            ("resource", "https://cloud.logto.io/api"),
            ("appId", "app"),
            ("appSecret", "app-secret"),
        ] {
            members.insert(field.to_owned(), json!(value));
        }
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
        // Logto follows, without the token, and counts what it finds there as sent.
        "logto-email/answer-302-other-host" => Failed(InvalidResponse, NotSent),
        "logto-email/answer-401" | "logto-email/answer-403" => Failed(Unauthorized, NotSent),
        "logto-email/answer-422" => Failed(Rejected, NotSent),
        "logto-email/answer-429-retry-after" | "logto-email/answer-429-usage-limit" => Failed(QuotaExceeded, NotSent),
        "logto-email/answer-500-then-200" | "logto-email/answer-502-html" => Failed(Unavailable, NotSent),
        "logto-email/network-refused" => Failed(Unavailable, NotSent),
        "logto-email/to-empty" | "logto-email/to-list" => Failed(InvalidMessage, NotSent),
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// What Logto counts as sent: a followed redirect, whatever stands in `to`, and what its cloud or its check lets pass.
const SENT_BY_LOGTO_ALONE: [&str; 6] = [
    "logto-email/answer-302-other-host",
    "logto-email/config-empty",
    "logto-email/config-without-endpoint",
    "logto-email/config-wrong-senderName",
    "logto-email/to-empty",
    "logto-email/to-list",
];

/// What ours sends and Logto does not: a name that only looks like a URL to it.
const SENT_BY_US_ALONE: [&str; 1] = ["logto-email/branding-name-with-dots"];

/// Configurations that are refused, and where the fault is.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 7] = [
    ("logto-email/branding-name-like-host", &["/senderName"]),
    // Logto's cloud fills it in.
    ("logto-email/config-empty", &["/endpoint"]),
    ("logto-email/config-null", &[""]),
    ("logto-email/config-without-endpoint", &["/endpoint"]),
    ("logto-email/config-wrong-appLogo", &["/appLogo"]),
    ("logto-email/config-wrong-endpoint", &["/endpoint"]),
    // Logto's check passes a URL with text in front of it.
    ("logto-email/config-wrong-senderName", &["/senderName"]),
];

async fn replay(recording: &Recording) -> Replayed {
    let mut recording = recording.clone();
    token_configuration_added(&mut recording.given.config);
    recording.given.input_config.iter_mut().for_each(token_configuration_added);
    let grant = |request: &RecordedRequest| asks_for_a_token(request).then(|| granted("stand-in-access-token"));
    Replay::new(&CONNECTOR, accepted()).answering_aside(grant).run(&recording).await
}

#[tokio::test]
async fn requests_are_logtos() {
    let mut compared = 0;
    for recording in recordings("logto-email") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if matches!(expected_outcome(id), Outcome::Failed(ErrorKind::InvalidConfig | ErrorKind::InvalidMessage, _)) {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            continue;
        }
        // Whatever Logto sent after a redirect, ours send nothing.
        let Some(expected) = recording.recorded.requests.first() else {
            assert!(replayed.requests.is_empty() || SENT_BY_US_ALONE.contains(&id), "{id}");
            continue;
        };
        // A token that is refused is replaced once: the same request, with a new one.
        let tries = if id == "logto-email/answer-401" { 2 } else { 1 };
        assert_eq!(replayed.requests.len(), tries, "{id}");
        for request in &replayed.requests {
            let request = RequestRecord::of(request, &["accept", "authorization", "content-type"]);
            assert_eq!(request, *expected, "{id}");
        }
        compared += 1;
    }
    assert_eq!(compared, 20);
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    for recording in recordings("logto-email") {
        let id = recording.id();
        let outcome = match replay(&recording).await.outcome {
            Ok(_) => Outcome::Sent,
            Err(error) => Outcome::Failed(error.kind(), error.delivery()),
        };
        assert_eq!(outcome, expected_outcome(id), "{id}");
        let sent = outcome == Outcome::Sent && !SENT_BY_US_ALONE.contains(&id) || SENT_BY_LOGTO_ALONE.contains(&id);
        assert_eq!(recording.recorded.outcome.is_sent(), sent, "{id}");
    }
}

#[tokio::test]
async fn a_name_with_dots_goes_out_as_it_is() {
    let recordings = recordings("logto-email");
    let recording = recordings.iter().find(|one| one.id() == SENT_BY_US_ALONE[0]).unwrap();
    let request = replay(recording).await.only_request(&[]);
    let payload = &request.body.unwrap().json.unwrap()["data"]["payload"];
    assert_eq!(payload["senderName"], "St. John p.s.a. 1.5");
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    let differently = [
        "logto-email/branding-name-with-dots",
        "logto-email/config-empty",
        "logto-email/config-without-endpoint",
        "logto-email/config-wrong-senderName",
    ];
    for recording in recordings("logto-email") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        let agrees = recording.recorded.config_is_valid() == report.is_valid();
        assert_eq!(agrees, !differently.contains(&id), "{id}: Logto says {}", recording.recorded.config_guard);
    }
}

/// As Logto stores it: its cloud fills the rest in, and ours say what is missing.
#[test]
fn a_configuration_of_branding_alone_is_told_everything_that_sending_needs() {
    let report = CONNECTOR.validate(&json!({ "senderName": "Example" }));
    let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/endpoint", "/tokenEndpoint", "/resource", "/appId", "/appSecret"]);
}
