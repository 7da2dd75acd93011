//! Mailgun: our request, against the one of its own client mailgun.js.

use super::clients::{Differences, assert_same_head};
use super::{NASTY, Provider, message};
use connector_testkit::{Answer, RecordedRequest, parse_mail};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KEY: &str = "key-second-opinion";

const DIFFERENT_HEADERS: Differences<'_> = &[
    ("accept", "either takes whatever comes: */* is in both"),
    ("content-type", "a form without files needs no multipart; Mailgun takes both"),
];

/// Fields that are compared for what they mean.
const ENCODED: Differences<'_> = &[
    ("from", "ours are in ASCII: Mailgun makes broken headers of some names that are not (django-anymail#270)"),
    ("to", "as from"),
    ("h:Reply-To", "as from"),
    ("text", "a multipart form writes line ends as CRLF, ours as they are: the mail's encoding makes them the same"),
    ("h:X-Mailgun-Variables", "ours is in ASCII, since it travels as a header: the same JSON"),
];

/// The fields of a form, each of which comes once.
fn fields(request: &RecordedRequest) -> BTreeMap<String, String> {
    let multipart = request.header("content-type").unwrap().split_once("boundary=");
    let pairs = match multipart {
        Some((_, boundary)) => parts(request.text(), boundary),
        None => request.form(),
    };
    let count = pairs.len();
    let fields: BTreeMap<String, String> = pairs.into_iter().map(|(name, value)| meaning(name, value)).collect();
    assert_eq!(fields.len(), count, "{fields:?}");
    fields
}

/// The fields of a multipart form (RFC 7578).
fn parts(body: &str, boundary: &str) -> Vec<(String, String)> {
    let delimiter = format!("--{boundary}");
    let parts = body.split(&delimiter).filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let (_, name) = head.split_once("name=\"")?;
        let (name, _) = name.split_once('"')?;
        Some((name.to_owned(), value.strip_suffix("\r\n")?.to_owned()))
    });
    parts.collect()
}

fn meaning(name: String, value: String) -> (String, String) {
    let means = match name.as_str() {
        encoded if !ENCODED.iter().any(|(known, _)| *known == encoded) => value,
        "text" => value.replace("\r\n", "\n"),
        "h:X-Mailgun-Variables" => serde_json::from_str::<Value>(&value).unwrap().to_string(),
        _ => format!("{:?}", parse_mail(format!("To: {value}\r\n\r\n").as_bytes()).to),
    };
    (name, means)
}

fn assert_same(provider: &Provider, config: &Value, message: &Value, template: Option<&Value>, to_client: Value) {
    let ours = provider.request_of("mailgun", config, message, template);
    let order = json!({ "client": "mailgun", "key": KEY, "domain": "mg.example.test", "message": to_client });
    let theirs = provider.request_of_client(order);
    assert_same_head(&ours, &theirs, DIFFERENT_HEADERS);
    assert_eq!(fields(&ours), fields(&theirs));
}

#[test]
fn mailguns_own_client_sends_the_same() {
    let accepted = json!({ "id": "<1@mg.example.test>", "message": "Queued. Thank you." });
    let provider = Provider::start("api.mailgun.net", Answer::status(200).json(accepted));
    let mut config = json!({
        "domain": "mg.example.test", "apiKey": KEY, "from": "Müller & Söhne <no-reply@mg.example.test>",
        "deliveries": {
            "SignIn": {
                "subject": "{{code}} {{nasty}}", "html": "<p>Code: <b>{{code}}</b></p>",
                "text": "{{nasty}}\nCode: {{code}}", "replyTo": "{{name}} <help@mg.example.test>",
            },
            "Generic": { "template": "sign in", "variables": { "brand": "Söhne", "code": "none" }, "subject": "{{code}}" },
        },
    });
    let payload = json!({ "code": "902417", "nasty": NASTY, "name": "Jürgen" });
    let html = json!({
        "from": "Müller & Söhne <no-reply@mg.example.test>", "to": "Jürgen 🔐 <user@example.test>",
        "subject": format!("902417 {NASTY}"), "html": "<p>Code: <b>902417</b></p>", "text": format!("{NASTY}\nCode: 902417"),
        "h:Reply-To": "Jürgen <help@mg.example.test>",
    });
    assert_same(&provider, &config, &message("Jürgen 🔐 <user@example.test>", &payload), None, html);

    let mut stored = message("user@example.test", &payload);
    stored["type"] = json!("BindMfa");
    let variables = json!({ "brand": "Söhne", "code": "902417", "nasty": NASTY, "name": "Jürgen" });
    let named = json!({
        "from": "Müller & Söhne <no-reply@mg.example.test>", "to": "user@example.test", "subject": "902417",
        "template": "sign in", "h:X-Mailgun-Variables": variables.to_string(),
    });
    assert_same(&provider, &config, &stored, None, named);

    config["testMode"] = json!(true);
    let template = json!({
        "subject": "Ihr Code", "content": "{{nasty}}\n{{code}}", "contentType": "text/plain",
        "sendFrom": "Anderer Name", "replyTo": "help@mg.example.test",
    });
    let plain = json!({
        "from": "Anderer Name <no-reply@mg.example.test>", "to": "user@example.test", "subject": "Ihr Code",
        "text": format!("{NASTY}\n902417"), "h:Reply-To": "help@mg.example.test", "o:testmode": "yes",
    });
    assert_same(&provider, &config, &message("user@example.test", &payload), Some(&template), plain);
}
