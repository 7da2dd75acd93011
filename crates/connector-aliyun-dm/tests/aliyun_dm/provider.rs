//! Direct Mail as the tests know it: a valid configuration, its usual answers, and how it reads a request.

use std::{borrow::Cow, time::SystemTime};

use connector_aliyun_dm::CONNECTOR;
use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, Secret, UsageType};
use connector_testkit::{
    Answer, HttpRecorder, ParsedMailbox, RecordedRequest, RecorderOptions, TestCa, conformance::Arrived,
};
use serde_json::{Value, json};

use crate::signature::{Moment, Parameters, sign};

pub const SECRET: &str = "conformance-secret-0123456789abcdef";
/// The host of the usual configuration.
pub const HOST: &str = "dm.ap-southeast-1.aliyuncs.com";
/// The id in the usual answer.
pub const ENV_ID: &str = "600000054321";
/// The request's id in every answer.
pub const REQUEST_ID: &str = "2D086F6-xxxx-xxxx-xxxx-006DED011A85";

/// A configuration with everything set that a message may carry.
pub fn config() -> Value {
    let template = |usage: &str| json!({ "usageType": usage, "subject": format!("{usage} {{{{code}}}}"), "content": "<p>{{code}}</p>" });
    json!({
        "accessKeyId": "LTAIconformance",
        "accessKeySecret": SECRET,
        "regionId": "ap-southeast-1",
        "accountName": "no-reply@sender.example",
        "fromAlias": "Example",
        "templates": (["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
    })
}

/// Accepted, as Direct Mail says it.
pub fn accepted() -> Answer {
    Answer::status(200).json(json!({ "EnvId": ENV_ID, "RequestId": REQUEST_ID }))
}

/// Refused, as Direct Mail says it.
pub fn refusal(status: u16, code: &str, message: &str) -> Answer {
    Answer::status(status).json(json!({
        "RequestId": REQUEST_ID,
        "HostId": HOST,
        "Code": code,
        "Message": message,
        "Recommend": format!("https://api.aliyun.com/troubleshoot?q={code}&product=Dm"),
    }))
}

/// Parameters of a form as the signature takes them.
pub fn parameters(form: &[(String, String)]) -> Parameters<'_> {
    let name = |name: &String| -> &'static str { Box::leak(name.clone().into_boxed_str()) };
    form.iter().map(|(key, value)| (name(key), Cow::from(value.as_str()))).collect()
}

/// The form with nonce, timestamp and signature made anew, by this clock and secret.
pub fn signed(form: &[(String, String)], nonce: &str, time: SystemTime, secret: &str) -> Vec<(String, String)> {
    let added = ["SignatureNonce", "Timestamp", "Signature"];
    let unsigned: Vec<_> = form.iter().filter(|(name, _)| !added.contains(&name.as_str())).cloned().collect();
    let mut parameters = parameters(&unsigned);
    sign(&mut parameters, Moment { nonce: nonce.to_owned(), time }, &Secret::new(secret));
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned())).collect()
}

/// What Direct Mail makes of a request: `ToAddress` is a list.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
    let form = request.form();
    let get = |wanted: &str| {
        let found: Vec<&String> = form.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value).collect();
        assert!(found.len() < 2, "{wanted} comes several times: {found:?}");
        found.first().map(|value| (*value).clone())
    };
    assert_eq!((get("Action").as_deref(), get("AddressType").as_deref()), (Some("SingleSendMail"), Some("1")));
    let list = get("ToAddress").unwrap();
    let mut recipients = list.split(',').map(str::to_owned);
    let mailbox = |name: &str, address: &str| get(address).map(|address| ParsedMailbox { name: get(name), address });
    Some(Arrived {
        to: ParsedMailbox { name: None, address: recipients.next().unwrap() },
        others: recipients.collect(),
        from: mailbox("FromAlias", "AccountName"),
        reply_to: mailbox("ReplyAddressAlias", "ReplyAddress"),
        subject: get("Subject"),
        html: get("HtmlBody"),
        text: get("TextBody"),
        ..Arrived::default()
    })
}

/// Direct Mail on loopback, at one of its hosts, and a connector on its way there.
pub struct DirectMail {
    pub recorder: HttpRecorder,
    pub connector: Box<dyn EmailConnector>,
}

impl DirectMail {
    /// Direct Mail that gives these answers, and a connector of `config`.
    pub async fn start(host: &str, config: &Value, answers: Vec<Answer>) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(&[host]));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers }).await;
        let egress = Egress {
            connect_to: vec![ConnectTo::new(host, 443, "127.0.0.1", recorder.port())],
            extra_roots: vec![ca.root_der()],
            ..Egress::default()
        };
        let connector = CONNECTOR.build(config, &Context::new(egress).unwrap()).unwrap();
        Self { recorder, connector }
    }

    /// The usual Direct Mail with the usual configuration.
    pub async fn usual() -> Self {
        Self::start(HOST, &config(), vec![accepted()]).await
    }
}

pub fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

pub fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload(json!({ "code": "123456" })))
}
