//! What goes to an endpoint beyond what the recordings show.

use std::time::Duration;

use connector_http_email::CONNECTOR;
use connector_kit::{Delivery, EmailTemplate, ErrorKind, Message, SendContext};
use connector_testkit::{Answer, Fault};
use serde_json::{Value, json};

use crate::provider::{AUTHORIZATION, Endpoint, accepted, config, message, payload};

/// Much longer than the timeouts that are tested.
const PATIENCE: Duration = Duration::from_secs(8);

fn with(field: &str, value: Value) -> Value {
    let mut config = config();
    config[field] = value;
    config
}

fn problems(config: &Value) -> Vec<(String, String)> {
    CONNECTOR.validate(config).problems.into_iter().map(|problem| (problem.pointer, problem.message)).collect()
}

#[tokio::test]
async fn the_authorization_goes_as_it_is_and_nowhere_else() {
    let request = Endpoint::request(&config(), &message()).await;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/mail"));
    assert_eq!(request.header_values("authorization"), [AUTHORIZATION]);
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert!(!request.text().contains("hook-token"));
    for none in [json!(""), Value::Null] {
        let mut config = with("authorization", none);
        if config["authorization"].is_null() {
            config.as_object_mut().unwrap().remove("authorization");
        }
        assert_eq!(Endpoint::request(&config, &message()).await.header("authorization"), None);
    }
}

#[tokio::test]
async fn the_query_of_the_endpoint_is_kept() {
    let config = with("endpoint", json!("https://hooks.example.com/a%20b/ü?q=1&q=2#part"));
    let request = Endpoint::request(&config, &message()).await;
    assert_eq!(request.target, "/a%20b/%C3%BC?q=1&q=2");
}

#[tokio::test]
async fn the_body_is_the_message_and_nothing_more() {
    let template = json!({ "subject": "s", "content": "c" });
    let mut message =
        message().with_template(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap());
    message.ip = Some("203.0.113.7".to_owned());
    message.payload = payload(json!({ "code": "\"}],\u{2028}\u{0}", "b": 1, "a": { "deep": [null, true] } }));
    let request = Endpoint::request(&config(), &message).await;
    let body = json!({
        "to": "user@example.com",
        "type": "SignIn",
        "payload": { "code": "\"}],\u{2028}\u{0}", "b": 1, "a": { "deep": [null, true] } },
        "ip": "203.0.113.7"
    });
    assert_eq!(request.json(), body);
    let names: Vec<String> = request.json()["payload"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, ["code", "b", "a"], "the order is the host's");
}

/// An endpoint that puts `to` into a header gets one that can only be read in one way.
#[tokio::test]
async fn a_recipients_name_is_quoted_where_it_must_be() {
    for (to, expected) in [
        (" <user@example.com> ", "user@example.com"),
        ("Ann Example <ann@example.com>", "Ann Example <ann@example.com>"),
        ("\"Example, Ann\" <ann@example.com>", "\"Example, Ann\" <ann@example.com>"),
        ("\"A \\\"B\\\" \\\\\" <ann@example.com>", "\"A \\\"B\\\" \\\\\" <ann@example.com>"),
    ] {
        let message = Message { to: to.to_owned(), ..message() };
        assert_eq!(Endpoint::request(&config(), &message).await.json()["to"], expected, "{to}");
    }
}

#[tokio::test]
async fn an_endpoint_that_takes_longer_than_the_timeout_leaves_the_outcome_unknown() {
    let config = with("timeout", json!(0.3));
    let endpoint = Endpoint::start(&config, accepted()).await;
    endpoint.connector.send(&message(), &SendContext::new()).await.unwrap();
    endpoint.recorder.set_answers(vec![Answer::fault(Fault::Silent)]);
    let sent = tokio::time::timeout(PATIENCE, endpoint.connector.send(&message(), &SendContext::new())).await;
    let error = sent.expect("the timeout does not hold").unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
    assert!(error.to_string().contains("hooks.example.com: no answer came in time"), "{error}");

    let endpoint = Endpoint::start(&config, Answer::fault(Fault::StallTls)).await;
    let sent = tokio::time::timeout(PATIENCE, endpoint.connector.send(&message(), &SendContext::new())).await;
    let error = sent.expect("the timeout does not hold").unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn an_acceptance_whose_body_stalls_is_an_acceptance() {
    let endpoint = Endpoint::start(&with("timeout", json!(0.3)), accepted()).await;
    endpoint.connector.send(&message(), &SendContext::new()).await.unwrap();
    endpoint.recorder.set_answers(vec![Answer::fault(Fault::StallBody)]);
    endpoint.connector.send(&message(), &SendContext::new()).await.unwrap();
}

#[test]
fn timeouts_are_between_a_tenth_of_a_second_and_a_minute() {
    for good in [json!(0.1), json!(1), json!(15.0), json!(60)] {
        assert_eq!(problems(&with("timeout", good.clone())), [], "{good}");
    }
    for bad in [json!(0), json!(-1), json!(61), json!(1e300), json!("10")] {
        assert_eq!(problems(&with("timeout", bad.clone()))[0].0, "/timeout", "{bad}");
    }
}

#[test]
fn an_endpoint_is_an_http_url_without_credentials() {
    for (bad, fault) in [
        ("https://name:secret@hooks.example.com/", "take user and password out of the URL"),
        ("https://name@hooks.example.com/", "take user and password out of the URL"),
        ("ftp://hooks.example.com/", "must be an https:// or http:// URL"),
        ("hooks.example.com/mail", "is not a URL"),
        ("https://", "is not a URL"),
        ("", "is not a URL"),
    ] {
        let found = problems(&with("endpoint", json!(bad)));
        assert_eq!(found[0].0, "/endpoint", "{bad}");
        assert!(found[0].1.contains(fault) && !found[0].1.contains("secret"), "{bad}: {found:?}");
    }
}

#[test]
fn an_authorization_that_no_header_can_hold_is_refused() {
    for bad in ["Bearer x\r\nX-Evil: 1", "Bearer x\n", "Bearer \0", "Bearer ключ", "Bearer \u{7f}"] {
        assert_eq!(problems(&with("authorization", json!(bad)))[0].0, "/authorization", "{bad:?}");
    }
    assert_eq!(problems(&with("authorization", json!("Basic dXNlcjpwYXNz"))), []);
}

#[test]
fn what_goes_in_clear_is_warned_of() {
    let pointers = |endpoint: &str| -> Vec<String> {
        let report = CONNECTOR.validate(&with("endpoint", json!(endpoint)));
        assert!(report.is_valid(), "{endpoint}");
        report.warnings.into_iter().map(|warning| warning.pointer).collect()
    };
    assert_eq!(pointers("http://hooks.example.com/mail"), ["/endpoint"]);
    for quiet in ["https://hooks.example.com/", "http://127.0.0.1:8080/", "http://localhost/", "http://[::1]:3000/"] {
        assert!(pointers(quiet).is_empty(), "{quiet}");
    }
}
