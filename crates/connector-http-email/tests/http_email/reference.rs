//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_http_email::CONNECTOR;
use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    Answer, recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::{Difference::Json, Reference},
    },
};
use serde_json::{Value, json};

/// A recipient is parsed, and its domain is in ASCII.
fn recipient_parsed(body: &mut Value) {
    assert_eq!(body["to"], "李雷 <user@例え.jp>");
    body["to"] = json!("李雷 <user@xn--r8jz45g.jp>");
}

/// Every failure has a kind.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        // Logto follows, with the token, and counts what it finds there as sent.
        ("http-email/answer-302-other-host", Failed(InvalidResponse, Unknown)),
        ("http-email/answer-303", Failed(InvalidResponse, Unknown)),
        ("http-email/answer-400", Failed(Rejected, NotSent)),
        ("http-email/answer-401", Failed(Unauthorized, NotSent)),
        ("http-email/answer-404", Failed(Rejected, NotSent)),
        ("http-email/answer-429-retry-after", Failed(RateLimited, NotSent)),
        ("http-email/answer-500-then-200", Failed(Unavailable, NotSent)),
        ("http-email/answer-502-html", Failed(Unavailable, Unknown)),
        ("http-email/answer-hang-up", Failed(Unavailable, Unknown)),
        ("http-email/answer-redirect-loop", Failed(InvalidResponse, NotSent)),
        ("http-email/authorization-crlf", Refused(&["/authorization"])),
        ("http-email/config-null", Refused(&[""])),
        ("http-email/config-wrong-authorization", Refused(&["/authorization"])),
        ("http-email/endpoint-not-a-url", Refused(&["/endpoint"])),
        ("http-email/endpoint-query-and-user", Refused(&["/endpoint"])),
        ("http-email/network-refused", Failed(Unavailable, NotSent)),
        ("http-email/network-untrusted-certificate", Failed(Unavailable, NotSent)),
    ]
};

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recordings("http-email"),
        not_sent: NOT_SENT,
        // A followed redirect, and credentials in the URL.
        sent_by_logto_alone: &[
            "http-email/answer-302-other-host",
            "http-email/answer-303",
            "http-email/endpoint-query-and-user",
        ],
        // Two fail at every send, of the third the credentials override `authorization`.
        refused_by_us_alone: &[
            "http-email/authorization-crlf",
            "http-email/endpoint-not-a-url",
            "http-email/endpoint-query-and-user",
        ],
        ..Expectations::default()
    };
    Reference {
        // Nobody asked for a signature. Beyond what Logto sends there is `webhook-id`, of which the receipt has the value.
        headers: &["authorization", "content-type", "webhook-timestamp", "webhook-signature"],
        differences: &[("http-email/to-display-name-unicode", &[Json(recipient_parsed)])],
        compared: 28,
        ..Reference::new(Replay::new(&CONNECTOR, Answer::status(200).json(json!({}))), expectations)
    }
}

connector_testkit::reference!(reference);
