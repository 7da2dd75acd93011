//! What goes to Postmark beyond what the recordings show.

use connector_kit::{EmailTemplate, ErrorKind, Message, SendContext, UsageType};
use connector_postmark::CONNECTOR;
use serde_json::{Value, json};

use crate::provider::{Postmark, SERVER_TOKEN, config, message, payload};

async fn body(config: &Value, message: &Message) -> Value {
    Postmark::request(config, message).await.json()
}

fn to(recipient: &str) -> Message {
    Message { to: recipient.to_owned(), ..message() }
}

fn with(field: &str, value: Value) -> Value {
    let mut config = config();
    config[field] = value;
    config
}

#[tokio::test]
async fn the_token_goes_in_its_header_and_nowhere_else() {
    let request = Postmark::request(&config(), &message()).await;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/email/withTemplate"));
    assert_eq!(request.header_values("x-postmark-server-token"), [SERVER_TOKEN]);
    assert_eq!(request.header("accept"), Some("application/json"), "without it Postmark answers 409");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(!request.text().contains(SERVER_TOKEN));
}

#[tokio::test]
async fn the_message_stream_is_named_only_where_it_is_configured() {
    assert_eq!(body(&config(), &message()).await["MessageStream"], "outbound");
    let named = body(&with("messageStream", json!("sign-in-codes")), &message()).await;
    assert_eq!(named["MessageStream"], "sign-in-codes");
    let mut without = config();
    without.as_object_mut().unwrap().remove("messageStream");
    for config in [without, with("messageStream", json!(""))] {
        let body = body(&config, &message()).await;
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["From", "To", "TemplateAlias", "TemplateModel"]);
    }
}

#[tokio::test]
async fn the_payload_is_the_templates_model_as_it_is() {
    let model = json!({
        "code": "\"}],\"Bcc\":\"evil@example.net\u{2028}\\",
        "nested": { "list": [null, true, 1.5, { "deep": "<b>" }] }
    });
    let message = Message { payload: payload(model.clone()), ..message() };
    let sent = body(&config(), &message).await;
    assert_eq!(sent["TemplateModel"], model);
    assert_eq!(sent.get("Bcc"), None);
}

#[tokio::test]
async fn the_sender_is_the_configured_one() {
    for (configured, expected) in [
        ("no-reply@sender.example", "no-reply@sender.example"),
        ("Example <no-reply@例え.jp>", "Example <no-reply@xn--r8jz45g.jp>"),
        ("\"Example, Inc.\" <no-reply@sender.example>", "\"Example, Inc.\" <no-reply@sender.example>"),
        ("Jörg <no-reply@sender.example>", "Jörg <no-reply@sender.example>"),
    ] {
        assert_eq!(body(&with("fromEmail", json!(configured)), &message()).await["From"], expected);
    }
}

/// "For email addresses that have names or titles with punctuation, you should quote them"
/// (<https://postmarkapp.com/developer/user-guide/send-email-with-api>); how it reads a backslash in them, see
/// <https://github.com/ActiveCampaign/postmark-gem/issues/95>.
#[tokio::test]
async fn a_recipients_name_is_quoted_and_one_that_could_be_misread_refused() {
    for (recipient, expected) in [
        ("<ann@example.com>", "ann@example.com"),
        ("Ann Example <ann@example.com>", "Ann Example <ann@example.com>"),
        ("\"Example, Ann\" <ann@example.com>", "\"Example, Ann\" <ann@example.com>"),
        ("\"bob@example.net; x\" <ann@example.com>", "\"bob@example.net; x\" <ann@example.com>"),
        ("\"Ann \\\"A\\\" Example\" <ann@example.com>", "\"Ann \\\"A\\\" Example\" <ann@example.com>"),
    ] {
        assert_eq!(body(&config(), &to(recipient)).await["To"], expected, "{recipient}");
    }
    let postmark = Postmark::usual().await;
    for recipient in [
        "\"x\\\", evil@example.net, \\\"y\" <ann@example.com>",
        "\"x\\\" <evil@example.net> \\\"y\" <ann@example.com>",
        "\"//UwU\\\\\\\\\" <ann@example.com>",
    ] {
        let error = postmark.connector.send(&to(recipient), &SendContext::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMessage, "{recipient}");
        assert_eq!(error.problems()[0].pointer, "/to");
    }
    assert_eq!(postmark.recorder.connections(), 0);
}

/// The API renders templates that Postmark keeps, and takes no subject or content beside one.
#[tokio::test]
async fn a_localized_template_leaves_the_alias_in_its_place() {
    let template = json!({
        "subject": "Votre code", "content": "c", "sendFrom": "Other <other@sender.example>", "replyTo": "a@example.com"
    });
    let localized =
        message().with_template(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap());
    assert_eq!(body(&config(), &localized).await, body(&config(), &message()).await);
}

#[tokio::test]
async fn a_type_without_an_alias_of_its_own_has_generics() {
    let message = Message { usage_type: UsageType::from("SomethingNew"), ..message() };
    assert_eq!(body(&config(), &message).await["TemplateAlias"], "generic");
}

#[test]
fn what_looks_wrong_is_warned_of() {
    let mut config = with("serverToken", json!("POSTMARK_API_TEST"));
    config["templates"][1]["templateAlias"] = json!(" ");
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid());
    let pointers: Vec<&str> = report.warnings.iter().map(|warning| warning.pointer.as_str()).collect();
    assert_eq!(pointers, ["/serverToken", "/templates/1/templateAlias"]);
}

#[test]
fn a_token_and_a_stream_are_one_line() {
    for (field, bad) in [("serverToken", "token\r\nX-Evil: 1"), ("serverToken", "two words"), ("messageStream", "a\nb")]
    {
        let problems = CONNECTOR.validate(&with(field, json!(bad))).problems;
        assert_eq!(problems[0].pointer, format!("/{field}"), "{bad:?}");
    }
}
