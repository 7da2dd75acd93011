//! What goes to Amazon SES beyond what the recordings show, and what never gets that far.

use connector_aws_ses::CONNECTOR;
use connector_kit::{Context, Delivery, Egress, EmailTemplate, ErrorKind, Message, SendContext};
use connector_testkit::{Answer, HttpRecorder, RecordedRequest, RecorderOptions};
use serde_json::{Value, json};

use crate::{
    provider::{Aws, HOST, KEY_ID, KEY_SECRET, MESSAGE_ID, accepted, config, message, payload},
    signature::{Signed, signed_headers},
};

async fn request(config: &Value, message: &Message) -> RecordedRequest {
    let aws = Aws::start(HOST, config, accepted()).await;
    aws.connector.send(message, &SendContext::new()).await.unwrap();
    aws.recorder.only_request()
}

async fn body(config: &Value, message: &Message) -> Value {
    request(config, message).await.json()
}

fn localized(template: Value) -> Message {
    message().with_template(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap())
}

fn to(recipient: &str) -> Message {
    Message { to: recipient.to_owned(), ..message() }
}

fn problems(config: &Value) -> Vec<String> {
    CONNECTOR.validate(config).problems.into_iter().map(|problem| problem.pointer).collect()
}

#[tokio::test]
async fn everything_the_configuration_says_is_sent() {
    let mut config = config();
    let arn = "arn:aws:ses:us-east-1:123456789012:identity/sender.example";
    config["emailAddress"] = json!("李雷 <no-reply@例え.jp>");
    config["emailAddressIdentityArn"] = json!(arn);
    config["feedbackForwardingEmailAddress"] = json!("Bounces <bounces@sender.example>");
    config["feedbackForwardingEmailAddressIdentityArn"] = json!(arn);
    config["configurationSetName"] = json!("codes");
    let content = |data: &str| json!({ "Data": data, "Charset": "UTF-8" });
    assert_eq!(
        body(&config, &message()).await,
        json!({
            "FromEmailAddress": "=?utf-8?b?5p2O6Zu3?= <no-reply@xn--r8jz45g.jp>",
            "FromEmailAddressIdentityArn": arn,
            "Destination": { "ToAddresses": ["user@example.com"] },
            "FeedbackForwardingEmailAddress": "bounces@sender.example",
            "FeedbackForwardingEmailAddressIdentityArn": arn,
            "Content": { "Simple": {
                "Subject": content("SignIn 123456"),
                "Body": { "Html": content("<p>123456</p>"), "Text": content("123456") },
            } },
            "ConfigurationSetName": "codes",
        })
    );
}

#[tokio::test]
async fn the_secret_signs_and_is_not_sent() {
    let request = request(&config(), &message()).await;
    let whole = format!("{}{}", String::from_utf8_lossy(&request.raw_head), request.text());
    assert!(whole.contains(KEY_ID) && !whole.contains(KEY_SECRET));
    assert_eq!(request.header("amz-sdk-request"), Some("attempt=1; max=1"), "the SDK's own retries are off");
    assert_eq!(request.server_name.as_deref(), Some(HOST));
}

#[tokio::test]
async fn a_region_has_its_partitions_host() {
    for (region, host) in [
        ("eu-central-1", "email.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "email.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "email.cn-north-1.amazonaws.com.cn"),
    ] {
        let mut config = config();
        config["region"] = json!(region);
        let aws = Aws::start(host, &config, accepted()).await;
        aws.connector.send(&message(), &SendContext::new()).await.unwrap();
        let request = aws.recorder.only_request();
        assert_eq!((request.host.as_str(), request.server_name.as_deref()), (host, Some(host)));
        assert!(request.header("authorization").unwrap().contains(&format!("/{region}/ses/aws4_request")));
    }
}

/// An emulator or a VPC endpoint is reached at its own host, and the signature is for that host, port included.
#[tokio::test]
async fn a_custom_endpoint_is_also_the_signed_host() {
    let recorder = HttpRecorder::start(RecorderOptions { tls: None, answers: vec![accepted()] }).await;
    let context = Context::new(Egress::default()).unwrap();
    for (behind, path) in [("", "/v2/email/outbound-emails"), ("/ses/", "/ses/v2/email/outbound-emails")] {
        let mut config = config();
        config["endpoint"] = json!(format!("http://127.0.0.1:{}{behind}", recorder.port()));
        CONNECTOR.build(&config, &context).unwrap().send(&message(), &SendContext::new()).await.unwrap();
        let request = recorder.requests().pop().unwrap();
        assert_eq!((request.scheme.as_str(), request.path.as_str()), ("http", path));
        assert_eq!(request.host, format!("127.0.0.1:{}", recorder.port()));
        let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let authorization = request.header("authorization").unwrap();
        let signed = Signed { method: "POST", path, headers, body: &request.body };
        let names = signed_headers(authorization);
        assert!(names.split(';').any(|name| name == "host"));
        assert_eq!(signed.authorization(KEY_ID, KEY_SECRET, "us-east-1", "ses", names), authorization);
    }
}

#[tokio::test]
async fn html_without_any_text_goes_alone() {
    let template = json!({ "subject": "s", "content": "<img src=\"https://example.com/code.png\">" });
    let sent = body(&config(), &localized(template)).await;
    let parts: Vec<&String> = sent["Content"]["Simple"]["Body"].as_object().unwrap().keys().collect();
    assert_eq!(parts, ["Html"]);
}

#[tokio::test]
async fn a_localized_template_names_the_sender_and_says_where_replies_go() {
    let template = json!({
        "subject": "s", "content": "c", "sendFrom": "{{app}} Team", "replyTo": "\"Hilfe, {{app}}\" <help@{{domain}}>"
    });
    let mut message = localized(template);
    message.payload = payload(json!({ "app": "Demo", "domain": "sender.example" }));
    let sent = body(&config(), &message).await;
    assert_eq!(sent["FromEmailAddress"], "Demo Team <no-reply@sender.example>");
    assert_eq!(sent["ReplyToAddresses"], json!(["\"Hilfe, Demo\" <help@sender.example>"]));
}

#[tokio::test]
async fn without_a_configured_sender_the_templates_own_is_taken() {
    let mut config = config();
    config.as_object_mut().unwrap().shift_remove("emailAddress");
    let report = CONNECTOR.validate(&config);
    assert!(report.is_valid());
    assert_eq!(report.warnings[0].pointer, "/emailAddress");
    let with = |send_from: &str| localized(json!({ "subject": "s", "content": "c", "sendFrom": send_from }));
    assert_eq!(body(&config, &with("Own <own@sender.example>")).await["FromEmailAddress"], "Own <own@sender.example>");
    // SES says what it thinks of a message without a sender.
    assert_eq!(body(&config, &message()).await.get("FromEmailAddress"), None);
    let aws = Aws::start(HOST, &config, accepted()).await;
    let error = aws.connector.send(&with("Only a Name"), &SendContext::new()).await.unwrap_err();
    assert_eq!(error.problems()[0].pointer, "/template/sendFrom");
    assert_eq!(aws.recorder.connections(), 0);
}

/// SES takes domains in punycode, but nothing beyond ASCII before the @.
#[tokio::test]
async fn a_local_part_beyond_ascii_is_refused_before_any_connection() {
    let aws = Aws::usual().await;
    let template = |field: &str| {
        let mut template = json!({ "subject": "s", "content": "c" });
        template[field] = json!("Jürgen <jürgen@sender.example>");
        localized(template)
    };
    for (message, pointer) in [
        (to("jürgen@example.com"), "/to"),
        (template("sendFrom"), "/template/sendFrom"),
        (template("replyTo"), "/template/replyTo"),
    ] {
        let error = aws.connector.send(&message, &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidMessage, Delivery::NotSent));
        assert_eq!(error.problems()[0].pointer, pointer);
        assert!(error.to_string().contains("ASCII") && !error.to_string().contains("rgen"), "{error}");
    }
    assert_eq!(aws.recorder.connections(), 0);
    for field in ["emailAddress", "feedbackForwardingEmailAddress"] {
        let mut config = config();
        config[field] = json!("jürgen@sender.example");
        assert_eq!(problems(&config), [format!("/{field}")]);
    }
}

#[tokio::test]
async fn the_id_is_the_providers() {
    let receipt = Aws::usual().await.connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!((receipt.message_id.as_deref(), receipt.attempts), (Some(MESSAGE_ID), 1));
}

#[tokio::test]
async fn an_accepted_message_without_an_id_is_unknown() {
    for answer in [json!({}), json!({ "MessageId": "" }), json!({ "MessageId": null }), json!([])] {
        let aws = Aws::start(HOST, &config(), Answer::status(200).json(answer.clone())).await;
        let error = aws.connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::InvalidResponse, Delivery::Unknown), "{answer}");
        assert_eq!(error.provider().unwrap().status, Some(200));
    }
}

#[test]
fn one_half_of_a_key_is_no_key() {
    for half in ["accessKeyId", "accessKeySecret"] {
        let mut config = config();
        config.as_object_mut().unwrap().shift_remove(half);
        assert_eq!(problems(&config), [format!("/{half}")]);
        config[half] = json!("");
        assert_eq!(problems(&config), [format!("/{half}")], "blank is none");
    }
    let mut config = config();
    for half in ["accessKeyId", "accessKeySecret"] {
        config[half] = json!("");
    }
    assert!(CONNECTOR.validate(&config).is_valid(), "AWS's default chain");
}

/// The region becomes part of the host that the signed request goes to.
#[test]
fn a_region_is_a_region_and_not_a_host() {
    for bad in [
        "us east/1",
        "evil.example.net/",
        "us-east-1.evil.example.net",
        "x@evil.example.net",
        "us-east-1#",
        "us-east-1:443",
        "us-east-1\r\nx: y",
        "US-EAST-1",
        "-",
        " ",
    ] {
        let mut config = config();
        config["region"] = json!(bad);
        assert_eq!(problems(&config), ["/region"], "{bad:?}");
    }
    for (region, warned) in
        [("ap-southeast-5", false), ("us-gov-west-1", false), ("mx-central-1", false), ("nowhere-9", true)]
    {
        let mut config = config();
        config["region"] = json!(region);
        let report = CONNECTOR.validate(&config);
        assert!(report.is_valid());
        assert_eq!(!report.warnings.is_empty(), warned, "{region}");
    }
}

#[test]
fn arns_are_of_what_they_should_be() {
    let identity = [
        "arn:aws:ses:us-east-1:123456789012:identity/example.com",
        "arn:aws:ses:eu-west-1:123456789012:identity/no-reply@example.com",
        "arn:aws-cn:ses:cn-north-1:123456789012:identity/example.com",
    ];
    let role = ["arn:aws:iam::123456789012:role/mail", "arn:aws-us-gov:iam::123456789012:role/team/mail"];
    let neither = [
        "example.com",
        "arn:aws:ses:us-east-1:123456789012:configuration-set/codes",
        "arn:aws:ses:us-east-1:1234:identity/example.com",
        "arn:aws:ses:us-east-1:123456789012:identity/",
        "arn:aws:ses::123456789012:identity/example.com",
        "arn:evil:ses:us-east-1:123456789012:identity/example.com",
        "arn:aws:iam::123456789012:user/mail",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/mail\r\nx: y",
    ];
    for (field, good) in [
        ("emailAddressIdentityArn", identity.as_slice()),
        ("feedbackForwardingEmailAddressIdentityArn", identity.as_slice()),
        ("roleArn", role.as_slice()),
    ] {
        for arn in identity.iter().chain(&role).chain(&neither) {
            let mut config = config();
            config[field] = json!(arn);
            let expected = if good.contains(arn) { vec![] } else { vec![format!("/{field}")] };
            assert_eq!(problems(&config), expected, "{arn}");
        }
    }
}

#[test]
fn endpoint_and_external_id_are_checked() {
    for (field, bad) in [
        ("endpoint", "email.us-east-1.amazonaws.com"),
        ("endpoint", "https://user:password@email.example.com"),
        ("endpoint", "https://email.example.com/?x=1"),
        ("endpoint", "https://email.example.com/#x"),
        ("externalId", "x"),
        ("externalId", "a b"),
        ("externalId", "a<b"),
    ] {
        let mut config = config();
        config["roleArn"] = json!("arn:aws:iam::123456789012:role/mail");
        config[field] = json!(bad);
        assert_eq!(problems(&config), [format!("/{field}")], "{bad}");
    }
    let mut config = config();
    config["externalId"] = json!("tenant-7");
    assert_eq!(CONNECTOR.validate(&config).warnings[0].pointer, "/externalId", "without a role it has no effect");
    let warnings = |endpoint: &str| {
        let mut config = self::config();
        config["endpoint"] = json!(endpoint);
        CONNECTOR.validate(&config).warnings
    };
    assert!(warnings("http://email.example.com")[0].message.contains("use https://"));
    assert_eq!((warnings("http://127.0.0.1:4566"), warnings("https://email.example.com")), (vec![], vec![]));
}
