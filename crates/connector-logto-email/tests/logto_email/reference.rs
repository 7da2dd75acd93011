//! What Logto's connector puts on the wire for the same input, and where ours differs on purpose.

use connector_kit::{Delivery, ErrorKind};
use connector_logto_email::CONNECTOR;
use connector_testkit::{
    Recording, recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
        Replay,
        reference::Reference,
    },
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

/// The recordings, with what ours needs for its token.
fn with_tokens() -> Vec<Recording> {
    let mut recordings = recordings("logto-email");
    for recording in &mut recordings {
        token_configuration_added(&mut recording.given.config);
        recording.given.input_config.iter_mut().for_each(token_configuration_added);
    }
    recordings
}

/// Every failure has a kind.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        // Logto follows, without the token, and counts what it finds there as sent.
        ("logto-email/answer-302-other-host", Failed(InvalidResponse, Unknown)),
        ("logto-email/answer-401", Failed(Unauthorized, NotSent)),
        ("logto-email/answer-403", Failed(Unauthorized, NotSent)),
        ("logto-email/answer-422", Failed(Rejected, NotSent)),
        ("logto-email/answer-429-retry-after", Failed(RateLimited, NotSent)),
        ("logto-email/answer-429-usage-limit", Failed(QuotaExceeded, NotSent)),
        ("logto-email/answer-500-then-200", Failed(Unavailable, NotSent)),
        ("logto-email/answer-502-html", Failed(Unavailable, Unknown)),
        ("logto-email/branding-name-like-host", Refused(&["/senderName"])),
        // Logto's cloud fills it in.
        ("logto-email/config-empty", Refused(&["/endpoint"])),
        ("logto-email/config-null", Refused(&[""])),
        ("logto-email/config-without-endpoint", Refused(&["/endpoint"])),
        ("logto-email/config-wrong-appLogo", Refused(&["/appLogo"])),
        ("logto-email/config-wrong-endpoint", Refused(&["/endpoint"])),
        // Logto's check passes a URL with text in front of it.
        ("logto-email/config-wrong-senderName", Refused(&["/senderName"])),
        ("logto-email/network-refused", Failed(Unavailable, NotSent)),
        ("logto-email/to-empty", Failed(InvalidMessage, NotSent)),
        ("logto-email/to-list", Failed(InvalidMessage, NotSent)),
    ]
};

/// A name that only looks like a URL to Logto.
const NAME_WITH_DOTS: &str = "logto-email/branding-name-with-dots";

fn reference() -> Reference {
    let expectations = Expectations {
        recordings: with_tokens(),
        not_sent: NOT_SENT,
        // A followed redirect, whatever stands in `to`, and what its cloud or its check lets pass.
        sent_by_logto_alone: &[
            "logto-email/answer-302-other-host",
            "logto-email/config-empty",
            "logto-email/config-without-endpoint",
            "logto-email/config-wrong-senderName",
            "logto-email/to-empty",
            "logto-email/to-list",
        ],
        sent_by_us_alone: &[NAME_WITH_DOTS],
        refused_by_us_alone: &[
            "logto-email/config-empty",
            "logto-email/config-without-endpoint",
            "logto-email/config-wrong-senderName",
        ],
        accepted_by_us_alone: &[NAME_WITH_DOTS],
    };
    let replay = Replay::new(&CONNECTOR, accepted())
        .answering_aside(|request| asks_for_a_token(request).then(|| granted("stand-in-access-token")));
    Reference {
        headers: &["accept", "authorization", "content-type"],
        // A token that is refused is replaced once: the same request, with a new one.
        asked_twice: &["logto-email/answer-401"],
        gives_ids: false,
        compared: 20,
        ..Reference::new(replay, expectations)
    }
}

connector_testkit::reference!(reference);

#[tokio::test]
async fn a_name_with_dots_goes_out_as_it_is() {
    let Reference { replay, expectations, .. } = reference();
    let recording = expectations.recordings.iter().find(|one| one.id() == NAME_WITH_DOTS).unwrap();
    let request = replay.run(recording).await.only_request(&[]);
    let payload = &request.body.unwrap().json.unwrap()["data"]["payload"];
    assert_eq!(payload["senderName"], "St. John p.s.a. 1.5");
}

/// As Logto stores it: its cloud fills the rest in, and ours say what is missing.
#[test]
fn a_configuration_of_branding_alone_is_told_everything_that_sending_needs() {
    let report = CONNECTOR.validate(&json!({ "senderName": "Example" }));
    let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/endpoint", "/tokenEndpoint", "/resource", "/appId", "/appSecret"]);
}
