//! What becomes of an answer beyond the rows of `answers.json`.

use connector_kit::{Delivery, ErrorKind, SendContext};
use connector_testkit::{Answer, Fault};
use serde_json::json;

use crate::provider::{AUTHORIZATION, Endpoint, SECRETS, config, message};

#[tokio::test]
async fn a_refusal_may_be_of_any_length() {
    let endpoint = Endpoint::start(&config(), Answer::status(400).text("text/plain", &"x".repeat(2_000_000))).await;
    let error = endpoint.connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Rejected, Delivery::NotSent), "{error}");
    assert_eq!(error.to_string(), "the endpoint at hooks.example.com answered 400 Bad Request");
}

/// Logto's guide: the endpoint must return a 2xx. What else it says is its own business.
#[tokio::test]
async fn any_2xx_is_accepted_whatever_the_body() {
    let endpoint = Endpoint::start(&config(), Answer::status(204)).await;
    for answer in [
        Answer::status(200).bytes(vec![0xff; 100]),
        Answer::endless(2_000_000),
        Answer::fault(Fault::CutBody),
        Answer::fault(Fault::ResetBody),
    ] {
        let what = format!("{} {:?}", answer.status, answer.fault);
        endpoint.recorder.set_answers(vec![answer]);
        let receipt = endpoint
            .connector
            .send(&message(), &SendContext::new())
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(receipt.message_id.is_some_and(|id| id.starts_with("msg_")), "{what}");
    }
}

/// An endpoint may quote what it was sent in any piece, a key in the URL among them.
#[tokio::test]
async fn keys_never_show() {
    let mut config = config();
    config["endpoint"] = json!("https://hooks.example.com/mail?key=url-secret&x=1");
    let endpoint = Endpoint::start(&config, Answer::status(204)).await;
    let token = AUTHORIZATION.trim_start_matches("Bearer ");
    for secret in [AUTHORIZATION, token, SECRETS[0], SECRETS[1], "url-secret", "123456", "user@example.com"] {
        let says = json!({ "message": format!("what is {secret}?"), "code": secret });
        endpoint.recorder.set_answers(vec![Answer::status(400).header("x-request-id", secret).json(says)]);
        let error = endpoint.connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert!(error.to_string().contains("what is [redacted]?"), "{error}");
        assert!(!format!("{error:?}").contains(secret), "{error:?}");
    }
}
