//! What an answer means beyond the rows of `answers.json`.

use connector_kit::SendContext;
use connector_testkit::Answer;
use serde_json::json;

use crate::provider::{SendGrid, config, message};

#[tokio::test]
async fn in_sandbox_mode_a_200_says_that_the_message_would_do() {
    let mut config = config();
    config["sandbox"] = json!(true);
    let sendgrid = SendGrid::start("api.sendgrid.com", &config, Answer::status(200)).await;
    sendgrid.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(sendgrid.recorder.only_request().json()["mail_settings"], json!({ "sandbox_mode": { "enable": true } }));
}
