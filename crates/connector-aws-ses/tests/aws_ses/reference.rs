//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use std::collections::BTreeMap;

use connector_aws_ses::CONNECTOR;
use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    Recording, RequestRecord, recordings,
    replay::{Replay, Replayed},
};
use serde_json::{Value, json};

use crate::{
    provider::accepted,
    signature::{Signed, hash, signed_headers},
};

/// A difference in the request that is meant.
type Difference = fn(&mut Value);

/// The charset has its registered name, and the HTML has one too.
fn utf_8_said_everywhere(body: &mut Value) {
    let simple = &mut body["Content"]["Simple"];
    assert_eq!(simple["Subject"]["Charset"], "utf8");
    assert_eq!(simple["Body"]["Html"].get("Charset"), None);
    simple["Subject"]["Charset"] = json!("UTF-8");
    simple["Body"]["Html"]["Charset"] = json!("UTF-8");
}

/// HTML goes with a text alternative.
fn text_alternative_added(body: &mut Value) {
    let parts = &mut body["Content"]["Simple"]["Body"];
    let text = without_tags(parts["Html"]["Data"].as_str().unwrap());
    parts["Text"] = json!({ "Data": text, "Charset": "UTF-8" });
}

/// A plain template is text and no HTML.
fn plain_is_text(body: &mut Value) {
    let parts = &mut body["Content"]["Simple"]["Body"];
    *parts = json!({ "Text": parts["Html"] });
}

/// A localized template says who sends and where replies go.
fn sender_and_replies_carried(body: &mut Value) {
    assert_eq!((&body["FromEmailAddress"], body.get("ReplyToAddresses")), (&json!("noreply@example.com"), None));
    body["FromEmailAddress"] = json!("Demo <99@example.com>");
    body["ReplyToAddresses"] = json!(["reply-99@example.com"]);
}

/// A sender that is only a name goes with the configured address.
fn sender_named_and_replies_carried(body: &mut Value) {
    body["FromEmailAddress"] = json!("Demo Team <noreply@example.com>");
    // A variable that nobody gives stays as it is written.
    body["ReplyToAddresses"] = json!(["{{missing}}@example.com"]);
}

/// Values are escaped in HTML, and nowhere else.
fn values_escaped(body: &mut Value) {
    let parts = &mut body["Content"]["Simple"]["Body"];
    let raw = "<script>alert(\"x\")</script> & 'quotes' \"double\" <b>";
    let escaped =
        "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;quotes&#39; &quot;double&quot; &lt;b&gt;";
    assert_eq!(parts["Html"]["Data"], format!("<p>Hi {raw}</p>"));
    parts["Html"]["Data"] = json!(format!("<p>Hi {escaped}</p>"));
    parts["Text"] = json!({ "Data": format!("Hi {raw}"), "Charset": "UTF-8" });
}

/// A subject is one line.
fn subject_on_one_line(body: &mut Value) {
    let subject = &mut body["Content"]["Simple"]["Subject"]["Data"];
    assert_eq!(*subject, "Code 1\r\nBcc: evil@example.net\r\n\r\nowned");
    *subject = json!("Code 1 Bcc: evil@example.net owned");
}

/// A recipient's name is encoded, and the domain is in ASCII.
fn recipient_parsed(body: &mut Value) {
    let to = &mut body["Destination"]["ToAddresses"];
    assert_eq!(*to, json!(["李雷 <user@例え.jp>"]));
    *to = json!(["=?utf-8?b?5p2O6Zu3?= <user@xn--r8jz45g.jp>"]);
}

/// A field left blank is not set.
fn blank_fields_left_out(body: &mut Value) {
    for name in ["FromEmailAddress", "ConfigurationSetName"] {
        assert_eq!(body.as_object_mut().unwrap().shift_remove(name), Some(json!("")));
    }
}

/// The differences in the request of one recording, in the order in which they are made.
fn differences(id: &str) -> Vec<Difference> {
    let own: &[Difference] = match id {
        "aws-ses/i18n-all-fields-html" => &[text_alternative_added, sender_and_replies_carried],
        "aws-ses/i18n-all-fields-plain" => &[plain_is_text, sender_named_and_replies_carried],
        "aws-ses/render-html-in-value" => &[values_escaped],
        "aws-ses/render-injection-in-subject" => &[text_alternative_added, subject_on_one_line],
        "aws-ses/to-display-name-unicode" => &[text_alternative_added, recipient_parsed],
        "aws-ses/empty-optional-fields" => &[text_alternative_added, blank_fields_left_out],
        _ => &[text_alternative_added],
    };
    [&[utf_8_said_everywhere as Difference], own].concat()
}

/// What the caller gets.
#[derive(Debug, PartialEq)]
enum Outcome {
    Sent,
    Failed(ErrorKind, Delivery),
}

/// Where what the caller gets differs from "sent" and "some error" of the recording: every failure has a kind, and one
/// attempt is one request.
fn expected_outcome(id: &str) -> Outcome {
    use {Delivery::*, ErrorKind::*, Outcome::Failed};
    match id {
        "aws-ses/answer-200-gzip"
        | "aws-ses/answer-200-html"
        | "aws-ses/answer-200-invalid-json"
        | "aws-ses/answer-cut-body" => Failed(InvalidResponse, Unknown),
        "aws-ses/answer-400-throttling" => Failed(RateLimited, NotSent),
        "aws-ses/answer-403" => Failed(Unauthorized, NotSent),
        "aws-ses/answer-400" | "aws-ses/answer-400-type-in-body" | "aws-ses/answer-404" | "aws-ses/answer-422" => {
            Failed(Rejected, NotSent)
        }
        "aws-ses/answer-500-then-200" | "aws-ses/answer-502-html" => Failed(Unavailable, NotSent),
        "aws-ses/network-reset" => Failed(Unavailable, Unknown),
        // Logto passes the line break on, and drops the Reply-To that has one.
        "aws-ses/to-crlf" | "aws-ses/i18n-injection-in-send-from" => Failed(InvalidMessage, NotSent),
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// Configurations that neither can send with, and where ours sees the fault.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 9] = [
    ("aws-ses/config-no-templates", &["/templates"]),
    ("aws-ses/config-without-accessKeyId", &["/accessKeyId"]),
    ("aws-ses/config-without-region", &["/region"]),
    ("aws-ses/config-without-templates", &["/templates"]),
    ("aws-ses/config-wrong-emailAddress", &["/emailAddress"]),
    ("aws-ses/config-wrong-region", &["/region"]),
    ("aws-ses/config-wrong-templates", &["/templates"]),
    ("aws-ses/region-empty", &["/region"]),
    ("aws-ses/region-invalid", &["/region"]),
];
/// Logto takes these, and fails at every send.
const REFUSED_TOO_LATE: [&str; 2] = ["aws-ses/region-empty", "aws-ses/region-invalid"];

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(&CONNECTOR, accepted()).run(recording).await
}

#[tokio::test]
async fn requests_are_logtos_apart_from_the_differences_named_here() {
    let mut compared = 0;
    for recording in recordings("aws-ses") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if matches!(expected_outcome(id), Outcome::Failed(ErrorKind::InvalidConfig | ErrorKind::InvalidMessage, _)) {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            continue;
        }
        let mut expected: RequestRecord = recording.recorded.requests[0].clone();
        // The rest is the client's and the clock's; what of it is signed is in the signature's own test.
        expected.headers.retain(|name, _| name == "content-type");
        let body = expected.body.as_mut().and_then(|body| body.json.as_mut()).unwrap();
        differences(id).iter().for_each(|difference| difference(body));
        assert_eq!(replayed.only_request(&["content-type"]), expected, "{id}");
        compared += 1;
    }
    assert_eq!(compared, 36);
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    for recording in recordings("aws-ses") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        assert!(replayed.requests.len() <= 1, "{id}: one attempt is one request");
        let outcome = match replayed.outcome {
            Ok(receipt) => {
                assert!(receipt.message_id.is_some(), "{id}");
                Outcome::Sent
            }
            Err(error) => Outcome::Failed(error.kind(), error.delivery()),
        };
        assert_eq!(outcome, expected_outcome(id), "{id}");
        // Logto's second attempt after a 500 is the retry layer's with us.
        let differs = ["aws-ses/to-crlf", "aws-ses/i18n-injection-in-send-from", "aws-ses/answer-500-then-200"];
        assert_eq!(recording.recorded.outcome.is_sent(), outcome == Outcome::Sent || differs.contains(&id), "{id}");
    }
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    for recording in recordings("aws-ses") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        let agrees = recording.recorded.config_is_valid() == report.is_valid();
        assert!(agrees || REFUSED_TOO_LATE.contains(&id), "{id}: Logto says {}", recording.recorded.config_guard);
    }
}

/// The calculation that judges our signatures is itself judged by the recordings'.
#[test]
fn the_recordings_signatures_come_out_of_our_calculation() {
    let mut verified = 0;
    for recording in recordings("aws-ses") {
        let (id, config) = (recording.id(), recording.given.effective_config());
        for request in &recording.recorded.requests {
            let body = serde_json::to_vec(request.body.as_ref().unwrap().json.as_ref().unwrap()).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let mut headers: BTreeMap<String, String> =
                request.headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            assert_eq!(hash(&body), headers["x-amz-content-sha256"], "{id}");
            headers.insert("host".to_owned(), request.host.clone());
            headers.insert("content-length".to_owned(), body.len().to_string());
            let authorization = headers["authorization"].clone();
            let signed = Signed { method: &request.method, path: &request.path, headers, body: &body };
            assert_eq!(expected_authorization(&signed, config, &authorization), authorization, "{id}");
            verified += 1;
        }
    }
    assert!(verified > 40, "{verified}");
}

#[tokio::test]
async fn requests_are_signed_for_their_host_and_body() {
    let mut verified = 0;
    for recording in recordings("aws-ses") {
        let (id, config) = (recording.id(), recording.given.effective_config());
        for request in replay(&recording).await.requests {
            let headers: BTreeMap<String, String> =
                request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
            let authorization = headers["authorization"].clone();
            let names: Vec<&str> = signed_headers(&authorization).split(';').collect();
            for name in ["content-type", "host", "x-amz-date"] {
                assert!(names.contains(&name), "{id}: {name} is not signed");
            }
            let signed = Signed { method: &request.method, path: &request.path, headers, body: &request.body };
            assert_eq!(expected_authorization(&signed, config, &authorization), authorization, "{id}");
            verified += 1;
        }
    }
    assert_eq!(verified, 36);
}

fn expected_authorization(signed: &Signed<'_>, config: &Value, authorization: &str) -> String {
    let text = |name: &str| config[name].as_str().unwrap();
    let (id, secret, region) = (text("accessKeyId"), text("accessKeySecret"), text("region"));
    signed.authorization(id, secret, region, "ses", signed_headers(authorization))
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
