//! Postmark: our request, against the one of its own client postmark.js.

use super::clients::{Differences, assert_same_head};
use super::{NASTY, Provider, message};
use crate::every_usage;
use connector_testkit::Answer;
use serde_json::json;

const TOKEN: &str = "0b7c1d52-0c36-4a54-9c1b-5d3f2f6a9e11";

const DIFFERENT_HEADERS: Differences<'_> = &[
    ("accept-language", "Node.js's fetch sends it as browsers do; it says nothing"),
    ("sec-fetch-mode", "as accept-language"),
];

#[test]
fn postmarks_own_client_sends_the_same() {
    let accepted = json!({ "To": "user@example.test", "MessageID": "id-1", "ErrorCode": 0, "Message": "OK" });
    let provider = Provider::start("api.postmarkapp.com", Answer::status(200).json(accepted));
    let payload = json!({ "code": "902417", "nasty": NASTY, "nested": { "list": [1, null, { "a": true }] } });
    for (to, stream) in [("user@example.test", None), ("Jürgen 🔐 <user@example.test>", Some("broadcast"))] {
        let mut config = json!({
            "serverToken": TOKEN, "fromEmail": "Müller <no-reply@example.test>",
            "templates": every_usage(|usage| json!({ "usageType": usage, "templateAlias": "sign-in" })),
        });
        let mut to_client = json!({
            "From": "Müller <no-reply@example.test>", "To": to, "TemplateAlias": "sign-in", "TemplateModel": payload,
        });
        if let Some(stream) = stream {
            config["messageStream"] = json!(stream);
            to_client["MessageStream"] = json!(stream);
        }
        let ours = provider.request_of("postmark", &config, &message(to, &payload), None);
        let theirs = provider.request_of_client(json!({ "client": "postmark", "key": TOKEN, "message": to_client }));
        assert_same_head(&ours, &theirs, DIFFERENT_HEADERS);
        assert_eq!(ours.json(), theirs.json());
    }
}
