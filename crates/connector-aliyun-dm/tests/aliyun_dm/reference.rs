//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_aliyun_dm::CONNECTOR;
use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    Recording, RequestRecord, recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::{Difference::Form as InForm, Form, Reference, encoded, without_tags},
    },
};

use crate::provider::{accepted, signed};

/// Where the recordings' clock stood.
fn recorded_time() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_767_323_045_678)
}

/// Every UUID of the recordings.
const RECORDED_UUID: &str = "11111111-2222-4333-8444-555555555555";

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

/// Every failure has a kind.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        ("aliyun-dm/answer-200-invalid-json", Failed(InvalidResponse, Unknown)),
        // Never followed.
        ("aliyun-dm/answer-302-other-host", Failed(InvalidResponse, Unknown)),
        ("aliyun-dm/answer-307-other-host", Failed(InvalidResponse, NotSent)),
        ("aliyun-dm/answer-400", Failed(Rejected, NotSent)),
        ("aliyun-dm/answer-404", Failed(Rejected, NotSent)),
        ("aliyun-dm/answer-429-retry-after", Failed(RateLimited, NotSent)),
        ("aliyun-dm/answer-502-html", Failed(Unavailable, Unknown)),
        ("aliyun-dm/config-empty", Refused(&["/accessKeyId", "/accessKeySecret", "/accountName", "/templates"])),
        ("aliyun-dm/config-without-accessKeyId", Refused(&["/accessKeyId"])),
        ("aliyun-dm/config-without-accessKeySecret", Refused(&["/accessKeySecret"])),
        ("aliyun-dm/config-without-accountName", Refused(&["/accountName"])),
        ("aliyun-dm/config-wrong-fromAlias", Refused(&["/fromAlias"])),
        ("aliyun-dm/config-wrong-regionId", Refused(&["/regionId"])),
        ("aliyun-dm/network-untrusted-certificate", Failed(Unavailable, NotSent)),
        // Logto passes these on.
        ("aliyun-dm/to-crlf", Failed(InvalidMessage, NotSent)),
        ("aliyun-dm/to-empty", Failed(InvalidMessage, NotSent)),
        ("aliyun-dm/to-list", Failed(InvalidMessage, NotSent)),
    ]
};

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recordings("aliyun-dm"),
        not_sent: NOT_SENT,
        sent_by_logto_alone: &["aliyun-dm/to-crlf", "aliyun-dm/to-empty", "aliyun-dm/to-list"],
        ..Expectations::default()
    };
    Reference {
        headers: &["content-type"],
        usual: &[InForm(text_alternative_added)],
        differences: &[
            // No content has no text.
            ("aliyun-dm/render-empty-texts", &[]),
            ("aliyun-dm/render-value-looks-like-template", &[InForm(text_alternative_added), InForm(values_escaped)]),
            (
                "aliyun-dm/signature-special-characters",
                &[InForm(text_alternative_added), InForm(values_escaped), InForm(subject_on_one_line)],
            ),
        ],
        without_chance: signed_at_the_recorded_time,
        compared: 26,
        ..Reference::new(Replay::new(&CONNECTOR, accepted()), expectations)
    }
}

connector_testkit::reference!(reference);

/// The clock goes on: the request as the recordings' clock and UUID would have it signed.
fn signed_at_the_recorded_time(recording: &Recording, request: &mut RequestRecord) {
    let body = request.body.as_mut().unwrap();
    let form = body.form.as_mut().unwrap();
    *form = signed(form, RECORDED_UUID, recorded_time(), secret(recording));
    body.raw = Some(encoded(form));
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
