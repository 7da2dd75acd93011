//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_mailgun::CONNECTOR;
use connector_testkit::{
    Recording, RequestRecord, recordings,
    replay::{Replay, Replayed},
};
use url::form_urlencoded;

use crate::provider::accepted;

type Form = Vec<(String, String)>;
/// A difference in the request that is meant.
type Difference = fn(&mut Form);

fn value<'f>(form: &'f mut Form, wanted: &str) -> &'f mut String {
    &mut form.iter_mut().find(|(name, _)| name == wanted).unwrap().1
}

fn set(form: &mut Form, name: &str, from: &str, to: &str) {
    let value = value(form, name);
    assert_eq!(value, from);
    to.clone_into(value);
}

/// HTML goes with a text alternative behind it.
fn text_alternative_added(form: &mut Form) {
    assert!(form.iter().all(|(name, _)| name != "text"));
    let text = without_tags(value(form, "html"));
    form.push(("text".to_owned(), text));
}

/// Values in HTML are text to whoever reads it.
fn values_escaped(form: &mut Form) {
    let html = value(form, "html");
    for (value, escaped) in [
        (
            "<script>alert(\"x\")</script> & 'quotes' \"double\" <b>",
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;quotes&#39; &quot;double&quot; &lt;b&gt;",
        ),
        ("$& $1 $$ $` $'", "$&amp; $1 $$ $` $&#39;"),
    ] {
        *html = html.replace(value, escaped);
    }
}

/// A recipient is one mailbox: its domain is in ASCII, and so is its name as a header has it.
fn recipient_parsed(form: &mut Form) {
    set(form, "to", "李雷 <user@例え.jp>", "=?utf-8?b?5p2O6Zu3?= <user@xn--r8jz45g.jp>");
}

/// A delivery's `replyTo` is rendered as well.
fn reply_to_rendered(form: &mut Form) {
    set(form, "h:Reply-To", "reply+{{code}}@example.com", "reply+123456@example.com");
}

/// A subject is one line.
fn subject_on_one_line(form: &mut Form) {
    let broken = "Code 1\r\nBcc: evil@example.net\r\n\r\nowned";
    set(form, "subject", broken, "Code 1 Bcc: evil@example.net owned");
}

/// The differences in the request of one recording, in the order in which they are made.
fn differences(id: &str) -> Vec<Difference> {
    match id {
        // Mailgun's own templates.
        "mailgun/template-plain" => vec![],
        "mailgun/to-display-name-unicode" => vec![recipient_parsed, text_alternative_added],
        "mailgun/raw-all-fields" => vec![reply_to_rendered],
        "mailgun/render-injection-in-subject" => vec![subject_on_one_line],
        // These have a text of their own.
        "mailgun/render-html-in-value" | "mailgun/render-value-looks-like-template" => vec![values_escaped],
        _ if id.starts_with("mailgun/render-") => vec![],
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
        // Logto takes any 2xx for success.
        "mailgun/answer-200-html" | "mailgun/answer-201-json" => Failed(InvalidResponse, Unknown),
        "mailgun/answer-400" => Failed(Rejected, NotSent),
        "mailgun/answer-502-html" | "mailgun/network-untrusted-certificate" => Failed(Unavailable, NotSent),
        "mailgun/config-no-deliveries" => Failed(TemplateNotFound, NotSent),
        // Logto passes line breaks and lists on.
        "mailgun/to-crlf" | "mailgun/to-empty" | "mailgun/to-list" | "mailgun/i18n-injection-in-send-from" => {
            Failed(InvalidMessage, NotSent)
        }
        _ if CONFIGURATIONS_REFUSED.iter().any(|(refused, _)| *refused == id) => Failed(InvalidConfig, NotSent),
        _ => Outcome::Sent,
    }
}

/// Configurations that ours refuses, and where it sees the fault.
const CONFIGURATIONS_REFUSED: [(&str, &[&str]); 7] = [
    ("mailgun/config-empty", &["/domain", "/apiKey", "/from", "/deliveries"]),
    ("mailgun/config-without-domain", &["/domain"]),
    ("mailgun/config-wrong-domain", &["/domain"]),
    ("mailgun/config-wrong-endpoint", &["/endpoint"]),
    // Logto takes these.
    ("mailgun/endpoint-http", &["/endpoint"]),
    ("mailgun/endpoint-with-path", &["/endpoint"]),
    ("mailgun/from-with-crlf", &["/from"]),
];

/// Configurations on which ours and Logto differ: the endpoint's check, and a sender that is no mailbox.
const JUDGED_DIFFERENTLY: [&str; 4] = [
    "mailgun/endpoint-http",
    "mailgun/endpoint-with-path",
    "mailgun/from-with-crlf",
    // Ours takes it.
    "mailgun/endpoint-trailing-slash",
];

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(&CONNECTOR, accepted()).run(recording).await
}

#[tokio::test]
async fn requests_are_logtos_apart_from_the_differences_named_here() {
    let (mut compared, mut nothing_sent) = (0, 0);
    for recording in recordings("mailgun") {
        let id = recording.id();
        let replayed = replay(&recording).await;
        if let Outcome::Failed(ErrorKind::InvalidConfig | ErrorKind::InvalidMessage | ErrorKind::TemplateNotFound, _) =
            expected_outcome(id)
        {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            nothing_sent += 1;
            continue;
        }
        match (id, recording.recorded.requests.as_slice()) {
            ("mailgun/network-untrusted-certificate", []) => assert!(replayed.requests.is_empty()),
            // Logto refuses it; ours sends to the host it names.
            ("mailgun/endpoint-trailing-slash", []) => {
                let sent = replayed.only_request(&[]);
                assert_eq!(
                    (sent.host.as_str(), sent.path.as_str()),
                    ("api.eu.mailgun.net", "/v3/mg.example.com/messages")
                );
            }
            (_, [recorded]) => {
                let mut expected: RequestRecord = recorded.clone();
                let body = expected.body.as_mut().unwrap();
                let form = body.form.as_mut().unwrap();
                differences(id).iter().for_each(|difference| difference(form));
                body.raw = Some(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish());
                assert_eq!(replayed.only_request(&["authorization", "content-type"]), expected, "{id}");
                compared += 1;
            }
            _ => panic!("{id}: one request is recorded"),
        }
    }
    assert_eq!((compared, nothing_sent, recordings("mailgun").len()), (25, 12, 39));
}

#[tokio::test]
async fn outcomes_are_logtos_or_better() {
    let better = ["mailgun/answer-200-html", "mailgun/answer-201-json"];
    for recording in recordings("mailgun") {
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
        let agrees = recording.recorded.outcome.is_sent() == (outcome == Outcome::Sent);
        assert!(agrees || refused || better.contains(&id) || JUDGED_DIFFERENTLY.contains(&id), "{id}");
    }
}

#[tokio::test]
async fn configurations_are_judged_as_logto_judges_them() {
    for recording in recordings("mailgun") {
        let id = recording.id();
        let report = replay(&recording).await.report;
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        let refused = CONFIGURATIONS_REFUSED.iter().find(|(refused, _)| *refused == id);
        assert_eq!(pointers, refused.map_or(&[] as &[&str], |(_, pointers)| *pointers), "{id}");
        let agrees = recording.recorded.config_is_valid() == report.is_valid();
        assert!(agrees != JUDGED_DIFFERENTLY.contains(&id), "{id}: Logto says {}", recording.recorded.config_guard);
    }
}

/// What nobody sees of a mail's HTML; the recordings' deliveries have tags and nothing else.
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
