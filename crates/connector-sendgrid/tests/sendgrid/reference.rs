//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_sendgrid::CONNECTOR;
use connector_testkit::{
    recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::{Difference::Json, Reference, without_tags},
    },
};
use serde_json::{Value, json};

use crate::provider::accepted;

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

/// Every failure has a kind, and what SendGrid does not say as it does counts for nothing.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        ("sendgrid/answer-200-html", Failed(InvalidResponse, Unknown)),
        ("sendgrid/answer-200-invalid-json", Failed(InvalidResponse, Unknown)),
        ("sendgrid/answer-404", Failed(Rejected, NotSent)),
        ("sendgrid/answer-413", Failed(Rejected, NotSent)),
        ("sendgrid/answer-422", Failed(Rejected, NotSent)),
        ("sendgrid/answer-429-retry-after", Failed(RateLimited, NotSent)),
        ("sendgrid/answer-500", Failed(Unavailable, NotSent)),
        ("sendgrid/answer-500-then-200", Failed(Unavailable, NotSent)),
        ("sendgrid/answer-cut-body", Failed(InvalidResponse, Unknown)),
        ("sendgrid/api-key-unicode", Refused(&["/apiKey"])),
        ("sendgrid/config-empty", Refused(&["/apiKey", "/fromEmail", "/templates"])),
        ("sendgrid/config-no-templates", Refused(&["/templates"])),
        ("sendgrid/config-without-apiKey", Refused(&["/apiKey"])),
        ("sendgrid/config-wrong-fromName", Refused(&["/fromName"])),
        ("sendgrid/network-reset", Failed(Unavailable, Unknown)),
        ("sendgrid/to-crlf", Failed(InvalidMessage, NotSent)),
        ("sendgrid/type-no-generic", Refused(&["/templates"])),
    ]
};

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recordings("sendgrid"),
        not_sent: NOT_SENT,
        // It takes any 2xx for success, and passes line breaks on.
        sent_by_logto_alone: &["sendgrid/answer-200-html", "sendgrid/answer-200-invalid-json", "sendgrid/to-crlf"],
        // Logto fails at every send.
        refused_by_us_alone: &["sendgrid/api-key-unicode"],
        ..Expectations::default()
    };
    Reference {
        headers: &["authorization", "content-type"],
        usual: &[Json(text_alternative_added)],
        differences: &[
            ("sendgrid/render-values-of-other-types", &[Json(lists_and_objects_as_json)]),
            ("sendgrid/to-display-name-unicode", &[Json(recipient_parsed), Json(text_alternative_added)]),
        ],
        compared: 27,
        ..Reference::new(Replay::new(&CONNECTOR, accepted()), expectations)
    }
}

connector_testkit::reference!(reference);
