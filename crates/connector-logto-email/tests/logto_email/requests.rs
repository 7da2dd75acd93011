//! What goes to the service beyond what the recordings show.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_kit::{EmailTemplate, ErrorKind, Message, SendContext};
use connector_logto_email::CONNECTOR;
use connector_testkit::{Answer, RecordedRequest};
use serde_json::{Value, json};

use crate::provider::{ACCESS_TOKEN, Logto, config, message, payload};

fn with(field: &str, value: Value) -> Value {
    let mut config = config();
    config[field] = value;
    config
}

async fn request(config: &Value, message: &Message) -> RecordedRequest {
    let logto = Logto::start(config).await;
    logto.connector.send(message, &SendContext::new()).await.unwrap();
    logto.requests().1.remove(0)
}

#[tokio::test]
async fn the_endpoint_may_end_in_api_or_not() {
    for (endpoint, target) in [
        ("https://cloud.logto.io", "/api/services/mails"),
        ("https://cloud.logto.io/", "/api/services/mails"),
        ("https://cloud.logto.io/api", "/api/services/mails"),
        ("https://cloud.logto.io/api/", "/api/services/mails"),
        ("https://cloud.logto.io/api?x=1#y", "/api/services/mails"),
        ("https://cloud.logto.io/logto", "/logto/api/services/mails"),
        ("https://cloud.logto.io/logto/api", "/logto/api/services/mails"),
        ("https://cloud.logto.io/myapi", "/myapi/api/services/mails"),
    ] {
        let request = request(&with("endpoint", json!(endpoint)), &message()).await;
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", target), "{endpoint}");
        assert_eq!(request.header_values("authorization"), [format!("Bearer {ACCESS_TOKEN}")]);
    }
}

#[tokio::test]
async fn branding_goes_into_the_payload() {
    let sent = request(&config(), &message()).await.json();
    let expected = json!({ "data": {
        "to": "user@example.com",
        "type": "SignIn",
        "payload": {
            "code": "123456",
            "senderName": "Example",
            "companyInformation": "Example, Inc., 1 Example St., 10115 Berlin",
            "appLogo": "https://example.com/logo.png"
        }
    } });
    assert_eq!(sent, expected);
    // The configuration's word holds: the payload comes from further away.
    let forged = payload(json!({ "code": "1", "senderName": "https://evil.example.net" }));
    let sent = request(&config(), &Message { payload: forged, ..message() }).await.json();
    assert_eq!(sent["data"]["payload"]["senderName"], "Example");

    let mut plain = config();
    for field in ["senderName", "companyInformation"] {
        plain[field] = json!("");
    }
    plain.as_object_mut().unwrap().remove("appLogo");
    let sent = request(&plain, &message()).await.json();
    assert_eq!(sent["data"]["payload"], json!({ "code": "123456" }));
}

/// The service writes the mail: neither a template nor the client's address is for it.
#[tokio::test]
async fn the_address_goes_without_its_name_and_nothing_goes_beside_type_and_payload() {
    let template = serde_json::from_value::<EmailTemplate>(json!({ "subject": "s", "content": "c" })).unwrap();
    let template = template.compile().unwrap();
    let mut message = Message { to: "\"Example, Ann\" <ann@例え.jp>".to_owned(), ..message() }.with_template(template);
    message.ip = Some("203.0.113.7".to_owned());
    let data = request(&config(), &message).await.json()["data"].clone();
    assert_eq!(data["to"], "ann@xn--r8jz45g.jp");
    let names: Vec<&String> = data.as_object().unwrap().keys().collect();
    assert_eq!(names, ["to", "type", "payload"]);
}

#[tokio::test]
async fn usage_is_counted_from_a_date() {
    let logto = Logto::usual().await;
    logto.answers(vec![Answer::status(200).json(json!({ "count": 42 }))]);
    for (from, expected) in [
        (UNIX_EPOCH + Duration::from_millis(1_767_323_045_678), "2026-01-02T03:04:05.678Z"),
        (UNIX_EPOCH + Duration::from_secs(1_709_164_800), "2024-02-29T00:00:00.000Z"),
        (UNIX_EPOCH, "1970-01-01T00:00:00.000Z"),
        (UNIX_EPOCH - Duration::from_secs(1), "1970-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(logto.connector.usage(from).await.unwrap(), 42);
        let request = logto.requests().1.pop().unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/api/services/mails/usage"));
        assert_eq!(request.query_pairs(), [("from".to_owned(), expected.to_owned())]);
        assert_eq!(request.header("authorization"), Some(format!("Bearer {ACCESS_TOKEN}").as_str()));
        assert!(request.body.is_empty());
    }
    let (tokens, _) = logto.requests();
    assert_eq!(tokens.len(), 1, "the token is kept");
}

#[tokio::test]
async fn usage_that_is_not_a_count_is_an_error() {
    let logto = Logto::usual().await;
    let now = SystemTime::now();
    for (answer, kind) in [
        (Answer::status(200).json(json!({ "count": "many" })), ErrorKind::InvalidResponse),
        (Answer::status(200).json(json!({ "count": -1 })), ErrorKind::InvalidResponse),
        (Answer::status(200), ErrorKind::InvalidResponse),
        (Answer::status(403), ErrorKind::Unauthorized),
        (Answer::status(503), ErrorKind::Unavailable),
    ] {
        logto.answers(vec![answer]);
        let error = logto.connector.usage(now).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.provider().is_some());
    }
    let far = now + Duration::from_secs(60 * 60 * 24 * 366 * 20_000);
    assert_eq!(logto.connector.usage(far).await.unwrap_err().kind(), ErrorKind::InvalidMessage);
}

fn problems(config: &Value) -> Vec<String> {
    CONNECTOR.validate(config).problems.into_iter().map(|problem| problem.pointer).collect()
}

#[test]
fn only_what_is_a_url_is_refused_in_the_branding() {
    for field in ["senderName", "companyInformation"] {
        for url in [
            "https://evil.example",
            "Visit https://evil.example",
            "acme.io",
            "Acme (acme.io)",
            "ACME.IO",
            "see www.acme.io.",
            "acme.co.uk/sign-in",
            "acme.io:8080",
            "例え.jp",
            "shop.xn--p1ai",
            "ftp://x",
        ] {
            assert_eq!(problems(&with(field, json!(url))), [format!("/{field}")], "{url}");
        }
        for text in [
            "St. John p.s.a. 1.5",
            "Acme",
            "Acme, Inc.",
            "Dr.Smith",
            "U.S.A.",
            "v1.2.3",
            "e.g. this: 3/4",
            "Help: help@acme.io",
            "1 Example St., 10115 Berlin",
            "C/O Ann",
            "...",
            "",
        ] {
            assert!(problems(&with(field, json!(text))).is_empty(), "{text}");
        }
    }
    assert!(problems(&with("companyInformation", json!("Example, Inc.\n1 Example St."))).is_empty());
    assert_eq!(problems(&with("senderName", json!("Example\nBcc: x"))), ["/senderName"]);
    assert_eq!(problems(&with("appLogo", json!("logo.png"))), ["/appLogo"]);
}

#[test]
fn what_goes_in_clear_is_warned_of() {
    let mut config = with("endpoint", json!("http://cloud.logto.io"));
    config["tokenEndpoint"] = json!("http://127.0.0.1:3001/oidc/token");
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid());
    let pointers: Vec<&str> = report.warnings.iter().map(|warning| warning.pointer.as_str()).collect();
    assert_eq!(pointers, ["/endpoint"]);
}

#[test]
fn the_sender_is_the_services_own() {
    assert_eq!(CONNECTOR.metadata().from_email.as_deref(), Some("no-reply@logto.email"));
}
