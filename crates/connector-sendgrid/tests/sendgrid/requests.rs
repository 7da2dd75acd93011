//! What goes to SendGrid beyond what the recordings show.

use connector_kit::{EmailTemplate, ErrorKind, Message, SendContext};
use connector_sendgrid::CONNECTOR;
use connector_testkit::RecordedRequest;
use serde_json::{Value, json};

use crate::provider::{API_KEY, SendGrid, accepted, config, message, payload};

/// The request that `message` becomes under `config`.
async fn request(config: &Value, message: &Message) -> RecordedRequest {
    let sendgrid = SendGrid::start("api.sendgrid.com", config, accepted()).await;
    sendgrid.connector.send(message, &SendContext::new()).await.unwrap();
    sendgrid.recorder.only_request()
}

async fn body(config: &Value, message: &Message) -> Value {
    request(config, message).await.json()
}

fn localized(template: Value) -> Message {
    message().with_template(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap())
}

fn to(recipient: &str) -> Message {
    Message { to: recipient.to_owned(), ..message() }
}

#[tokio::test]
async fn the_key_goes_in_a_header_and_nowhere_else() {
    let request = request(&config(), &message()).await;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v3/mail/send"));
    assert_eq!(request.header_values("authorization"), [format!("Bearer {API_KEY}")]);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("accept"), Some("application/json"), "without it SendGrid answers 406");
    assert!(!request.text().contains(API_KEY));
}

#[tokio::test]
async fn an_eu_subuser_has_a_host_of_its_own() {
    let mut config = config();
    config["region"] = json!("eu");
    let sendgrid = SendGrid::start("api.eu.sendgrid.com", &config, accepted()).await;
    sendgrid.connector.send(&message(), &SendContext::new()).await.unwrap();
    let request = sendgrid.recorder.only_request();
    assert_eq!(
        (request.host.as_str(), request.server_name.as_deref()),
        ("api.eu.sendgrid.com", Some("api.eu.sendgrid.com"))
    );
    assert_eq!(request.path, "/v3/mail/send");
    for global in [json!("global"), json!("")] {
        config["region"] = global;
        assert_eq!(self::request(&config, &message()).await.host, "api.sendgrid.com");
    }
}

#[tokio::test]
async fn sandbox_mode_is_asked_for_only_where_it_is_configured() {
    let mut config = config();
    assert_eq!(body(&config, &message()).await.get("mail_settings"), None);
    config["sandbox"] = json!(true);
    assert_eq!(body(&config, &message()).await["mail_settings"]["sandbox_mode"]["enable"], true);
}

#[tokio::test]
async fn plain_text_goes_without_html() {
    let mut config = config();
    config["templates"][0] =
        json!({ "usageType": "SignIn", "type": "text/plain", "subject": "s", "content": "<{{code}}>" });
    let content = body(&config, &message()).await["content"].clone();
    assert_eq!(content, json!([{ "type": "text/plain", "value": "<123456>" }]));
}

#[tokio::test]
async fn html_without_any_text_goes_alone() {
    let template = json!({ "subject": "s", "content": "<img src=\"https://example.com/code.png\">" });
    let content = body(&config(), &localized(template)).await["content"].clone();
    assert_eq!(content.as_array().unwrap().len(), 1, "SendGrid refuses an empty part: {content}");
    assert_eq!(content[0]["type"], "text/html");
}

#[tokio::test]
async fn the_sender_has_the_configured_name_or_its_own() {
    let mut config = config();
    assert_eq!(
        body(&config, &message()).await["from"],
        json!({ "email": "no-reply@sender.example", "name": "Example" })
    );
    config["fromEmail"] = json!("Own <own@例え.jp>");
    assert_eq!(body(&config, &message()).await["from"], json!({ "email": "own@xn--r8jz45g.jp", "name": "Example" }));
    config["fromName"] = json!("");
    assert_eq!(body(&config, &message()).await["from"], json!({ "email": "own@xn--r8jz45g.jp", "name": "Own" }));
    config["fromEmail"] = json!("own@sender.example");
    assert_eq!(body(&config, &message()).await["from"], json!({ "email": "own@sender.example" }));
}

/// Logto's connector gives the recipient the sender's name, and drops the rest.
#[tokio::test]
async fn a_localized_template_names_the_sender_and_says_where_replies_go() {
    let template = json!({
        "subject": "s", "content": "c", "sendFrom": "{{app}} Team", "replyTo": "\"Help, {{app}}\" <help@{{domain}}>"
    });
    let mut message = localized(template);
    message.payload = payload(json!({ "app": "Demo", "domain": "sender.example" }));
    let sent = body(&config(), &message).await;
    assert_eq!(sent["from"], json!({ "email": "no-reply@sender.example", "name": "Demo Team" }));
    assert_eq!(sent["reply_to"], json!({ "email": "help@sender.example", "name": "Help, Demo" }));
    assert_eq!(sent["personalizations"], json!([{ "to": [{ "email": "user@example.com" }] }]));

    let template = json!({ "subject": "s", "content": "c", "sendFrom": "Other <other@sender.example>" });
    let sent = body(&config(), &localized(template)).await;
    assert_eq!(sent["from"], json!({ "email": "other@sender.example", "name": "Other" }));
    assert_eq!(sent.get("reply_to"), None);
}

/// After a comma or semicolon in a recipient's name, SendGrid reads another recipient
/// (<https://github.com/sendgrid/sendgrid-python/issues/291>).
#[tokio::test]
async fn a_recipients_name_is_quoted_where_sendgrid_would_split_it() {
    for (recipient, name) in [
        ("Ann Example <ann@example.com>", "Ann Example"),
        ("\"Ann \\\"A\\\" Example\" <ann@example.com>", "Ann \"A\" Example"),
        ("\"Example, Ann\" <ann@example.com>", "\"Example, Ann\""),
        ("\"evil@example.net; Ann\" <ann@example.com>", "\"evil@example.net; Ann\""),
    ] {
        let sent = body(&config(), &to(recipient)).await;
        let recipients = &sent["personalizations"];
        assert_eq!(*recipients, json!([{ "to": [{ "email": "ann@example.com", "name": name }] }]), "{recipient}");
    }
    let sendgrid = SendGrid::usual().await;
    for recipient in ["\"x\\\", evil@example.net, \\\"y\" <ann@example.com>", "\"x\\\\, y\" <ann@example.com>"] {
        let error = sendgrid.connector.send(&to(recipient), &SendContext::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMessage, "{recipient}");
        assert_eq!(error.problems()[0].pointer, "/to");
    }
    assert_eq!(sendgrid.recorder.connections(), 0);
}

#[tokio::test]
async fn values_stay_inside_their_json_string() {
    let attack = "\"}],\"bcc\":[{\"email\":\"evil@example.net\"}],\"x\":[{\"y\":\"\u{2028}\\u0022\\";
    let mut message = message();
    message.payload = payload(json!({ "code": attack }));
    let sent = body(&config(), &message).await;
    let fields: Vec<&String> = sent.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["personalizations", "from", "subject", "content"]);
    assert_eq!(sent["personalizations"], json!([{ "to": [{ "email": "user@example.com" }] }]));
    assert_eq!(sent["subject"], format!("SignIn {attack}"));
    assert_eq!(sent["content"][0]["value"], attack);
}

#[test]
fn what_looks_wrong_is_warned_of() {
    let mut config = config();
    config["apiKey"] = json!("conformance-key");
    config["sandbox"] = json!(true);
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid());
    let pointers: Vec<&str> = report.warnings.iter().map(|warning| warning.pointer.as_str()).collect();
    assert_eq!(pointers, ["/apiKey", "/sandbox"]);
    assert!(!format!("{report:?}").contains("conformance-key"));
}

#[test]
fn a_from_name_is_one_line() {
    let mut config = config();
    config["fromName"] = json!("Example\r\nBcc: evil@example.net");
    assert_eq!(CONNECTOR.validate(&config).problems[0].pointer, "/fromName");
}
