//! SES: what moto, an emulator of AWS that checks signatures and permissions, makes of our requests.

use super::{NASTY, Sending, assert_sent, html_templates, message};
use connector_kit::http::{HeaderMap, HttpRequest, Url};
use connector_kit::{Context, Egress, root_certificates};
use connector_testkit::parse_mail;
use e2e::{Desk, Moto, Ran};
use serde_json::{Value, json};

/// A configuration without credentials.
pub fn config() -> Value {
    json!({
        "region": Moto::REGION, "emailAddress": format!("Müller & Söhne <{}>", Moto::SENDER),
        "templates": html_templates("Ihr Code: {{code}} 🔐", "<p>Code: <b>{{code}}</b></p>"),
    })
}

fn config_with_key(moto: &Moto, secret: &str) -> Value {
    let mut config = config();
    config["accessKeyId"] = json!(moto.access_key_id());
    config["accessKeySecret"] = json!(secret);
    config
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

/// The messages that moto has taken.
fn messages(moto: &Moto) -> Vec<Value> {
    let extra_roots = root_certificates(&std::fs::read(moto.ca_file()).unwrap()).unwrap();
    let context = Context::new(Egress { extra_roots, ..Egress::default() }).unwrap();
    let url = Url::parse(&format!("https://localhost:{}/moto-api/data.json", moto.port())).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let response = runtime.block_on(context.http().execute(HttpRequest::get(url, HeaderMap::new()))).unwrap();
    let data: Value = serde_json::from_slice(&response.body.unwrap()).unwrap();
    data["ses"]["Message"].as_array().unwrap().clone()
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
    let mailboxes = |field: &Value| parse_mail(format!("To: {}\r\n\r\n", field.as_str().unwrap()).as_bytes()).to;
    let named = |field: &Value| {
        let [mailbox] = &mailboxes(field)[..] else { panic!("one mailbox: {field}") };
        (mailbox.name.clone(), mailbox.address.clone())
    };
    assert!(taken["source"].as_str().unwrap().is_ascii(), "SES takes no raw UTF-8 there: {taken}");
    assert_eq!(named(&taken["source"]), (Some("Müller & Söhne".to_owned()), Moto::SENDER.to_owned()));
    assert_eq!(named(&taken["destinations"]["ToAddresses"][0]), (Some("Jürgen".to_owned()), "user@example.net".to_owned()));
    assert_eq!(moto.requests().unwrap().len(), 1);
}

#[test]
fn what_the_emulator_refuses_is_told_apart() {
    let moto = Moto::start().unwrap();
    let desk = Desk::new().unwrap();
    let refused = |config: &Value| {
        let ran = send(&moto, &desk, config, &[]);
        let error = ran.json().unwrap()["error"].clone();
        assert_eq!((error["delivery"].as_str(), error["retryable"].as_bool()), (Some("not_sent"), Some(false)), "{ran:?}");
        assert!(!ran.stdout.contains(moto.secret_access_key()) && !ran.stdout.contains("902417"), "{ran:?}");
        (ran.code, error["code"].as_str().unwrap().to_owned())
    };
    let unauthorized = (77, "authorization_failed".to_owned());
    assert_eq!(refused(&config_with_key(&moto, "another-secret")), unauthorized);
    let mut unknown = config_with_key(&moto, moto.secret_access_key());
    unknown["accessKeyId"] = json!("AKIAUNKNOWN");
    assert_eq!(refused(&unknown), unauthorized);
    let mut unverified = config_with_key(&moto, moto.secret_access_key());
    unverified["emailAddress"] = json!("no-reply@unverified.example");
    assert_eq!(refused(&unverified), (69, "general".to_owned()));
    assert_eq!(messages(&moto), Vec::<Value>::new());
}
