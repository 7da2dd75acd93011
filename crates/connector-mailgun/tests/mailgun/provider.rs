//! Mailgun as the tests know it: a valid configuration, its usual answer, and how it reads a request.

use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, UsageType};
use connector_mailgun::CONNECTOR;
use connector_testkit::{
    Answer, HttpRecorder, RecordedRequest, RecorderOptions, TestCa,
    conformance::{Arrived, mailbox},
    parse_mail,
};
use serde_json::{Value, json};

pub const API_KEY: &str = "conformance-key-0123456789abcdef-01234567-89abcdef";
/// The host of the usual configuration.
pub const HOST: &str = "api.eu.mailgun.net";
/// The id in the usual answer.
pub const MESSAGE_ID: &str = "<20260102030405.1.0123456789ABCDEF@mg.sender.example>";

/// A configuration with everything set that a message may carry.
pub fn config() -> Value {
    let delivery = |usage: &str| json!({ "subject": format!("{usage} {{{{code}}}}"), "html": "<p>{{code}}</p>" });
    json!({
        "endpoint": format!("https://{HOST}"),
        "domain": "mg.sender.example",
        "apiKey": API_KEY,
        "from": "Example <no-reply@mg.sender.example>",
        "deliveries": {
            "SignIn": delivery("SignIn"),
            "Register": delivery("Register"),
            "ForgotPassword": delivery("ForgotPassword"),
            "Generic": delivery("Generic"),
        }
    })
}

/// The usual configuration with this for `SignIn`.
pub fn with_delivery(delivery: Value) -> Value {
    let mut config = config();
    config["deliveries"]["SignIn"] = delivery;
    config
}

/// Accepted, as Mailgun says it.
pub fn accepted() -> Answer {
    Answer::status(200).json(json!({ "id": MESSAGE_ID, "message": "Queued. Thank you." }))
}

/// What Mailgun makes of a request: `to` is a header's list of mailboxes, and a field may come several times.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v3/mg.sender.example/messages"));
    let form = request.form();
    let all = |wanted: &str| -> Vec<String> {
        form.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.clone()).collect()
    };
    let one = |wanted: &str| {
        let found = all(wanted);
        assert!(found.len() < 2, "{wanted} comes several times: {found:?}");
        found.into_iter().next()
    };
    let mut recipients = Vec::new();
    for list in ["to", "cc", "bcc"].into_iter().flat_map(all) {
        assert!(!list.contains(['\r', '\n']), "a header that is several lines: {list:?}");
        recipients.extend(parse_mail(format!("To: {list}\r\n\r\n").as_bytes()).to);
    }
    let to = recipients.remove(0);
    Some(Arrived {
        to,
        others: recipients.into_iter().map(|mailbox| mailbox.address).collect(),
        from: one("from").map(|text| mailbox(&text)),
        reply_to: one("h:Reply-To").map(|text| mailbox(&text)),
        subject: one("subject"),
        html: one("html"),
        text: one("text"),
        ..Arrived::default()
    })
}

/// Mailgun on loopback, at one of its hosts, and a connector on its way there.
pub struct Mailgun {
    pub recorder: HttpRecorder,
    pub connector: Box<dyn EmailConnector>,
}

impl Mailgun {
    /// Mailgun that gives `answer`, and a connector of `config`.
    pub async fn start(host: &str, config: &Value, answer: Answer) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(&[host]));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers: vec![answer] }).await;
        let egress = Egress {
            connect_to: vec![ConnectTo::new(host, 443, "127.0.0.1", recorder.port())],
            extra_roots: vec![ca.root_der()],
            ..Egress::default()
        };
        let connector = CONNECTOR.build(config, &Context::new(egress).unwrap()).unwrap();
        Self { recorder, connector }
    }

    /// The usual Mailgun with the usual configuration.
    pub async fn usual() -> Self {
        Self::start(HOST, &config(), accepted()).await
    }
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload(json!({ "code": "123456" })))
}
