//! %Title% as the tests know it: a valid configuration, its usual answer, and how it reads a request.

use connector_testkit::{Answer, ParsedMailbox, RecordedRequest, conformance::Arrived};
use serde_json::{Value, json};

pub const HOST: &str = "api.%kebab%.example";
pub const API_KEY: &str = "conformance-key-0123456789abcdefghijklmnopqrstuvwxyz";
/// The id in the usual answer.
pub const MESSAGE_ID: &str = "msg_0123456789";

/// A configuration with everything set.
pub fn config() -> Value {
    let template = |usage: &str| {
        json!({
            "usageType": usage, "contentType": "text/html", "subject": format!("{usage} {{{{code}}}}"),
            "content": "<p>{{code}}</p>"
        })
    };
    json!({
        "apiKey": API_KEY,
        "fromEmail": "Example <no-reply@sender.example>",
        "templates": (["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
    })
}

/// Accepted, as %Title% says it.
pub fn accepted() -> Answer {
    Answer::status(202).json(json!({ "id": MESSAGE_ID }))
}

/// What %Title% makes of a request. What it is known to get wrong belongs here, too.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v1/messages"));
    let body = request.json();
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    Some(Arrived {
        to: mailbox(&body["to"]).unwrap(),
        from: mailbox(&body["from"]),
        reply_to: mailbox(&body["replyTo"]),
        subject: text("subject"),
        html: text("html"),
        text: text("text"),
        ..Arrived::default()
    })
}

fn mailbox(object: &Value) -> Option<ParsedMailbox> {
    let address = object["email"].as_str()?.to_owned();
    Some(ParsedMailbox { name: object["name"].as_str().map(str::to_owned), address })
}
