//! SES: our requests, against botocore's signatures and its description of the API.

use super::ses::config;
use super::{NASTY, Provider, Sending, assert_sent, message, with};
use connector_testkit::{Answer, RecordedRequest};
use e2e::Moto;
use serde_json::{Map, Value, json};

const KEY_ID: &str = "AKIASECONDOPINION";
const SECRET: &str = "wJalr/XUtnFEMI+K7MDENG=bPxRfiCYEXAMPLEKEY";
const TOKEN: &str = "FwoGZXIvYXdzEJr//////////wEaDMexample+token/==";

/// That botocore signs the request as we do, and finds nothing wrong with its body.
fn assert_agrees(request: &RecordedRequest, token: Option<&str>) {
    let authorization = request.header("authorization").unwrap();
    let (_, signed) = authorization.split_once("SignedHeaders=").unwrap();
    let (signed, _) = signed.split_once(',').unwrap();
    // The host is the URL's.
    let headers: Map<String, Value> = signed
        .split(';')
        .filter(|name| *name != "host")
        .map(|name| (name.to_owned(), request.header(name).unwrap().into()))
        .collect();
    assert!(headers.contains_key("x-amz-date") && headers.contains_key("content-type"), "{authorization}");
    let order = json!({
        "method": request.method, "url": format!("https://{}{}", request.host, request.target), "path": request.path,
        "headers": headers, "body": request.text(), "keyId": KEY_ID, "secret": SECRET, "token": token,
        "region": Moto::REGION,
    });
    let botocore = e2e::python("aws_signature.py", &order).unwrap();
    assert_eq!(botocore, json!({ "authorization": authorization, "faults": "" }));
}

#[test]
fn botocore_signs_our_requests_as_we_do_and_finds_nothing_wrong_with_them() {
    let accepted = Answer::status(200).json(json!({ "MessageId": "0100-id" }));
    let provider = Provider::start(Moto::SES, accepted);
    let arn = "arn:aws:ses:us-east-1:123456789012:identity/example.test";
    let full = json!({
        "accessKeyId": KEY_ID, "accessKeySecret": SECRET, "emailAddressIdentityArn": arn, "configurationSetName": "codes",
        "feedbackForwardingEmailAddress": "bounces@example.test", "feedbackForwardingEmailAddressIdentityArn": arn,
    });
    let full = with(config(), full);
    let template = json!({
        "subject": "{{code}}", "content": "{{code}}\n2", "contentType": "text/plain",
        "sendFrom": "Anderer", "replyTo": "help@example.test",
    });
    for template in [None, Some(&template)] {
        let message = message("Jürgen <user@例え.テスト>", &json!({ "code": NASTY }));
        let request = provider.request_of("aws-ses", &full, &message, template);
        assert_agrees(&request, None);
    }

    provider.recorder.clear();
    let env = [("AWS_ACCESS_KEY_ID", KEY_ID), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_SESSION_TOKEN", TOKEN)];
    let ran = Sending::new("aws-ses", &config(), &message("user@example.net", &json!({ "code": "902417" })))
        .connect_to(Moto::SES, provider.recorder.port())
        .trusting(&provider.ca_file())
        .env(&env)
        .run(&provider.desk);
    assert_sent(&ran);
    let request = provider.recorder.only_request();
    assert_eq!(request.header("x-amz-security-token"), Some(TOKEN));
    assert_agrees(&request, Some(TOKEN));
}
