//! What no connector may take into its configuration: addresses that lead elsewhere than they say, and keys that would end
//! the header they are put into. All of it is refused when the connector is built, before there is anything to connect.

use connector_kit::{Context, Egress, ErrorKind};
use connector_registry::{Catalog, Error, MemoryStore, Proposal, Registry};
use serde_json::{Value, json};

/// A valid configuration of each connector.
fn configs() -> [(&'static str, Value); 8] {
    let templates = |content: Value| -> Value {
        let template = |usage: &str| {
            let mut template = content.clone();
            template["usageType"] = json!(usage);
            template
        };
        json!(["SignIn", "Register", "ForgotPassword", "Generic"].map(template))
    };
    let html = json!({ "subject": "s", "content": "c" });
    [
        (
            "aws-ses",
            json!({ "accessKeyId": "AKID", "accessKeySecret": "key", "region": "us-east-1", "emailAddress": "a@example.com",
                    "templates": templates(html.clone()) }),
        ),
        (
            "mailgun",
            json!({ "domain": "mg.example.com", "apiKey": "key", "from": "a@example.com",
                    "deliveries": { "Generic": { "subject": "s", "html": "h" } } }),
        ),
        (
            "sendgrid",
            json!({ "apiKey": "key", "fromEmail": "a@example.com",
                    "templates": templates(json!({ "subject": "s", "content": "c", "type": "text/html" })) }),
        ),
        (
            "aliyun-dm",
            json!({ "accessKeyId": "LTAI", "accessKeySecret": "key", "accountName": "a@example.com",
                    "templates": templates(html) }),
        ),
        (
            "postmark",
            json!({ "serverToken": "key", "fromEmail": "a@example.com",
                    "templates": templates(json!({ "templateAlias": "code" })) }),
        ),
        (
            "smtp",
            json!({ "host": "smtp.example.com", "port": 587, "auth": { "user": "u", "pass": "key" }, "fromEmail": "a@example.com",
                    "templates": templates(json!({ "subject": "s", "content": "c", "contentType": "text/html" })) }),
        ),
        ("http-email", json!({ "endpoint": "https://hooks.example.com/mail", "authorization": "Bearer key" })),
        (
            "logto-email",
            json!({ "endpoint": "https://cloud.example.com", "tokenEndpoint": "https://auth.example.com/oidc/token",
                    "resource": "https://cloud.example.com", "appId": "app", "appSecret": "key" }),
        ),
    ]
}

/// Every one of `values` at `pointer` of `connector`'s configuration is refused, there and nowhere else, and is not shown.
fn refused(connector: &str, pointer: &str, values: &[&str]) {
    let catalog = Catalog::builtin();
    let factory = catalog.find(connector).unwrap();
    let context = Context::new(Egress::default()).unwrap();
    let (_, valid) = configs().into_iter().find(|(name, _)| *name == connector).unwrap();
    assert_eq!(factory.validate(&valid).problems, [], "{connector}");
    for value in values {
        let mut config = valid.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        config.pointer_mut(parent).unwrap()[name] = json!(value);
        let error = factory.build(&config, &context).map(drop).expect_err(value);
        assert_eq!(error.kind(), ErrorKind::InvalidConfig, "{connector}: {value:?}");
        let pointers: Vec<&str> = error.problems().iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{connector}: {value:?}: {error}");
        assert!(!format!("{error} {error:?}").contains(value), "{connector}: {value:?} shows");
    }
}

#[test]
fn an_address_that_is_no_plain_web_address() {
    let addresses = [
        "https://user:password@hooks.example.com/",
        "https://user@hooks.example.com/",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://hooks.example.com/",
        "//hooks.example.com/",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com\n/",
        "https://",
    ];
    for (connector, pointer) in [
        ("http-email", "/endpoint"),
        ("logto-email", "/endpoint"),
        ("logto-email", "/tokenEndpoint"),
        ("mailgun", "/endpoint"),
        ("aws-ses", "/endpoint"),
    ] {
        refused(connector, pointer, &addresses);
    }
    refused("mailgun", "/endpoint", &["https://mailgun.net.example.com/", "https://example.com/.mailgun.net"]);
}

#[test]
fn a_domain_or_host_that_is_more() {
    let domains =
        ["mg.example.com/x", "../mg.example.com", "mg.example.com%2fx", "mg.example.com?x", "mg.example.com#x", "m g"];
    refused("mailgun", "/domain", &domains);
    refused(
        "smtp",
        "/host",
        &["smtp.example.com/x", "https://smtp.example.com", "smtp.example.com:25", "u@smtp.example.com"],
    );
}

#[test]
fn a_region_with_a_host_in_it() {
    let regions = [
        "us-east-1.evil.example",
        "evil.example/",
        "us-east-1/",
        "@evil.example",
        "us-east-1#",
        "us east",
        "us-east-1\n",
    ];
    refused("aws-ses", "/region", &regions);
    refused("aliyun-dm", "/regionId", &regions);
}

#[test]
fn an_arn_that_is_none() {
    let arns =
        ["no-arn", "arn:::::", "https://example.com", "arn:aws:s3:::bucket", "arn:aws:ses:us-east-1:123:identity/x\n"];
    for pointer in ["/emailAddressIdentityArn", "/feedbackForwardingEmailAddressIdentityArn", "/roleArn"] {
        refused("aws-ses", pointer, &arns);
    }
}

#[test]
fn a_key_of_several_lines() {
    let keys = ["first-half\nsecond-half", "first-half\r\nx-injected: yes", "first-half\0second-half"];
    for (connector, pointer) in [
        ("aws-ses", "/accessKeyId"),
        ("aws-ses", "/accessKeySecret"),
        ("mailgun", "/apiKey"),
        ("sendgrid", "/apiKey"),
        ("aliyun-dm", "/accessKeyId"),
        ("aliyun-dm", "/accessKeySecret"),
        ("postmark", "/serverToken"),
        ("smtp", "/auth/user"),
        ("smtp", "/auth/pass"),
        ("http-email", "/authorization"),
        ("logto-email", "/appId"),
        ("logto-email", "/appSecret"),
    ] {
        refused(connector, pointer, &keys);
    }
}

#[tokio::test]
async fn a_configuration_for_another_connector() {
    let context = connector_kit::Context::new(connector_kit::Egress::default()).unwrap();
    let policy = connector_kit::SendPolicy::default();
    let registry = Registry::new(Catalog::builtin(), context, policy, MemoryStore::new());
    let config = serde_json::json!({ "endpoint": "https://example.com/send", "authorization": "Bearer t0p-s3cret" });
    let refused = registry.set_up("acme", Proposal::new("mailgun-email", config), &crate::by()).await.unwrap_err();
    let Error::InvalidConfig(refused) = refused else { panic!("{refused}") };
    let hint = refused.hint().unwrap();
    assert!(hint.contains("`http-email`") && !hint.contains("s3cret"), "{hint}");
    assert!(registry.status("acme").await.unwrap().active.is_none());
}
