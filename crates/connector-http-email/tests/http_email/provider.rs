//! An endpoint as the tests know it: a valid configuration, its usual answer, and how it reads a request.

use connector_http_email::CONNECTOR;
use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, SendContext, UsageType};
use connector_testkit::{
    Answer, HttpRecorder, RecordedRequest, RecorderOptions, TestCa,
    conformance::{Arrived, mailbox},
};
use serde_json::{Value, json};

pub const HOST: &str = "hooks.example.com";
pub const AUTHORIZATION: &str = "Bearer conformance-hook-token-0123456789";
/// The secrets of the specification's own tests, and one of our own.
pub const SECRETS: [&str; 2] =
    ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_Y29uZm9ybWFuY2Utc2VjcmV0LW51bWJlci10d28="];

/// A configuration with every field set.
pub fn config() -> Value {
    json!({
        "endpoint": "https://hooks.example.com/mail",
        "authorization": AUTHORIZATION,
        "signingSecrets": SECRETS,
        "timeout": 10
    })
}

/// Accepted: any 2xx.
pub fn accepted() -> Answer {
    Answer::status(204)
}

/// What an endpoint makes of a request.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/mail"));
    let body = request.json();
    Some(Arrived {
        to: mailbox(body["to"].as_str().unwrap()),
        usage_type: body["type"].as_str().map(str::to_owned),
        payload: Some(body["payload"].clone()),
        ..Arrived::default()
    })
}

/// An endpoint on loopback, and a connector on its way there.
pub struct Endpoint {
    pub recorder: HttpRecorder,
    pub connector: Box<dyn EmailConnector>,
}

impl Endpoint {
    /// An endpoint that gives `answer`, and a connector of `config`.
    pub async fn start(config: &Value, answer: Answer) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(&[HOST]));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers: vec![answer] }).await;
        let egress = Egress {
            connect_to: vec![ConnectTo::new(HOST, 443, "127.0.0.1", recorder.port())],
            extra_roots: vec![ca.root_der()],
            ..Egress::default()
        };
        let connector = CONNECTOR.build(config, &Context::new(egress).unwrap()).unwrap();
        Self { recorder, connector }
    }

    /// The request that `message` becomes under `config`.
    pub async fn request(config: &Value, message: &Message) -> RecordedRequest {
        let endpoint = Self::start(config, accepted()).await;
        endpoint.connector.send(message, &SendContext::new()).await.unwrap();
        endpoint.recorder.only_request()
    }
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload(json!({ "code": "123456" })))
}
