//! Amazon SES as the tests know it: a valid configuration, its usual answer, and how it reads a request.

use std::sync::Arc;

use connector_aws_ses::CONNECTOR;
use connector_kit::{ConnectTo, Context, Egress, EmailConnector, Message, Payload, UsageType};
use connector_testkit::{
    Answer, HttpRecorder, RecordedRequest, RecorderOptions, TestCa,
    conformance::{Arrived, mailbox},
};
use serde_json::{Value, json};

pub const KEY_ID: &str = "AKIDCONFORMANCE";
pub const KEY_SECRET: &str = "conformance/SecretKey+0123456789abcdefgh";
pub const HOST: &str = "email.us-east-1.amazonaws.com";
pub const STS: &str = "sts.us-east-1.amazonaws.com";
pub const ROLE: &str = "arn:aws:iam::123456789012:role/mail";
/// The session token that [`role_assumed`] gives.
pub const SESSION_TOKEN: &str = "conformance-session-token/0123456789";
/// The id in the usual answer.
pub const MESSAGE_ID: &str = "0100018c-conformance-000000";

/// A configuration with a key of its own.
pub fn config() -> Value {
    let template = |usage: &str| json!({ "usageType": usage, "subject": format!("{usage} {{{{code}}}}"), "content": "<p>{{code}}</p>" });
    json!({
        "accessKeyId": KEY_ID,
        "accessKeySecret": KEY_SECRET,
        "region": "us-east-1",
        "emailAddress": "Example <no-reply@sender.example>",
        "templates": (["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
    })
}

/// The same, sending under a role.
pub fn config_with_role() -> Value {
    let mut config = config();
    config["roleArn"] = json!(ROLE);
    config["externalId"] = json!("tenant-7");
    config
}

/// Accepted, as SES says it.
pub fn accepted() -> Answer {
    Answer::status(200).json(json!({ "MessageId": MESSAGE_ID }))
}

/// The role's credentials, as STS gives them.
pub fn role_assumed() -> Answer {
    Answer::status(200).text(
        "text/xml",
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><AssumedRoleId>AROA:email-connectors</AssumedRoleId>\
             <Arn>arn:aws:sts::123456789012:assumed-role/mail/email-connectors</Arn></AssumedRoleUser>\
             <Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>role-secret</SecretAccessKey>\
             <SessionToken>{SESSION_TOKEN}</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>\
             </AssumeRoleResult><ResponseMetadata><RequestId>c6104cbe</RequestId></ResponseMetadata></AssumeRoleResponse>"
        ),
    )
}

/// The usual answer to whatever is asked: mail, or a role's credentials.
pub fn usual(request: &RecordedRequest) -> Answer {
    if request.host == STS { role_assumed() } else { accepted() }
}

/// What SES makes of a request; none of one that is for STS. Addresses are header values: names are decoded, and a list
/// in one of them would be several.
pub fn read(request: &RecordedRequest) -> Option<Arrived> {
    if request.host == STS {
        return None;
    }
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v2/email/outbound-emails"));
    let body = request.json();
    let list = |name: &str| -> Vec<String> {
        let list = body["Destination"][name].as_array().into_iter().flatten();
        list.map(|one| one.as_str().unwrap().to_owned()).collect()
    };
    let mut recipients = [list("ToAddresses"), list("CcAddresses"), list("BccAddresses")].concat();
    let to = recipients.remove(0);
    assert!(to.is_ascii(), "SES refuses {to}");
    let simple = &body["Content"]["Simple"];
    let data = |content: &Value| {
        let data = content["Data"].as_str()?;
        assert_eq!(content["Charset"], "UTF-8", "SES takes it for 7-bit ASCII: {data}");
        Some(data.to_owned())
    };
    assert!(body["ReplyToAddresses"].as_array().is_none_or(|list| list.len() == 1));
    Some(Arrived {
        to: mailbox(&to),
        others: recipients,
        from: body["FromEmailAddress"].as_str().map(mailbox),
        reply_to: body["ReplyToAddresses"][0].as_str().map(mailbox),
        subject: data(&simple["Subject"]),
        html: data(&simple["Body"]["Html"]),
        text: data(&simple["Body"]["Text"]),
        ..Arrived::default()
    })
}

/// AWS on loopback at one or more of its hosts, and a connector on its way there.
pub struct Aws {
    pub recorder: HttpRecorder,
    pub connector: Arc<dyn EmailConnector>,
}

impl Aws {
    /// AWS at `host` that gives `answer`, and a connector of `config`.
    pub async fn start(host: &str, config: &Value, answer: Answer) -> Self {
        let aws = Self::at(&[host], config).await;
        aws.recorder.set_answers(vec![answer]);
        aws
    }

    /// AWS at `hosts` that gives its usual answers, and a connector of `config`.
    pub async fn at(hosts: &[&str], config: &Value) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(hosts));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers: Vec::new() }).await;
        recorder.respond_with(usual);
        let here = |host: &&str| ConnectTo::new(host, 443, "127.0.0.1", recorder.port());
        let egress = Egress {
            connect_to: hosts.iter().map(here).collect(),
            extra_roots: vec![ca.root_der()],
            ..Egress::default()
        };
        let connector = Arc::from(CONNECTOR.build(config, &Context::new(egress).unwrap()).unwrap());
        Self { recorder, connector }
    }

    /// The usual SES with the usual configuration.
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
