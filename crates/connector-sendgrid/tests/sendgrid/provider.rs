//! SendGrid as the tests know it: a valid configuration, its usual answer, and how it reads a request.

use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, UsageType};
use connector_sendgrid::CONNECTOR;
use connector_testkit::{
    Answer, HttpRecorder, ParsedMailbox, RecordedRequest, RecorderOptions, TestCa, conformance::Arrived,
};
use serde_json::{Value, json};

pub const API_KEY: &str = "SG.conformance-key.0123456789abcdefghijklmnopqrstuvwxyz";
/// The id in the usual answer.
pub const MESSAGE_ID: &str = "uQ1dPz0cTXyGhG0v1Ja4Eg";

/// A configuration with everything set that a message may carry.
pub fn config() -> Value {
    let template = |usage: &str| json!({ "usageType": usage, "type": "text/html", "subject": format!("{usage} {{{{code}}}}"), "content": "<p>{{code}}</p>" });
    json!({
        "apiKey": API_KEY,
        "fromEmail": "no-reply@sender.example",
        "fromName": "Example",
        "templates": (["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
    })
}

/// Accepted, as SendGrid says it.
pub fn accepted() -> Answer {
    Answer::status(202).header("x-message-id", MESSAGE_ID)
}

/// What SendGrid makes of a request, what it is known to get wrong included: in a recipient's name that is not quoted, a
/// comma or semicolon ends one recipient and begins another (sendgrid/sendgrid-python#291).
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v3/mail/send"));
    let body = request.json();
    let personalization = &body["personalizations"][0];
    let (mut recipients, mut others) = (Vec::new(), Vec::new());
    for list in ["to", "cc", "bcc"] {
        for recipient in personalization[list].as_array().into_iter().flatten() {
            let mut mailbox = mailbox(recipient).unwrap();
            if let Some(name) = &mut mailbox.name {
                let inside = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
                match inside.filter(|inside| !inside.contains(['"', '\\'])) {
                    Some(inside) => *name = inside.to_owned(),
                    None if name.contains([',', ';']) => others.push(name.clone()),
                    None => {}
                }
            }
            recipients.push(mailbox);
        }
    }
    others.extend(recipients.iter().skip(1).map(|mailbox| mailbox.address.clone()));
    let content = body["content"].as_array().unwrap();
    let part = |kind: &str| content.iter().find(|part| part["type"] == kind)?["value"].as_str().map(str::to_owned);
    assert!(content.iter().all(|part| part["value"] != ""), "SendGrid refuses empty content");
    assert!(part("text/plain").is_none() || content[0]["type"] == "text/plain", "SendGrid wants plain text first");
    Some(Arrived {
        to: recipients.remove(0),
        others,
        from: mailbox(&body["from"]),
        reply_to: mailbox(&body["reply_to"]),
        subject: body["subject"].as_str().map(str::to_owned),
        html: part("text/html"),
        text: part("text/plain"),
        ..Arrived::default()
    })
}

fn mailbox(object: &Value) -> Option<ParsedMailbox> {
    let address = object["email"].as_str()?.to_owned();
    Some(ParsedMailbox { name: object["name"].as_str().map(str::to_owned), address })
}

/// SendGrid on loopback, at one of its hosts, and a connector on its way there.
pub struct SendGrid {
    pub recorder: HttpRecorder,
    pub connector: Box<dyn EmailConnector>,
}

impl SendGrid {
    /// SendGrid that gives `answer`, and a connector of `config`.
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

    /// The usual SendGrid with the usual configuration.
    pub async fn usual() -> Self {
        Self::start("api.sendgrid.com", &config(), accepted()).await
    }
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload(json!({ "code": "123456" })))
}
