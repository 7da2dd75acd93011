//! HTTP email: its signatures, against the reference library of Standard Webhooks for JavaScript.

use super::{NASTY, Provider, message};
use connector_testkit::{Answer, RecordedRequest};
use serde_json::{Value, json};

const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDvnlfGhzJ/yg=";

fn question(request: &RecordedRequest, secret: &str, body: &str) -> Value {
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.as_str().into())).collect();
    json!({ "secret": secret, "body": body, "headers": headers })
}

#[test]
fn the_reference_library_takes_what_we_sign_and_nothing_else() {
    let provider = Provider::start("mail.example.test", Answer::status(204));
    let request = |secrets: &[&str]| {
        let config = json!({ "endpoint": "https://mail.example.test/hook", "signingSecrets": secrets });
        let message = message("Jürgen <user@example.test>", &json!({ "code": "902417", "nasty": NASTY, "n": 1.5e300 }));
        provider.request_of("http-email", &config, &message, None)
    };
    let before = request(&[OLD]);
    let during = request(&[NEW, OLD]);
    let tampered = during.text().replace("902417", "902418");
    let mut moved = during.clone();
    moved.headers.retain(|(name, _)| name != "webhook-id");
    moved.headers.push(("webhook-id".to_owned(), before.header("webhook-id").unwrap().to_owned()));
    let questions = json!([
        question(&before, OLD, before.text()),
        question(&during, OLD, during.text()),
        question(&during, NEW, during.text()),
        question(&before, NEW, before.text()),
        question(&during, NEW, &tampered),
        question(&moved, NEW, during.text()),
    ]);
    let verdicts = e2e::node("webhook_check.cjs", &questions, None).unwrap();
    assert_eq!(
        verdicts,
        json!([before.json(), during.json(), during.json(), null, null, null]),
        "valid, valid for either during rotation; another's secret, another body, another message's id refused"
    );
    assert_eq!(before.json()["payload"]["nasty"], NASTY);
}
