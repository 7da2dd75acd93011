//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_aliyun_dm::CONNECTOR;
use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    Recording, recordings,
    replay::{Replay, Replayed},
};
use url::form_urlencoded;

use crate::provider::{accepted, signed};

/// Where the recordings' clock stood.
fn recorded_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_767_323_045_678)
}

/// Every UUID of the recordings.
const RECORDED_UUID: &str = "11111111-2222-4333-8444-555555555555";

type Form = Vec<(String, String)>;
/// A difference in the request that is meant.
type Difference = fn(&mut Form);

fn value<'f>(form: &'f mut Form, wanted: &str) -> &'f mut String {
    &mut form.iter_mut().find(|(name, _)| name == wanted).unwrap().1
}

/// HTML goes with a text alternative behind it.
fn text_alternative_added(form: &mut Form) {
    let at = form.iter().position(|(name, _)| name == "HtmlBody").unwrap();
    let text = without_tags(&form[at].1);
    form.insert(at + 1, ("TextBody".to_owned(), text));
}

/// Values in HTML are text to whoever reads it.
fn values_escaped(form: &mut Form) {
    let html = value(form, "HtmlBody");
    for (value, escaped) in [
        ("!\"#$%&'()*+,-./:;<=>?@", "!&quot;#$%&amp;&#39;()*+,-./:;&lt;=&gt;?@"),
        ("$& $1 $$ $` $'", "$&amp; $1 $$ $` $&#39;"),
    ] {
        *html = html.replace(value, escaped);
    }
}

/// A subject is one line without control characters.
fn subject_on_one_line(form: &mut Form) {
    let subject = value(form, "Subject");
    assert!(subject.contains('\t'));
    *subject = subject.replace('\t', " ");
}

/// The differences in the request of one recording, in the order in which they are made.
fn differences(id: &str) -> Vec<Difference> {
    match id {
        // No content has no text.
        "aliyun-dm/render-empty-texts" => vec![],
        "aliyun-dm/render-value-looks-like-template" => vec![text_alternative_added, values_escaped],
        "aliyun-dm/signature-special-characters" => vec![text_alternative_added, values_escaped, subject_on_one_line],
        _ => vec![text_alternative_added],
    }
}

/// What the caller gets.
#[derive(Debug, PartialEq)]
enum Outcome {
    Sent,
    Failed(ErrorKind, Delivery),
}

/// Where what the caller gets differs from "sent": every failure has a kind.
fn expected_outcome(id: &str) -> Outcome {
    use {Delivery::*, ErrorKind::*, Outcome::Failed};
    match id {
        "aliyun-dm/answer-200-invalid-json" => Failed(InvalidResponse, Unknown),
        // Never followed.
        "aliyun-dm/answer-302-other-host" | "aliyun-dm/answer-307-other-host" => Failed(InvalidResponse, NotSent),
        "aliyun-dm/answer-400" | "aliyun-dm/answer-404" => Failed(Rejected, NotSent),
        "aliyun-dm/answer-429-retry-after" => Failed(RateLimited, NotSent),
        "aliyun-dm/answer-502-html" | "aliyun-dm/network-untrusted-certificate" => Failed(Unavailable, NotSent),
        // Logto passes line breaks and lists on.
        "aliyun-dm/to-crlf" | "aliyun-dm/to-empty" | "aliyun-dm/to-list" => Failed(InvalidMessage, NotSent),
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// Configurations that neither takes, and where ours sees the fault.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 6] = [
    ("aliyun-dm/config-empty", &["/accessKeyId", "/accessKeySecret", "/accountName", "/templates"]),
    ("aliyun-dm/config-without-accessKeyId", &["/accessKeyId"]),
    ("aliyun-dm/config-without-accessKeySecret", &["/accessKeySecret"]),
    ("aliyun-dm/config-without-accountName", &["/accountName"]),
    ("aliyun-dm/config-wrong-fromAlias", &["/fromAlias"]),
    ("aliyun-dm/config-wrong-regionId", &["/regionId"]),
];

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(&CONNECTOR, accepted()).run(recording).await
}

fn secret(recording: &Recording) -> &str {
    recording.given.effective_config()["accessKeySecret"].as_str().unwrap()
}

/// By the recordings' clock and UUID, our signature is Logto's.
#[test]
fn every_recorded_signature_is_computed_again() {
    let mut computed = 0;
    for recording in recordings("aliyun-dm") {
        for request in &recording.recorded.requests {
            let form = request.body.as_ref().unwrap().form.as_ref().unwrap();
            assert_eq!(form[form.len() - 1].0, "Signature");
            assert_eq!(signed(form, RECORDED_UUID, recorded_time(), secret(&recording)), *form, "{}", recording.id());
            computed += 1;
        }
    }
    assert_eq!(computed, 31);
}

/// Parameters that Logto's connector never sends, and a signature computed apart from ours (by Python's hmac).
#[test]
fn a_signature_covers_whatever_is_sent() {
    let form = [
        ("Action", "SingleSendMail"),
        ("Format", "json"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
        ("Version", "2015-11-23"),
        ("AccessKeyId", "LTAIexample"),
        ("AccountName", "noreply@example.com"),
        ("ReplyToAddress", "false"),
        ("AddressType", "1"),
        ("ToAddress", "user@example.com"),
        ("FromAlias", "Example"),
        ("Subject", "s"),
        ("HtmlBody", "<p>!'()* ü</p>"),
        ("TextBody", "!'()* ü"),
        ("ReplyAddress", "help@example.com"),
        ("ReplyAddressAlias", "Help"),
        ("RegionId", "cn-hangzhou"),
    ];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let signed = signed(&form, RECORDED_UUID, recorded_time(), "aliyun-secret-example");
    assert_eq!(signed.last().unwrap().1, "Fz1JyWPk3R0AQIfPirTzYp4PcnA=");
}

#[tokio::test]
async fn requests_are_logtos_apart_from_the_differences_named_here() {
    let mut compared = 0;
    for recording in recordings("aliyun-dm") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if matches!(expected_outcome(id), Outcome::Failed(ErrorKind::InvalidConfig | ErrorKind::InvalidMessage, _)) {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            continue;
        }
        // Where there is a second one, Logto followed a redirect.
        let Some(recorded) = recording.recorded.requests.first() else {
            assert_eq!((id, replayed.requests.len()), ("aliyun-dm/network-untrusted-certificate", 0));
            continue;
        };
        let mut sent = replayed.only_request(&["content-type"]);
        let mut expected = recorded.clone();
        let ours = sent.body.as_mut().unwrap().form.as_mut().unwrap();
        let form = expected.body.as_mut().unwrap().form.as_mut().unwrap();
        differences(id).iter().for_each(|difference| difference(form));
        // The clock goes on: both signed by the recordings' clock and UUID.
        *form = signed(form, RECORDED_UUID, recorded_time(), secret(&recording));
        *ours = signed(ours, RECORDED_UUID, recorded_time(), secret(&recording));
        let raw = |form: &Form| Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
        (expected.body.as_mut().unwrap().raw, sent.body.as_mut().unwrap().raw) = (raw(form), raw(ours));
        assert_eq!(sent, expected, "{id}");
        compared += 1;
    }
    assert_eq!(compared, 26);
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    for recording in recordings("aliyun-dm") {
        let id = recording.id();
        let outcome = match replay(&recording).await.outcome {
            Ok(receipt) => {
                assert!(receipt.message_id.is_some(), "{id}");
                Outcome::Sent
            }
            Err(error) => Outcome::Failed(error.kind(), error.delivery()),
        };
        assert_eq!(outcome, expected_outcome(id), "{id}");
        let refused = matches!(outcome, Outcome::Failed(ErrorKind::InvalidMessage, _));
        assert!(recording.recorded.outcome.is_sent() == (outcome == Outcome::Sent) || refused, "{id}");
    }
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    for recording in recordings("aliyun-dm") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        let guard = &recording.recorded.config_guard;
        assert_eq!(recording.recorded.config_is_valid(), report.is_valid(), "{id}: Logto says {guard}");
    }
}

/// What nobody sees of a mail's HTML; the recordings' templates have a few tags and nothing else.
fn without_tags(html: &str) -> String {
    ["<p>", "</p>", "<b>", "</b>", "<i>", "</i>"].iter().fold(html.to_owned(), |text, tag| text.replace(tag, ""))
}
