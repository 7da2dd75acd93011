//! How a reply is read, beyond the rows of `answers.json`.

use connector_kit::{Delivery, ErrorKind::Unavailable};
use serde_json::json;

use crate::support::{Relay, message, outcome, to, usual};

#[tokio::test]
async fn what_only_looks_like_an_enhanced_code_is_none() {
    for text in ["5.1 short", "5.1.1.1 long", "1234.1.1 what", "10.0.0.1 is listed", "v5.1.1 text"] {
        let relay = Relay::start(usual().answer("RCPT", &[&format!("550 {text}")])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(error.provider().unwrap().code, None, "{text}");
    }
}

#[tokio::test]
async fn the_words_of_an_address_mean_nothing() {
    let recipient = "too.many.credits.exceeded@example.com";
    let relay = Relay::start(usual().answer("RCPT", &[&format!("450 4.2.1 <{recipient}>: not now")])).await;
    let error = relay.send(json!({}), &to(recipient)).await.unwrap_err();
    assert_eq!(outcome(&error), (Unavailable, Delivery::NotSent), "{error}");
}
