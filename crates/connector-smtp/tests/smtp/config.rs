//! Every field of the configuration does what it says.

use std::net::SocketAddr;

use connector_kit::{Delivery, ErrorKind, SendContext};
use connector_testkit::{SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa, TlsReached, parse_mail};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::support::{
    HOST, Relay, build, context, localized, message, outcome, raw_server, say, serve_on, usual, validate, with,
};

fn offering_starttls() -> SmtpScript {
    SmtpScript::offering(&["STARTTLS", "AUTH PLAIN"])
}

#[tokio::test]
async fn require_tls_asks_for_starttls_even_where_it_is_not_offered() {
    let relay = Relay::usual().await;
    relay.send(json!({ "requireTLS": true }), &message()).await.unwrap();
    assert_eq!(relay.server.only_message().tls, TlsReached::StartTls);
}

#[tokio::test]
async fn ignore_tls_stays_in_clear() {
    let relay = Relay::start(offering_starttls()).await;
    relay.send(json!({ "ignoreTLS": true }), &message()).await.unwrap();
    assert_eq!(relay.server.only_message().tls, TlsReached::None);
}

#[tokio::test]
async fn servername_is_what_the_certificate_must_say() {
    for (changes, name) in [
        (json!({ "servername": "other.example.net" }), "other.example.net"),
        (json!({ "tls": { "servername": "other.example.net" } }), "other.example.net"),
        (json!({ "servername": HOST, "tls": { "servername": "other.example.net" } }), "other.example.net"),
        (json!({ "servername": "bücher.example" }), "xn--bcher-kva.example"),
        (json!({ "host": "bücher.example" }), "xn--bcher-kva.example"),
    ] {
        let relay = Relay::with_names(offering_starttls(), &[name]).await;
        relay.send(changes.clone(), &message()).await.unwrap_or_else(|error| panic!("{changes}: {error}"));
        assert_eq!(relay.server.sessions()[0].server_name.as_deref(), Some(name));
    }
    let relay = Relay::with_names(offering_starttls(), &["127.0.0.1"]).await;
    relay.send(json!({ "servername": "127.0.0.1" }), &message()).await.unwrap();
}

#[tokio::test]
async fn any_certificate_is_taken_where_reject_unauthorized_is_false() {
    let ca = TestCa::new();
    for certificate in [TestCa::new().server_config(&[HOST]), ca.expired(&[HOST]), ca.wrong_host()] {
        let options = SmtpRecorderOptions { tls: Some(certificate), script: offering_starttls() };
        let server = SmtpRecorder::start(options).await;
        let config = with(json!({ "requireTLS": true, "tls": { "rejectUnauthorized": false } }));
        build(&config, &context(server.port(), None)).send(&message(), &SendContext::new()).await.unwrap();
        assert_eq!(server.only_message().tls, TlsReached::StartTls);
    }
}

#[tokio::test]
async fn ca_names_the_roots_to_trust() {
    let relay = Relay::start(offering_starttls()).await;
    let (root, other) = (relay.ca.root_pem(), TestCa::new().root_pem());
    let send = |ca: Value| {
        let connector = build(&with(json!({ "tls": { "ca": ca } })), &context(relay.server.port(), None));
        async move { connector.send(&message(), &SendContext::new()).await }
    };
    send(json!(root)).await.unwrap();
    send(json!([other, root])).await.unwrap();
    send(json!(format!("{other}\n{root}"))).await.unwrap();
    let error = send(json!(other)).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
}

#[tokio::test]
async fn min_version_is_kept_and_older_ones_mean_1_2() {
    for version in ["TLSv1", "TLSv1.1", "TLSv1.2"] {
        let ca = TestCa::new();
        let tls = Some(ca.server_config_tls12(&[HOST]));
        let server = SmtpRecorder::start(SmtpRecorderOptions { tls, script: offering_starttls() }).await;
        let config = with(json!({ "tls": { "minVersion": version } }));
        build(&config, &context(server.port(), Some(&ca))).send(&message(), &SendContext::new()).await.unwrap();
    }
    let relay = Relay::start(offering_starttls()).await;
    relay.send(json!({ "tls": { "minVersion": "TLSv1.3" } }), &message()).await.unwrap();
}

#[tokio::test]
async fn name_is_said_in_ehlo() {
    for (name, said) in [
        ("client.example.org", "client.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("203.0.113.7", "[203.0.113.7]"),
        ("[203.0.113.7]", "[203.0.113.7]"),
        ("2001:db8::7", "[IPv6:2001:db8::7]"),
        ("[IPv6:2001:db8::7]", "[IPv6:2001:db8::7]"),
    ] {
        let relay = Relay::start(offering_starttls()).await;
        relay.send(json!({ "name": name }), &message()).await.unwrap();
        let dialogue = relay.only_dialogue().await;
        assert_eq!([&dialogue[0], &dialogue[2]], [&format!("EHLO {said}"); 2]);
    }
    // Without one, this machine's name where it is a full one, else an address: never a bare word.
    let relay = Relay::usual().await;
    relay.send(json!({}), &message()).await.unwrap();
    let said = relay.only_dialogue().await.remove(0).replace("EHLO ", "");
    assert!(said == "[127.0.0.1]" || (said.contains('.') && said.is_ascii()), "{said}");
}

#[tokio::test]
async fn local_address_is_connected_from() {
    let (seen, mut peers) = mpsc::unbounded_channel::<SocketAddr>();
    let port = raw_server(move |mut stream| {
        seen.send(stream.peer_addr().unwrap()).unwrap();
        async move {
            say(&mut stream, b"220 hi\r\n").await;
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"250-hi\r\n250 AUTH PLAIN\r\n").await.unwrap();
            serve_on(&mut stream, "").await;
        }
    })
    .await;
    // On Linux the whole of 127/8 is this machine; elsewhere there is nothing to tell apart.
    let address = if cfg!(target_os = "linux") { "127.0.0.9" } else { "127.0.0.1" };
    build(&with(json!({ "localAddress": address })), &context(port, None))
        .send(&message(), &SendContext::new())
        .await
        .unwrap();
    assert_eq!(peers.recv().await.unwrap().ip().to_string(), address);
    // An address that this machine does not have.
    let connector = build(&with(json!({ "localAddress": "203.0.113.7" })), &context(port, None));
    let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
}

#[tokio::test]
async fn each_timeout_ends_its_own_wait() {
    for (step, timeout) in [
        ("GREETING", "greetingTimeout"),
        ("EHLO", "greetingTimeout"),
        ("AUTH", "socketTimeout"),
        ("RCPT", "socketTimeout"),
        ("END", "socketTimeout"),
    ] {
        let relay = Relay::start(usual().answer(step, &["silent"])).await;
        let mut changes = json!({ "connectionTimeout": 60_000, "greetingTimeout": 60_000, "socketTimeout": 60_000 });
        changes[timeout] = json!(150);
        let error = relay.send(changes, &message()).await.unwrap_err();
        assert!(error.to_string().contains("did not reply within 150ms"), "{step}: {error}");
    }
    let relay = Relay::start(usual().implicit_tls().answer("TLS", &["silent"])).await;
    let changes = json!({ "port": 465, "secure": true, "connectionTimeout": 150 });
    let error = relay.send(changes, &message()).await.unwrap_err();
    assert!(error.to_string().contains("within 150ms"), "{error}");
}

/// Resolving cannot be slowed down here; but whatever becomes of it, nothing is sent and the wait is bounded.
#[tokio::test]
async fn a_host_that_is_not_found_is_not_sent() {
    let context = connector_kit::Context::new(connector_kit::Egress::default()).unwrap();
    let config = with(json!({ "host": "does-not-exist.invalid", "dnsTimeout": 500, "connectionTimeout": 1000 }));
    let error = build(&config, &context).send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
    assert!(error.to_string().contains("does-not-exist.invalid"), "{error}");
}

#[tokio::test]
async fn custom_headers_go_into_every_message() {
    let long = "word ".repeat(400);
    let unbroken = "x".repeat(5000);
    let headers = json!({
        "X-Team": "ops",
        "X-Many": ["one", "two"],
        "X-Unicode": "ü 李",
        "X-Empty": "",
        "X-Long": long,
        "X-Unbroken": unbroken,
        "X-Looks-Encoded": "=?utf-8?q?not=21?=",
        "List-Unsubscribe": "<https://example.com/unsubscribe?a=1&b=2>",
    });
    let relay = Relay::usual().await;
    let connector = relay.connector(json!({ "customHeaders": headers }));
    connector.send(&message(), &SendContext::new()).await.unwrap();
    connector.send(&message(), &SendContext::new()).await.unwrap();
    for mail in relay.server.messages() {
        let mail = parse_mail(&mail.source);
        assert!(!mail.has_overlong_line() && !mail.has_raw_utf8_header);
        let decoded = |name: &str| {
            let value = format!("Subject: {}\r\n\r\n", mail.header(name));
            parse_mail(value.as_bytes()).subject.unwrap_or_default()
        };
        assert_eq!(mail.header("X-Team"), "ops");
        assert_eq!(mail.header_values("X-Many"), ["one", "two"]);
        assert_eq!((decoded("X-Unicode"), mail.header("X-Empty")), ("ü 李".to_owned(), String::new()));
        assert_eq!((mail.header("X-Long").trim(), decoded("X-Unbroken")), (long.trim(), unbroken.clone()));
        assert_eq!(decoded("X-Looks-Encoded"), "=?utf-8?q?not=21?=");
        assert_eq!(mail.header("List-Unsubscribe"), "<https://example.com/unsubscribe?a=1&b=2>");
    }
}

#[tokio::test]
async fn reply_to_is_set_and_a_localized_template_replaces_it() {
    let relay = Relay::usual().await;
    let connector = relay.connector(json!({ "replyTo": "\"Support, please\" <support@example.com>" }));
    connector.send(&message(), &SendContext::new()).await.unwrap();
    let template = json!({ "subject": "s", "content": "c", "replyTo": "{{ team }}@example.com" });
    let mut localized_message = message().with_template(localized(template));
    localized_message.payload.insert("team".to_owned(), json!("billing"));
    connector.send(&localized_message, &SendContext::new()).await.unwrap();
    let mails: Vec<_> = relay.server.messages().iter().map(|mail| parse_mail(&mail.source)).collect();
    let reply_to = |at: usize| (mails[at].reply_to[0].name.clone(), mails[at].reply_to[0].address.clone());
    assert_eq!(reply_to(0), (Some("Support, please".to_owned()), "support@example.com".to_owned()));
    assert_eq!(reply_to(1), (None, "billing@example.com".to_owned()));
}

#[tokio::test]
async fn what_only_nodemailer_needs_is_taken_without_effect() {
    let changes = json!({ "logger": true, "debug": true, "disableFileAccess": true, "disableUrlAccess": true });
    assert_eq!(validate(changes.clone()).warnings, []);
    let relay = Relay::usual().await;
    relay.send(changes, &message()).await.unwrap();
}

#[tokio::test]
async fn optional_texts_left_empty_mean_not_set() {
    let blank = json!({
        "auth": { "type": "login", "user": "", "pass": "", "clientId": "", "accessUrl": "", "privateKey": "" },
        "replyTo": "", "name": "", "localAddress": "", "servername": "",
        "tls": { "servername": "", "ca": "", "minVersion": "" },
    });
    let report = validate(blank.clone());
    assert_eq!((report.problems, report.warnings), (vec![], vec![]));
    let relay = Relay::start(offering_starttls()).await;
    relay.send(blank, &message()).await.unwrap();
    assert_eq!(relay.only_mail().reply_to, []);
}
