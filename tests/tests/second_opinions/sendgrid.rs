//! SendGrid: our request, against the one of its own client @sendgrid/mail.

use super::clients::assert_same_head;
use super::{NASTY, Provider, message};
use crate::every_usage;
use connector_testkit::Answer;
use serde_json::{Value, json};

const KEY: &str = "SG.second.opinion";

fn assert_same(provider: &Provider, config: &Value, message: &Value, template: Option<&Value>, to_client: Value) {
    let ours = provider.request_of("sendgrid", config, message, template);
    let theirs = provider.request_of_client(json!({ "client": "sendgrid", "key": KEY, "message": to_client }));
    assert_same_head(&ours, &theirs, &[]);
    assert_eq!(ours.json(), theirs.json());
}

#[test]
fn sendgrids_own_client_sends_the_same() {
    let provider = Provider::start("api.sendgrid.com", Answer::status(202).header("x-message-id", "id-1"));
    let (subject, content) = ("{{code}} {{nasty}}", "<p>Code: <b>{{code}}</b></p>");
    let template =
        |usage: &str| json!({ "usageType": usage, "type": "text/html", "subject": subject, "content": content });
    let mut config = json!({
        "apiKey": KEY, "fromEmail": "no-reply@example.test", "fromName": "Müller & Söhne, GmbH",
        "templates": every_usage(template),
    });
    let payload = json!({ "code": "902417", "nasty": NASTY });
    let html = json!({
        "to": { "email": "user@example.test", "name": "Jürgen 🔐" },
        "from": { "email": "no-reply@example.test", "name": "Müller & Söhne, GmbH" },
        "subject": format!("902417 {NASTY}"), "text": "Code: 902417", "html": "<p>Code: <b>902417</b></p>",
    });
    assert_same(&provider, &config, &message("Jürgen 🔐 <user@example.test>", &payload), None, html.clone());

    let template = json!({
        "subject": "Ihr Code", "content": "{{nasty}}\n{{code}}", "contentType": "text/plain",
        "sendFrom": "Anderer Name", "replyTo": "Hilfe <help@example.test>",
    });
    let plain = json!({
        "to": "user@example.test",
        "from": { "email": "no-reply@example.test", "name": "Anderer Name" },
        "replyTo": { "email": "help@example.test", "name": "Hilfe" },
        "subject": "Ihr Code", "text": format!("{NASTY}\n902417"),
    });
    assert_same(&provider, &config, &message("user@example.test", &payload), Some(&template), plain);

    config["sandbox"] = json!(true);
    let mut tried = html;
    tried["mailSettings"] = json!({ "sandboxMode": { "enable": true } });
    assert_same(&provider, &config, &message("Jürgen 🔐 <user@example.test>", &payload), None, tried);
}
