//! STARTTLS and implicit TLS: what counts when, whom to trust, and that nothing is sent where TLS fails.

use std::sync::Arc;

use connector_kit::{Delivery, Error, ErrorKind, SendContext};
use connector_testkit::{LogCapture, SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa, TlsReached};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, sync::mpsc};
use tokio_rustls::TlsAcceptor;

use crate::support::{HOST, Relay, build, context, message, outcome, raw_server, say, serve_on, usual, with};

fn offering_starttls() -> SmtpScript {
    SmtpScript::offering(&["STARTTLS", "AUTH PLAIN"])
}

#[tokio::test]
async fn starttls_is_used_where_it_is_offered() {
    let relay = Relay::start(offering_starttls()).await;
    relay.send(json!({}), &message()).await.unwrap();
    let dialogue = relay.only_dialogue().await;
    assert!(dialogue[0].starts_with("EHLO ") && dialogue[0] == dialogue[2], "{dialogue:?}");
    assert_eq!(dialogue[1], "STARTTLS");
    let session = &relay.server.sessions()[0];
    assert_eq!((session.tls, session.bytes_behind_starttls), (TlsReached::StartTls, 0));
    assert_eq!(session.server_name.as_deref(), Some(HOST));
}

#[tokio::test]
async fn implicit_tls_speaks_from_the_first_byte() {
    let relay = Relay::start(usual().implicit_tls()).await;
    relay.send(json!({ "port": 465, "secure": true }), &message()).await.unwrap();
    let mail = relay.server.only_message();
    assert_eq!(mail.tls, TlsReached::Implicit);
    assert_eq!(relay.server.sessions()[0].server_name.as_deref(), Some(HOST));
}

/// A server that upgrades by STARTTLS: what it says before, its reply to STARTTLS, and what it offers afterwards. The
/// receiver gets what the client says over TLS, if it comes to that.
async fn upgrading(
    hello: &'static str,
    go_ahead: &'static str,
    encrypted_hello: &'static str,
) -> (u16, TestCa, mpsc::UnboundedReceiver<Vec<String>>) {
    let ca = TestCa::new();
    let acceptor = TlsAcceptor::from(Arc::new(ca.server_config(&[HOST])));
    let (said, heard) = mpsc::unbounded_channel();
    let port = raw_server(move |mut stream| {
        let (acceptor, said) = (acceptor.clone(), said.clone());
        async move {
            say(&mut stream, b"220 ready\r\n").await;
            say(&mut stream, hello.as_bytes()).await;
            stream.write_all(go_ahead.as_bytes()).await.unwrap();
            let lines = match acceptor.accept(stream).await {
                Ok(mut stream) => serve_on(&mut stream, encrypted_hello).await,
                Err(_) => Vec::new(),
            };
            let _ = said.send(lines);
        }
    })
    .await;
    (port, ca, heard)
}

#[tokio::test]
async fn what_is_offered_counts_after_starttls_alone() {
    let (port, ca, mut heard) =
        upgrading("250-hi\r\n250 STARTTLS\r\n", "220 go\r\n", "250-hi\r\n250 AUTH PLAIN\r\n").await;
    let connector = build(&with(json!({})), &context(port, Some(&ca)));
    connector.send(&message(), &SendContext::new()).await.unwrap();
    drop(connector);
    let said = heard.recv().await.unwrap();
    assert!(said[0].starts_with("EHLO ") && said[1].starts_with("AUTH PLAIN "), "{said:?}");

    let hello = "250-hi\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n";
    let (port, ca, mut heard) = upgrading(hello, "220 go\r\n", "250 hi\r\n").await;
    let connector = build(&with(json!({})), &context(port, Some(&ca)));
    let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent), "{error}");
    drop(connector);
    let said = heard.recv().await.unwrap();
    assert!(!said.iter().any(|line| line.starts_with("AUTH")), "{said:?}");
}

/// RFC 3207, section 6: whatever came in clear must not be taken for what came encrypted (CVE-2011-0411 and its kin).
/// The false replies would have the password sent by LOGIN, and the message taken as accepted.
#[tokio::test]
async fn replies_injected_in_clear_are_never_taken_for_encrypted_ones() {
    const FALSE: &str = "250-hi\r\n250 AUTH LOGIN\r\n334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n235 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n";
    let offer = "250-hi\r\n250 STARTTLS\r\n";
    let behind_the_reply: &'static str = format!("220 go\r\n{FALSE}").leak();
    let before_the_command: &'static str = format!("{offer}220 go\r\n{FALSE}").leak();
    for (hello, go_ahead) in [(offer, behind_the_reply), (before_the_command, "")] {
        let (port, ca, mut heard) = upgrading(hello, go_ahead, "250-hi\r\n250 AUTH PLAIN\r\n").await;
        let connector = build(&with(json!({ "requireTLS": true })), &context(port, Some(&ca)));
        let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::InvalidResponse, Delivery::NotSent), "{error}");
        assert!(error.hint().unwrap().contains("tampering"), "{error}");
        drop(connector);
        assert_eq!(heard.recv().await.unwrap(), Vec::<String>::new());
    }
}

/// What a caller gets from a server with this certificate, by STARTTLS and by implicit TLS; asserts that no secret and
/// no message went out.
async fn refused(certificate: impl Fn(&TestCa) -> tokio_rustls::rustls::ServerConfig, changes: &Value) -> Vec<Error> {
    let mut errors = Vec::new();
    for implicit in [false, true] {
        let ca = TestCa::new();
        let script = if implicit { usual().implicit_tls() } else { offering_starttls() };
        let server = SmtpRecorder::start(SmtpRecorderOptions { tls: Some(certificate(&ca)), script }).await;
        let mut config = with(json!({ "secure": implicit, "port": if implicit { 465 } else { 587 } }));
        config.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let connector = build(&config, &context(server.port(), Some(&ca)));
        let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
        drop(connector);
        server.wait_for_open_connections(0).await;
        let session = &server.sessions()[0];
        assert!(session.tls_error.is_some() && session.messages.is_empty(), "{session:#?}");
        assert!(!session.commands().iter().any(|line| line.starts_with("AUTH")), "{session:#?}");
        errors.push(error);
    }
    errors
}

#[tokio::test]
async fn a_server_that_cannot_prove_who_it_is_gets_nothing() {
    let none = json!({});
    for errors in [
        refused(|_| TestCa::new().server_config(&[HOST]), &none).await,
        refused(|ca| ca.expired(&[HOST]), &none).await,
        refused(|ca| ca.not_yet_valid(&[HOST]), &none).await,
        refused(TestCa::wrong_host, &none).await,
    ] {
        for error in errors {
            assert!(error.hint().unwrap().contains("the server's certificate"), "{error}: {:?}", error.hint());
        }
    }
    refused(|ca| ca.server_config_tls12(&[HOST]), &json!({ "tls": { "minVersion": "TLSv1.3" } })).await;
}

#[tokio::test]
async fn without_starttls_nothing_goes_out_where_tls_is_required() {
    for (changes, offers) in [
        (json!({ "requireTLS": true }), vec!["AUTH PLAIN"]),
        (json!({ "requireTLS": true }), vec!["STARTTLS", "AUTH PLAIN"]),
        // Offered and then refused: somebody in between may want the password in clear.
        (json!({}), vec!["STARTTLS", "AUTH PLAIN"]),
    ] {
        let script = SmtpScript::offering(&offers).answer("STARTTLS", &["454 4.7.0 TLS not available"]);
        let relay = Relay::start(script).await;
        let error = relay.send(changes, &message()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
        assert_eq!(relay.only_dialogue().await[1..], ["STARTTLS", "QUIT"]);
    }
    let relay = Relay::start(usual().answer("STARTTLS", &["502 5.5.1 what?"])).await;
    let error = relay.send(json!({ "requireTLS": true }), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Rejected, Delivery::NotSent), "{error}");
    assert!(error.hint().unwrap().contains("465"));
}

#[tokio::test]
async fn a_handshake_that_goes_wrong_is_not_sent() {
    for fault in ["close", "reset", "silent"] {
        for implicit in [false, true] {
            let script = if implicit { usual().implicit_tls() } else { offering_starttls() };
            let relay = Relay::start(script.answer("TLS", &[fault])).await;
            let port = if implicit { 465 } else { 587 };
            let changes = json!({ "port": port, "secure": implicit, "connectionTimeout": 200 });
            let error = relay.send(changes, &message()).await.unwrap_err();
            assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{fault}: {error}");
            assert!(error.is_retryable());
        }
    }
}

#[tokio::test]
async fn tls_where_the_server_speaks_in_clear_says_what_to_change() {
    let relay = Relay::usual().await;
    let error = relay.send(json!({ "port": 4650, "secure": true }), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
    assert!(error.hint().unwrap().contains("secure must be false"), "{:?}", error.hint());

    let relay = Relay::start(usual().implicit_tls()).await;
    let changes = json!({ "port": 4650, "greetingTimeout": 100 });
    let error = relay.send(changes, &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
    assert!(error.hint().unwrap().contains("with secure on in TLS"), "{:?}", error.hint());
}

#[tokio::test]
async fn signing_in_without_tls_is_warned_of() {
    let logs = LogCapture::start();
    let relay = Relay::usual().await;
    relay.send(json!({}), &message()).await.unwrap();
    assert!(logs.text().contains("WARN") && logs.text().contains("unencrypted"), "{}", logs.text());

    let logs = LogCapture::start();
    let relay = Relay::start(offering_starttls()).await;
    relay.send(json!({}), &message()).await.unwrap();
    assert!(!logs.text().contains("unencrypted"), "{}", logs.text());
}
