//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_sendgrid::CONNECTOR;
use connector_testkit::{
    Recording, RequestRecord, recordings,
    replay::{Replay, Replayed},
};
use serde_json::{Value, json};

use crate::provider::accepted;

/// A difference in the request that is meant.
type Difference = fn(&mut Value);

/// HTML goes with a text alternative in front of it.
fn text_alternative_added(body: &mut Value) {
    let [html] = body["content"].as_array().unwrap().as_slice() else { panic!("{body}") };
    if html["type"] == "text/html" {
        let text = json!({ "type": "text/plain", "value": without_tags(html["value"].as_str().unwrap()) });
        body["content"].as_array_mut().unwrap().insert(0, text);
    }
}

/// A recipient is an address with a name, and its domain is in ASCII.
fn recipient_parsed(body: &mut Value) {
    let to = &mut body["personalizations"][0]["to"][0];
    assert_eq!(to["email"], "李雷 <user@例え.jp>");
    *to = json!({ "email": "user@xn--r8jz45g.jp", "name": "李雷" });
}

/// Lists and objects are JSON, not what JavaScript's `toString` makes of them.
fn lists_and_objects_as_json(body: &mut Value) {
    let content = &mut body["content"][0]["value"];
    assert_eq!(*content, "1,a, [object Object] 0 1.5 1e+21 ");
    *content = json!(r#"[1,"a",null] {"a":1} 0 1.5 1e+21 "#);
}

/// The differences in the request of one recording, in the order in which they are made.
fn differences(id: &str) -> Vec<Difference> {
    match id {
        "sendgrid/to-display-name-unicode" => vec![recipient_parsed, text_alternative_added],
        "sendgrid/render-values-of-other-types" => vec![lists_and_objects_as_json],
        _ => vec![text_alternative_added],
    }
}

/// What the caller gets.
#[derive(Debug, PartialEq)]
enum Outcome {
    Sent,
    Failed(ErrorKind, Delivery),
}

/// Where what the caller gets differs from "sent" and "some error" of the recording: every failure has a kind, and what
/// SendGrid does not say as it does counts for nothing.
fn expected_outcome(id: &str) -> Outcome {
    use {Delivery::*, ErrorKind::*, Outcome::Failed};
    match id {
        // Logto takes any 2xx for success.
        "sendgrid/answer-200-html" | "sendgrid/answer-200-invalid-json" | "sendgrid/answer-cut-body" => {
            Failed(InvalidResponse, Unknown)
        }
        "sendgrid/answer-404" | "sendgrid/answer-413" | "sendgrid/answer-422" => Failed(Rejected, NotSent),
        "sendgrid/answer-429-retry-after" => Failed(RateLimited, NotSent),
        "sendgrid/answer-500" | "sendgrid/answer-500-then-200" => Failed(Unavailable, NotSent),
        "sendgrid/network-reset" => Failed(Unavailable, Unknown),
        // Logto passes the line break on.
        "sendgrid/to-crlf" => Failed(InvalidMessage, NotSent),
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// Configurations that neither takes, and where ours sees the fault.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 6] = [
    // Logto takes it, and fails at every send.
    ("sendgrid/api-key-unicode", &["/apiKey"]),
    ("sendgrid/config-empty", &["/apiKey", "/fromEmail", "/templates"]),
    ("sendgrid/config-no-templates", &["/templates"]),
    ("sendgrid/config-without-apiKey", &["/apiKey"]),
    ("sendgrid/config-wrong-fromName", &["/fromName"]),
    ("sendgrid/type-no-generic", &["/templates"]),
];

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(&CONNECTOR, accepted()).run(recording).await
}

#[tokio::test]
async fn requests_are_logtos_apart_from_the_differences_named_here() {
    let mut compared = 0;
    for recording in recordings("sendgrid") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if matches!(expected_outcome(id), Outcome::Failed(ErrorKind::InvalidConfig | ErrorKind::InvalidMessage, _)) {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            continue;
        }
        let [recorded] = recording.recorded.requests.as_slice() else { panic!("{id}: one request is recorded") };
        let mut expected: RequestRecord = recorded.clone();
        let body = expected.body.as_mut().and_then(|body| body.json.as_mut()).unwrap();
        differences(id).iter().for_each(|difference| difference(body));
        assert_eq!(replayed.only_request(&["authorization", "content-type"]), expected, "{id}");
        compared += 1;
    }
    assert_eq!(compared, 27);
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    for recording in recordings("sendgrid") {
        let id = recording.id();
        let outcome = match replay(&recording).await.outcome {
            Ok(receipt) => {
                assert!(receipt.message_id.is_some(), "{id}");
                Outcome::Sent
            }
            Err(error) => Outcome::Failed(error.kind(), error.delivery()),
        };
        assert_eq!(outcome, expected_outcome(id), "{id}");
        let better = ["sendgrid/answer-200-html", "sendgrid/answer-200-invalid-json", "sendgrid/to-crlf"];
        assert_eq!(recording.recorded.outcome.is_sent(), outcome == Outcome::Sent || better.contains(&id), "{id}");
    }
}

#[tokio::test]
async fn a_wait_that_logto_ignores_reaches_the_caller() {
    let recordings = recordings("sendgrid");
    let recording = recordings.iter().find(|one| one.id() == "sendgrid/answer-429-retry-after").unwrap();
    let error = replay(recording).await.outcome.unwrap_err();
    assert_eq!(error.retry_after(), Some(std::time::Duration::from_secs(1)));
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    for recording in recordings("sendgrid") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        let agrees = recording.recorded.config_is_valid() == report.is_valid();
        assert!(agrees || id == "sendgrid/api-key-unicode", "{id}: Logto says {}", recording.recorded.config_guard);
    }
}

/// What nobody sees of a mail's HTML; the recordings' templates have tags and nothing else.
fn without_tags(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for char in html.chars() {
        match char {
            '<' => inside = true,
            '>' => inside = false,
            char if !inside => text.push(char),
            _ => {}
        }
    }
    text
}
