//! Logto's email service as the tests know it: a valid configuration, its usual answers, and how it reads a request.

use std::sync::{Arc, Mutex};

use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, UsageType};
use connector_logto_email::CONNECTOR;
use connector_testkit::{
    Answer, HttpRecorder, ParsedMailbox, RecordedRequest, RecorderOptions, TestCa, conformance::Arrived,
};
use serde_json::{Value, json};

pub const HOST: &str = "cloud.logto.io";
pub const TOKEN_HOST: &str = "auth.logto.io";
pub const APP_SECRET: &str = "conformance-app-secret-0123456789";
/// The access token in the usual answer.
pub const ACCESS_TOKEN: &str = "conformance-access-token-0123456789";

/// A configuration with everything set.
pub fn config() -> Value {
    json!({
        "endpoint": "https://cloud.logto.io/api",
        "tokenEndpoint": "https://auth.logto.io/oidc/token",
        "resource": "https://cloud.logto.io/api",
        "appId": "m2m-app",
        "appSecret": APP_SECRET,
        "senderName": "Example",
        "companyInformation": "Example, Inc., 1 Example St., 10115 Berlin",
        "appLogo": "https://example.com/logo.png"
    })
}

/// Accepted.
pub fn accepted() -> Answer {
    Answer::status(201)
}

/// An access token.
pub fn granted(token: &str) -> Answer {
    let body = json!({ "access_token": token, "expires_in": 3600, "token_type": "Bearer", "scope": "send:email" });
    Answer::status(200).json(body)
}

/// Refused, as the service says it.
pub fn refused(status: u16, code: &str, message: &str) -> Answer {
    Answer::status(status).json(json!({ "message": message, "code": code }))
}

pub fn asks_for_a_token(request: &RecordedRequest) -> bool {
    request.path == "/oidc/token"
}

/// What the service makes of a request; none of one for a token.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    if asks_for_a_token(request) {
        return None;
    }
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/api/services/mails"));
    let data = request.json()["data"].clone();
    Some(Arrived {
        to: ParsedMailbox { name: None, address: data["to"].as_str().unwrap().to_owned() },
        usage_type: data["type"].as_str().map(str::to_owned),
        payload: Some(data["payload"].clone()),
        ..Arrived::default()
    })
}

/// The service and its token endpoint on loopback, and a connector on its way there.
pub struct Logto {
    pub recorder: HttpRecorder,
    pub connector: Box<dyn EmailConnector>,
    answers: Arc<Mutex<(Vec<Answer>, Vec<Answer>)>>,
}

impl Logto {
    /// A connector of `config`, and a service that grants tokens and accepts everything.
    pub async fn start(config: &Value) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(&[HOST, TOKEN_HOST]));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await;
        let answers = Arc::new(Mutex::new((vec![granted(ACCESS_TOKEN)], vec![accepted()])));
        let script = Arc::clone(&answers);
        recorder.respond_with(move |request| {
            let mut script = script.lock().unwrap();
            let answers = if asks_for_a_token(request) { &mut script.0 } else { &mut script.1 };
            if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() }
        });
        let here = |host| ConnectTo::new(host, 443, "127.0.0.1", recorder.port());
        let egress = Egress {
            connect_to: vec![here(HOST), here(TOKEN_HOST)],
            extra_roots: vec![ca.root_der()],
            ..Egress::default()
        };
        let connector = CONNECTOR.build(config, &Context::new(egress).unwrap()).unwrap();
        Self { recorder, connector, answers }
    }

    /// The usual service with the usual configuration.
    pub async fn usual() -> Self {
        Self::start(&config()).await
    }

    /// Answers requests for a token in turn, the last one repeated.
    pub fn grants(&self, answers: Vec<Answer>) {
        self.answers.lock().unwrap().0 = answers;
    }

    /// Answers everything else in turn, the last one repeated.
    pub fn answers(&self, answers: Vec<Answer>) {
        self.answers.lock().unwrap().1 = answers;
    }

    /// The requests so far: those for a token, and the others.
    pub fn requests(&self) -> (Vec<RecordedRequest>, Vec<RecordedRequest>) {
        self.recorder.requests().into_iter().partition(asks_for_a_token)
    }
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload(json!({ "code": "123456" })))
}
