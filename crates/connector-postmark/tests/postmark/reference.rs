//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_postmark::CONNECTOR;
use connector_testkit::{
    recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::{Difference::Json, Reference},
    },
};
use serde_json::{Value, json};

use crate::provider::accepted;

/// A recipient is parsed, and its domain is in ASCII.
fn recipient_parsed(body: &mut Value) {
    assert_eq!(body["To"], "李雷 <user@例え.jp>");
    body["To"] = json!("李雷 <user@xn--r8jz45g.jp>");
}

/// Every failure has a kind.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        ("postmark/answer-200-error-code", Failed(Rejected, NotSent)),
        ("postmark/answer-200-gzip", Failed(InvalidResponse, Unknown)),
        ("postmark/answer-200-html", Failed(InvalidResponse, Unknown)),
        ("postmark/answer-200-invalid-json", Failed(InvalidResponse, Unknown)),
        ("postmark/answer-201-json", Failed(InvalidResponse, Unknown)),
        ("postmark/answer-302-other-host", Failed(InvalidResponse, Unknown)),
        ("postmark/answer-307-other-host", Failed(InvalidResponse, NotSent)),
        ("postmark/answer-400-empty", Failed(Rejected, NotSent)),
        ("postmark/answer-403", Failed(Rejected, NotSent)),
        ("postmark/answer-404", Failed(Rejected, NotSent)),
        ("postmark/answer-429-retry-after", Failed(RateLimited, NotSent)),
        ("postmark/answer-502-html", Failed(Unavailable, Unknown)),
        ("postmark/answer-cut-body", Failed(InvalidResponse, Unknown)),
        ("postmark/config-empty", Refused(&["/serverToken", "/fromEmail", "/templates"])),
        ("postmark/config-null", Refused(&[""])),
        ("postmark/config-without-serverToken", Refused(&["/serverToken"])),
        ("postmark/config-without-templates", Refused(&["/templates"])),
        ("postmark/config-wrong-templates", Refused(&["/templates/0/templateAlias", "/templates"])),
        ("postmark/network-refused", Failed(Unavailable, NotSent)),
        ("postmark/network-reset", Failed(Unavailable, Unknown)),
        ("postmark/network-untrusted-certificate", Failed(Unavailable, NotSent)),
        ("postmark/to-empty", Failed(InvalidMessage, NotSent)),
        ("postmark/type-no-generic", Refused(&["/templates"])),
    ]
};

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recordings("postmark"),
        not_sent: NOT_SENT,
        // It takes any 2xx for success, follows redirects with the token, and posts whatever stands in `to`.
        sent_by_logto_alone: &[
            "postmark/answer-200-error-code",
            "postmark/answer-200-gzip",
            "postmark/answer-200-html",
            "postmark/answer-200-invalid-json",
            "postmark/answer-201-json",
            "postmark/answer-302-other-host",
            "postmark/answer-307-other-host",
            "postmark/to-empty",
        ],
        ..Expectations::default()
    };
    Reference {
        headers: &["accept", "content-type", "x-postmark-server-token"],
        differences: &[("postmark/to-display-name-unicode", &[Json(recipient_parsed)])],
        compared: 26,
        ..Reference::new(Replay::new(&CONNECTOR, accepted()), expectations)
    }
}

connector_testkit::reference!(reference);
