//! What goes to %Title% beyond what the suite asks of every connector.

use connector_%snake%::CONNECTOR;
use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, SendContext, UsageType};
use connector_testkit::{HttpRecorder, RecorderOptions, TestCa};

use crate::provider::{API_KEY, HOST, MESSAGE_ID, accepted, config};

#[tokio::test]
async fn the_key_goes_in_its_header_and_nowhere_else() {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&[HOST]));
    let recorder = HttpRecorder::start(RecorderOptions { tls, answers: vec![accepted()] }).await;
    let egress = Egress {
        connect_to: vec![ConnectTo::new(HOST, 443, "127.0.0.1", recorder.port())],
        extra_roots: vec![ca.root_der()],
        ..Egress::default()
    };
    let connector = CONNECTOR.build(&config(), &Context::new(egress).unwrap()).unwrap();
    let message = Message::new("user@example.com", UsageType::SignIn, Payload::new());
    let receipt = connector.send(&message, &SendContext::new()).await.unwrap();
    assert_eq!(receipt.message_id.as_deref(), Some(MESSAGE_ID));

    let request = recorder.only_request();
    assert_eq!(request.header_values("authorization"), [format!("Bearer {API_KEY}")]);
    assert!(!request.text().contains(API_KEY), "the body has the key");
}
