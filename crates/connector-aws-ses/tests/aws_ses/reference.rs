//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use std::collections::BTreeMap;

use connector_aws_ses::CONNECTOR;
use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    RequestRecord, recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::{
            Difference::{Json, Request},
            Reference, without_tags,
        },
    },
};
use serde_json::{Value, json};

use crate::{
    provider::accepted,
    signature::{Signed, hash, signed_headers},
};

/// The other headers are the client's and the clock's; what of them is signed is in the signature's own test.
fn only_the_content_type_compared(request: &mut RequestRecord) {
    request.headers.retain(|name, _| name == "content-type");
}

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

/// Every failure has a kind, and one attempt is one request.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        ("aws-ses/answer-200-gzip", Failed(InvalidResponse, Unknown)),
        ("aws-ses/answer-200-html", Failed(InvalidResponse, Unknown)),
        ("aws-ses/answer-200-invalid-json", Failed(InvalidResponse, Unknown)),
        ("aws-ses/answer-400", Failed(Rejected, NotSent)),
        ("aws-ses/answer-400-throttling", Failed(RateLimited, NotSent)),
        ("aws-ses/answer-400-type-in-body", Failed(Rejected, NotSent)),
        ("aws-ses/answer-403", Failed(Unauthorized, NotSent)),
        ("aws-ses/answer-404", Failed(Rejected, NotSent)),
        ("aws-ses/answer-422", Failed(Rejected, NotSent)),
        ("aws-ses/answer-500-then-200", Failed(Unavailable, NotSent)),
        ("aws-ses/answer-502-html", Failed(Unavailable, Unknown)),
        ("aws-ses/answer-cut-body", Failed(InvalidResponse, Unknown)),
        ("aws-ses/config-no-templates", Refused(&["/templates"])),
        ("aws-ses/config-without-accessKeyId", Refused(&["/accessKeyId"])),
        ("aws-ses/config-without-region", Refused(&["/region"])),
        ("aws-ses/config-without-templates", Refused(&["/templates"])),
        ("aws-ses/config-wrong-emailAddress", Refused(&["/emailAddress"])),
        ("aws-ses/config-wrong-region", Refused(&["/region"])),
        ("aws-ses/config-wrong-templates", Refused(&["/templates"])),
        // Logto drops the Reply-To that has a line break.
        ("aws-ses/i18n-injection-in-send-from", Failed(InvalidMessage, NotSent)),
        ("aws-ses/network-reset", Failed(Unavailable, Unknown)),
        ("aws-ses/region-empty", Refused(&["/region"])),
        ("aws-ses/region-invalid", Refused(&["/region"])),
        ("aws-ses/to-crlf", Failed(InvalidMessage, NotSent)),
    ]
};

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recordings("aws-ses"),
        not_sent: NOT_SENT,
        sent_by_logto_alone: &[
            // The second attempt is the retry layer's with us.
            "aws-ses/answer-500-then-200",
            "aws-ses/i18n-injection-in-send-from",
            "aws-ses/to-crlf",
        ],
        // Logto fails at every send.
        refused_by_us_alone: &["aws-ses/region-empty", "aws-ses/region-invalid"],
        ..Expectations::default()
    };
    Reference {
        headers: &["content-type"],
        usual: &[Request(only_the_content_type_compared), Json(utf_8_said_everywhere), Json(text_alternative_added)],
        differences: &[
            (
                "aws-ses/empty-optional-fields",
                &[
                    Request(only_the_content_type_compared),
                    Json(utf_8_said_everywhere),
                    Json(text_alternative_added),
                    Json(blank_fields_left_out),
                ],
            ),
            (
                "aws-ses/i18n-all-fields-html",
                &[
                    Request(only_the_content_type_compared),
                    Json(utf_8_said_everywhere),
                    Json(text_alternative_added),
                    Json(sender_and_replies_carried),
                ],
            ),
            (
                "aws-ses/i18n-all-fields-plain",
                &[
                    Request(only_the_content_type_compared),
                    Json(utf_8_said_everywhere),
                    Json(plain_is_text),
                    Json(sender_named_and_replies_carried),
                ],
            ),
            (
                "aws-ses/render-html-in-value",
                &[Request(only_the_content_type_compared), Json(utf_8_said_everywhere), Json(values_escaped)],
            ),
            (
                "aws-ses/render-injection-in-subject",
                &[
                    Request(only_the_content_type_compared),
                    Json(utf_8_said_everywhere),
                    Json(text_alternative_added),
                    Json(subject_on_one_line),
                ],
            ),
            (
                "aws-ses/to-display-name-unicode",
                &[
                    Request(only_the_content_type_compared),
                    Json(utf_8_said_everywhere),
                    Json(text_alternative_added),
                    Json(recipient_parsed),
                ],
            ),
        ],
        compared: 36,
        ..Reference::new(Replay::new(&CONNECTOR, accepted()), expectations)
    }
}

connector_testkit::reference!(reference);

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
    let (replay, mut verified) = (Replay::new(&CONNECTOR, accepted()), 0);
    for recording in recordings("aws-ses") {
        let (id, config) = (recording.id(), recording.given.effective_config());
        for request in replay.run(&recording).await.requests {
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
