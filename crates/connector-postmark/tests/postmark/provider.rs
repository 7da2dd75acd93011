//! Postmark as the tests know it: a valid configuration, its usual answer, and how it reads a request.

use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, SendContext, UsageType};
use connector_postmark::CONNECTOR;
use connector_testkit::{
    Answer, HttpRecorder, RecordedRequest, RecorderOptions, TestCa,
    conformance::{Arrived, mailbox},
};
use serde_json::{Value, json};

pub const HOST: &str = "api.postmarkapp.com";
pub const SERVER_TOKEN: &str = "5a9e2c1b-conf-4c0d-8f11-2b7f0a6d3e44";
/// The id in the usual answer.
pub const MESSAGE_ID: &str = "b7bc2f4a-e38e-4336-af7d-e6c392c2f817";

/// A configuration with everything set.
pub fn config() -> Value {
    let template = |usage: &str| json!({ "usageType": usage, "templateAlias": usage.to_lowercase() });
    json!({
        "serverToken": SERVER_TOKEN,
        "fromEmail": "Example <no-reply@sender.example>",
        "messageStream": "outbound",
        "templates": (["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
    })
}

/// Accepted, as Postmark says it.
pub fn accepted() -> Answer {
    Answer::status(200).json(json!({
        "To": "user@example.com",
        "SubmittedAt": "2026-01-02T03:04:05.6789012Z",
        "MessageID": MESSAGE_ID,
        "ErrorCode": 0,
        "Message": "OK"
    }))
}

/// Refused, as Postmark says it.
pub fn refused(status: u16, code: i64, message: &str) -> Answer {
    Answer::status(status).json(json!({ "ErrorCode": code, "Message": message }))
}

/// What Postmark makes of a request, what it is known to get wrong included: a backslash does not take a quote's meaning
/// away (ActiveCampaign/postmark-gem#95), and a comma outside quotes ends one recipient and begins another.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/email/withTemplate"));
    let body = request.json();
    let to = body["To"].as_str().unwrap();
    let mut quoted = false;
    let mut parts = to.split(|char| {
        quoted ^= char == '"';
        !quoted && matches!(char, ',' | ';')
    });
    parts.next();
    Some(Arrived {
        others: parts.map(str::to_owned).collect(),
        to: mailbox(to),
        from: body["From"].as_str().map(mailbox),
        template: body["TemplateAlias"].as_str().map(str::to_owned),
        payload: Some(body["TemplateModel"].clone()),
        ..Arrived::default()
    })
}

/// Postmark on loopback, and a connector on its way there.
pub struct Postmark {
    pub recorder: HttpRecorder,
    pub connector: Box<dyn EmailConnector>,
}

impl Postmark {
    /// Postmark that gives `answer`, and a connector of `config`.
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

    /// The usual Postmark with the usual configuration.
    pub async fn usual() -> Self {
        Self::start(&config(), accepted()).await
    }

    /// The request that `message` becomes under `config`.
    pub async fn request(config: &Value, message: &Message) -> RecordedRequest {
        let postmark = Self::start(config, accepted()).await;
        postmark.connector.send(message, &SendContext::new()).await.unwrap();
        postmark.recorder.only_request()
    }
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload(json!({ "code": "123456" })))
}
