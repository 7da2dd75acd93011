//! SES: what moto, an emulator of AWS that checks signatures and permissions, makes of our requests.

use super::{NASTY, Sending, assert_sent, html_templates, message, with};
use connector_kit::http::{HeaderMap, HttpRequest, Url};
use connector_kit::{Context, Egress, SendContext, root_certificates};
use connector_testkit::parse_mail;
use e2e::{Desk, Moto, Ran, SesV2Local};
use serde_json::{Value, json};
use std::path::Path;

/// A configuration without credentials.
pub fn config() -> Value {
    json!({
        "region": Moto::REGION, "emailAddress": format!("Müller & Söhne <{}>", Moto::SENDER),
        "templates": html_templates("Ihr Code: {{code}} 🔐", "<p>Code: <b>{{code}}</b></p>"),
    })
}

fn config_with_key(moto: &Moto, secret: &str) -> Value {
    with(config(), json!({ "accessKeyId": moto.access_key_id(), "accessKeySecret": secret }))
}

/// Sends with this configuration and environment.
pub fn send(moto: &Moto, desk: &Desk, config: &Value, env: &[(&str, &str)]) -> Ran {
    let payload = json!({ "code": format!("902417 {NASTY}") });
    Sending::new("aws-ses", config, &message("Jürgen <user@example.net>", &payload))
        .connect_to(Moto::SES, moto.port())
        .connect_to(Moto::STS, moto.port())
        .trusting(moto.ca_file())
        .env(env)
        .run(desk)
}

/// What a server answers to a GET, as JSON.
fn get(url: &str, ca: Option<&Path>) -> Value {
    let extra_roots = ca.map(|ca| root_certificates(&std::fs::read(ca).unwrap()).unwrap()).unwrap_or_default();
    let context = Context::new(Egress { extra_roots, ..Egress::default() }).unwrap();
    let request = HttpRequest::get(Url::parse(url).unwrap(), HeaderMap::new());
    let response =
        tokio::runtime::Runtime::new().unwrap().block_on(context.http().execute(request, &SendContext::new())).unwrap();
    serde_json::from_slice(&response.body.unwrap()).unwrap()
}

/// The messages that moto has taken.
fn messages(moto: &Moto) -> Vec<Value> {
    let data = get(&format!("https://localhost:{}/moto-api/data.json", moto.port()), Some(moto.ca_file()));
    data["ses"]["Message"].as_array().unwrap().clone()
}

/// The one mailbox of a list, decoded.
fn mailbox(list: &Value) -> (Option<String>, String) {
    let mailboxes = parse_mail(format!("To: {}\r\n\r\n", list.as_str().unwrap()).as_bytes()).to;
    let [mailbox] = &mailboxes[..] else { panic!("one mailbox: {list}") };
    (mailbox.name.clone(), mailbox.address.clone())
}

fn named(name: &str, address: &str) -> (Option<String>, String) {
    (Some(name.to_owned()), address.to_owned())
}

#[test]
fn what_is_sent_arrives_at_the_emulator_as_it_was_meant() {
    let moto = Moto::start().unwrap();
    let desk = Desk::new().unwrap();
    let id = assert_sent(&send(&moto, &desk, &config_with_key(&moto, moto.secret_access_key()), &[]));
    let messages = messages(&moto);
    let [taken] = messages.as_slice() else { panic!("{messages:#?}\n{}", moto.log()) };
    assert_eq!(taken["id"], id);
    assert_eq!(taken["subject"], format!("Ihr Code: 902417 {NASTY} 🔐"));
    let escaped = "902417 a+b *~ !&#39;() &amp;=%25;/?#@ 中文 ü 🔐 &quot;&lt;\\&gt;";
    assert_eq!(taken["body"], format!("<p>Code: <b>{escaped}</b></p>"));
    assert!(taken["source"].as_str().unwrap().is_ascii(), "SES takes no raw UTF-8 there: {taken}");
    assert_eq!(mailbox(&taken["source"]), named("Müller & Söhne", Moto::SENDER));
    assert_eq!(mailbox(&taken["destinations"]["ToAddresses"][0]), named("Jürgen", "user@example.net"));
    assert_eq!(moto.requests().unwrap().len(), 1);
}

#[test]
fn what_the_emulator_refuses_is_told_apart() {
    let moto = Moto::start().unwrap();
    let desk = Desk::new().unwrap();
    let refused = |config: &Value| {
        let ran = send(&moto, &desk, config, &[]);
        let error = ran.json().unwrap()["error"].clone();
        assert_eq!(
            (error["delivery"].as_str(), error["retryable"].as_bool()),
            (Some("not_sent"), Some(false)),
            "{ran:?}"
        );
        assert!(!ran.stdout.contains(moto.secret_access_key()) && !ran.stdout.contains("902417"), "{ran:?}");
        (ran.code, error["code"].as_str().unwrap().to_owned())
    };
    let unauthorized = (77, "authorization_failed".to_owned());
    assert_eq!(refused(&config_with_key(&moto, "another-secret")), unauthorized);
    let good = config_with_key(&moto, moto.secret_access_key());
    assert_eq!(refused(&with(good.clone(), json!({ "accessKeyId": "AKIAUNKNOWN" }))), unauthorized);
    let unverified = with(good, json!({ "emailAddress": "no-reply@unverified.example" }));
    assert_eq!(refused(&unverified), (69, "general".to_owned()));
    assert_eq!(messages(&moto), Vec::<Value>::new());
}

/// What moto drops: the text alternative, and where replies go; at an endpoint of one's own.
#[test]
fn another_emulator_keeps_the_rest() {
    let ses = SesV2Local::start().unwrap();
    let desk = Desk::new().unwrap();
    let key = json!({ "endpoint": ses.url(), "accessKeyId": "AKIANOBODY", "accessKeySecret": "nothing" });
    let config = with(config(), key);
    let message = message("Jürgen <user@example.net>", &json!({ "code": "902417" }));
    let template = json!({
        "subject": "{{code}} 中文", "content": "<p>Code:<br><b>{{code}}</b></p>", "contentType": "text/html",
        "sendFrom": "Anderer Name", "replyTo": "Hilfe für Söhne <help@example.test>",
    });
    let id = assert_sent(&Sending::new("aws-ses", &config, &message).template(Some(&template)).run(&desk));
    let store = get(&format!("{}/store", ses.url()), None);
    let [taken] = &store["emails"].as_array().unwrap()[..] else { panic!("{store:#}") };
    assert_eq!(taken["messageId"], id);
    assert_eq!((&taken["subject"], &taken["body"]["text"]), (&json!("902417 中文"), &json!("Code:\n902417")));
    assert_eq!(taken["body"]["html"], "<p>Code:<br><b>902417</b></p>");
    assert_eq!(mailbox(&taken["from"]), named("Anderer Name", Moto::SENDER));
    assert_eq!(mailbox(&taken["replyTo"][0]), named("Hilfe für Söhne", "help@example.test"));
    assert_eq!(mailbox(&taken["destination"]["to"][0]), named("Jürgen", "user@example.net"));
}
