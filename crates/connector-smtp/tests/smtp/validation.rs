//! Validation: what is refused and with which advice, what is only warned of, and that every preset is valid.

use connector_kit::Problem;
use connector_smtp::CONNECTOR;
use connector_testkit::TestCa;
use serde_json::{Value, json};

use crate::support::{validate, with};

fn find<'p>(problems: &'p [Problem], pointer: &str) -> Option<&'p str> {
    problems.iter().find(|problem| problem.pointer == pointer).map(|problem| problem.message.as_str())
}

#[test]
fn what_cannot_work_is_refused_with_the_fix() {
    let oauth = |fields: Value| {
        let mut auth = json!({ "type": "OAuth2", "user": "mailer@example.com" });
        auth.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "auth": auth })
    };
    for (changes, pointer, advice) in [
        (json!({ "port": 587, "secure": true }), "/secure", "set secure to false, or port to 465"),
        (json!({ "port": 25, "secure": true }), "/secure", "set secure to false"),
        (json!({ "port": 2525, "secure": true }), "/secure", "set secure to false"),
        (json!({ "port": 465 }), "/secure", "set secure to true, or port to 587"),
        (json!({ "requireTLS": true, "ignoreTLS": true }), "/ignoreTLS", "requireTLS"),
        (json!({ "auth": { "user": "mailer" } }), "/auth/pass", "required with a user"),
        (json!({ "auth": { "user": "mailer", "pass": "" } }), "/auth/pass", "required with a user"),
        (json!({ "auth": { "pass": "secret" } }), "/auth/user", "required with a password"),
        (json!({ "auth": { "user": "a\r\nb", "pass": "secret" } }), "/auth/user", "line breaks"),
        (json!({ "auth": { "user": "a", "pass": "one\ntwo" } }), "/auth/pass", "line breaks"),
        (json!({ "auth": { "type": "cram" } }), "/auth/type", "one of"),
        (json!({ "connectionTimeout": 1e30 }), "/connectionTimeout", "at most"),
        (json!({ "connectionTimeout": 0.5 }), "/connectionTimeout", "integer"),
        (json!({ "auth": { "type": "OAuth2", "accessToken": "t" } }), "/auth/user", "mailbox to send from"),
        (oauth(json!({})), "/auth", "accessToken"),
        (oauth(json!({ "clientId": "c" })), "/auth/clientSecret", "required"),
        (oauth(json!({ "refreshToken": "r", "clientSecret": "s" })), "/auth/clientId", "required"),
        (oauth(json!({ "clientId": "c", "clientSecret": "s" })), "/auth/refreshToken", "accessUrl"),
        (oauth(json!({ "serviceClient": "1" })), "/auth/privateKey", "required"),
        (
            oauth(json!({ "privateKey": "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----" })),
            "/auth/serviceClient",
            "required",
        ),
        (oauth(json!({ "privateKey": "secret", "serviceClient": "1" })), "/auth/privateKey", "PEM"),
        (
            oauth(json!({ "privateKey": { "key": "-----BEGIN", "passphrase": "x" }, "serviceClient": "1" })),
            "/auth/privateKey",
            "string",
        ),
        (
            oauth(
                json!({ "privateKey": "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----", "serviceClient": "1" }),
            ),
            "/auth/privateKey",
            "openssl pkcs8",
        ),
        (oauth(json!({ "accessToken": "t", "accessUrl": "ftp://example.com" })), "/auth/accessUrl", "https://"),
        (json!({ "host": "" }), "/host", "empty"),
        (json!({ "host": "smtp://smtp.example.com" }), "/host", "without scheme"),
        (json!({ "host": "smtp.example.com:587" }), "/host", "without scheme, port"),
        (json!({ "port": 0 }), "/port", "at least 1"),
        (json!({ "port": 65_536 }), "/port", "at most 65535"),
        (json!({ "port": "587" }), "/port", "integer"),
        (json!({ "fromEmail": "Example" }), "/fromEmail", "not an email address"),
        (json!({ "fromEmail": "a@example.com, b@example.com" }), "/fromEmail", "not a list"),
        (json!({ "replyTo": "nobody" }), "/replyTo", "not an email address"),
        (json!({ "name": "my laptop" }), "/name", "host name"),
        (json!({ "localAddress": "eth0" }), "/localAddress", "IP address"),
        (json!({ "servername": "https://x" }), "/servername", "host name"),
        (json!({ "connectionTimeout": 0 }), "/connectionTimeout", "at least 1"),
        (json!({ "socketTimeout": "60s" }), "/socketTimeout", "integer"),
        (json!({ "tls": { "ca": "/etc/ssl/root.pem" } }), "/tls/ca", "BEGIN CERTIFICATE"),
        (json!({ "tls": { "minVersion": "SSLv3" } }), "/tls/minVersion", "TLSv1.2"),
        (json!({ "templates": [] }), "/templates", "SignIn, ForgotPassword, Generic"),
    ] {
        let report = validate(changes.clone());
        let all: Vec<&str> =
            report.problems.iter().filter(|one| one.pointer == pointer).map(|one| one.message.as_str()).collect();
        assert!(all.iter().any(|message| message.contains(advice)), "{changes}: {:?}", report.problems);
        for secret in ["secret", "one\ntwo"] {
            assert!(!all.concat().contains(secret), "{all:?}");
        }
    }
}

#[test]
fn a_key_that_is_no_rsa_key_is_refused_when_the_connector_is_built() {
    let context = crate::support::context(1, None);
    let ec_key = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIA==\n-----END EC PRIVATE KEY-----";
    for key in ["-----BEGIN PRIVATE KEY-----\nbm90IGEga2V5\n-----END PRIVATE KEY-----", ec_key] {
        let auth = json!({ "type": "OAuth2", "user": "u@example.com", "serviceClient": "1", "privateKey": key });
        let error = CONNECTOR.build(&with(json!({ "auth": auth })), &context).err().unwrap();
        assert!(find(error.problems(), "/auth/privateKey").is_some(), "{error}");
    }
}

#[test]
fn reserved_and_malformed_custom_headers_are_refused() {
    for name in [
        "From",
        "To",
        "cc",
        "BCC",
        "Reply-To",
        "Subject",
        "Date",
        "Message-ID",
        "MIME-Version",
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "Content-ID",
        "Resent-To",
        "Resent-Bcc",
        "",
        "X Space",
        "X:Colon",
        "X\r\nBcc",
        "X-Ümlaut",
        "X\0",
        "X\t",
    ] {
        let report = validate(json!({ "customHeaders": { name: "value" } }));
        let pointer = format!("/customHeaders/{name}");
        assert!(find(&report.problems, &pointer).is_some(), "{name:?}: {:?}", report.problems);
    }
    for name in ["Content-Language", "Sender", "List-Id"] {
        let report = validate(json!({ "customHeaders": { name: "value" } }));
        assert!(report.is_valid(), "{name}: {:?}", report.problems);
    }
    for value in ["a\r\nBcc: evil@example.net", "a\nb", "a\rb", "a\0b", "a\u{85}b"] {
        for value in [json!(value), json!(["fine", value])] {
            let report = validate(json!({ "customHeaders": { "X-Team": value } }));
            let message = find(&report.problems, "/customHeaders/X-Team").unwrap();
            assert!(message.contains("line breaks") && !message.contains("evil"), "{message}");
        }
    }
    let report = validate(json!({ "customHeaders": { "X/Y~Z": "a\nb" } }));
    assert!(find(&report.problems, "/customHeaders/X~1Y~0Z").is_some(), "the pointer is escaped");
    for value in [json!(5), json!(["a", 5]), json!({ "a": "b" }), json!(null)] {
        assert!(!validate(json!({ "customHeaders": { "X-Team": value } })).is_valid(), "{value}");
    }
}

#[test]
fn what_weakens_or_does_nothing_is_warned_of() {
    for (changes, pointer, words) in [
        (json!({ "ignoreTLS": true }), "/ignoreTLS", "in clear"),
        (json!({ "port": 465, "secure": true, "ignoreTLS": true }), "/ignoreTLS", "no effect"),
        (json!({ "tls": { "rejectUnauthorized": false } }), "/tls/rejectUnauthorized", "any certificate"),
        (json!({ "tls": { "minVersion": "TLSv1" } }), "/tls/minVersion", "never spoken"),
        (json!({ "tls": { "ciphers": "SSLv3" } }), "/tls/ciphers", "no effect"),
        (json!({ "tls": { "serverName": "x" } }), "/tls/serverName", "`servername`"),
        (json!({ "auth": { "user": "a", "pass": "b", "accessToken": "t" } }), "/auth/type", "OAuth2"),
        (json!({ "auth": { "user": "a", "pass": "b", "method": "PLAIN" } }), "/auth/method", "no effect"),
        (
            json!({ "auth": {
                "type": "OAuth2", "user": "a", "clientId": "i", "clientSecret": "s", "refreshToken": "r",
                "accessUrl": "http://login.example/token"
            } }),
            "/auth/accessUrl",
            "use https://",
        ),
        (json!({ "requireTls": true }), "/requireTls", "`requireTLS`"),
        (json!({ "pool": true }), "/pool", "no effect"),
    ] {
        let report = validate(changes.clone());
        assert_eq!(report.problems, [], "{changes}");
        let warning = find(&report.warnings, pointer).unwrap_or_else(|| panic!("{changes}: {:?}", report.warnings));
        assert!(warning.contains(words), "{changes}: {warning}");
    }
    let ca = TestCa::new().root_pem();
    let fine = json!({ "requireTLS": true, "tls": { "ca": [ca], "minVersion": "TLSv1.3" }, "name": "mx.example.com" });
    let report = validate(fine);
    assert_eq!((report.problems, report.warnings), (vec![], vec![]));
}

#[test]
fn every_problem_is_reported_at_once() {
    let report =
        CONNECTOR.validate(&json!({ "port": 465, "auth": { "user": "a" }, "requireTLS": true, "ignoreTLS": true }));
    let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    for pointer in ["/host", "/fromEmail", "/templates", "/secure", "/ignoreTLS", "/auth/pass"] {
        assert!(pointers.contains(&pointer), "{pointers:?}");
    }
    assert!(!CONNECTOR.validate(&json!(null)).is_valid());
    assert!(!CONNECTOR.validate(&json!([])).is_valid());
}

#[test]
fn every_preset_is_valid_once_the_rest_is_filled_in() {
    let metadata = CONNECTOR.metadata();
    let host = metadata.form_items.iter().find(|item| item.key == "host").unwrap();
    assert!(host.presets.len() >= 9);
    for preset in &host.presets {
        let mut config = with(json!({}));
        for (key, value) in &preset.values {
            assert!(
                metadata.form_items.iter().any(|item| item.key == *key),
                "{}: {key} is not a form item",
                preset.title
            );
            match key.split_once('.') {
                Some((parent, child)) => config[parent][child] = value.clone(),
                None => config[key] = value.clone(),
            }
        }
        let report = CONNECTOR.validate(&config);
        assert_eq!((report.problems, report.warnings), (vec![], vec![]), "{}", preset.title);
        let is_encrypted =
            preset.values.get("secure") == Some(&json!(true)) || preset.values.get("requireTLS") == Some(&json!(true));
        assert!(is_encrypted || preset.values["host"] == "localhost", "{} would go in clear", preset.title);
    }
}

#[test]
fn the_form_starts_with_a_valid_configuration() {
    let mut config = with(json!({}));
    for item in CONNECTOR.metadata().form_items {
        let Some(value) = item.default_value else { continue };
        match item.key.split_once('.') {
            Some((parent, child)) => config[parent][child] = value,
            None => config[&item.key] = value,
        }
    }
    let report = CONNECTOR.validate(&config);
    assert_eq!((report.problems, report.warnings), (vec![], vec![]));
}

/// In JSON Schema, and in JavaScript, 587.0 is a whole number like 587.
#[test]
fn a_whole_number_may_be_written_with_a_fraction_or_an_exponent() {
    let config = with(json!({ "port": 587.0, "connectionTimeout": 3e4 }));
    assert_eq!(CONNECTOR.validate(&config).problems, []);
    let context = connector_kit::Context::new(connector_kit::Egress::default()).unwrap();
    assert!(CONNECTOR.build(&config, &context).is_ok());
}
