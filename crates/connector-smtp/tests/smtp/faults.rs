//! What goes wrong in a dialogue, beyond the faults that the suite of all connectors lets strike: at its other steps, and
//! where it matters how a server puts it.

use std::time::Duration;

use connector_kit::{Delivery, EmailConnector, Error, ErrorKind, SendContext, SendPolicy, layered};
use serde_json::json;
use tokio::{io::AsyncWriteExt, task::JoinSet};

use crate::support::{HOST, Relay, build, context, message, outcome, raw_server, say, serve_on, usual, with};

const NOT_SENT: Delivery = Delivery::NotSent;

/// What comes of a message to this server. Silence is not waited for; everything else may take its time.
async fn error_of(step: &str, answer: &str) -> (Error, Relay) {
    let patience = if answer == "silent" { 200 } else { 20_000 };
    let relay = Relay::start(usual().answer(step, &[answer])).await;
    let changes = json!({ "greetingTimeout": patience, "socketTimeout": patience });
    let error = relay.send(changes, &message()).await.unwrap_err();
    (error, relay)
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_that_does_not_greet() {
    for (step, answer, kind) in [
        ("GREETING", "\x15\x03\x01\x00\x02\x02\x46", ErrorKind::InvalidResponse),
        ("GREETING", "+OK POP3 ready", ErrorKind::InvalidResponse),
        ("EHLO", "421 4.3.0 Bye", ErrorKind::Unavailable),
        ("EHLO", "close", ErrorKind::Unavailable),
        ("EHLO", "silent", ErrorKind::Unavailable),
    ] {
        let (error, relay) = error_of(step, answer).await;
        assert_eq!(outcome(&error), (kind, NOT_SENT), "{step} {answer}: {error}");
        assert!(error.to_string().contains(HOST), "{error}");
        assert_eq!(error.is_retryable(), kind == ErrorKind::Unavailable);
        assert_eq!(error.hint().is_some(), kind != ErrorKind::Unavailable || error.provider().is_none(), "{error}");
        relay.server.wait_for_open_connections(0).await;
    }
}

#[tokio::test]
async fn a_connection_lost_is_not_sent_before_the_message_and_unknown_after() {
    for fault in ["close", "reset", "silent"] {
        for step in ["AUTH", "MAIL", "DATA"] {
            let (error, _) = error_of(step, fault).await;
            assert_eq!(outcome(&error), (ErrorKind::Unavailable, NOT_SENT), "{step} {fault}: {error}");
            assert!(error.is_retryable());
        }
        let (error, relay) = error_of("BODY", fault).await;
        assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::Unknown), "{fault}: {error}");
        assert!(!error.is_retryable());
        assert_eq!(relay.server.accepted(), 0);
    }
}

#[tokio::test]
async fn a_deadline_knows_whether_the_message_was_on_its_way() {
    let policy = SendPolicy { max_time: Duration::from_secs(1), ..SendPolicy::default() };
    let mut sends = JoinSet::new();
    for step in ["EHLO", "AUTH", "MAIL", "DATA", "BODY"] {
        sends.spawn(async move {
            let relay = Relay::start(usual().answer(step, &["silent"])).await;
            let error =
                layered(relay.connector(json!({})), policy).send(&message(), &SendContext::new()).await.unwrap_err();
            let delivery = if step == "BODY" { Delivery::Unknown } else { NOT_SENT };
            assert_eq!(outcome(&error), (ErrorKind::Unavailable, delivery), "{step}: {error}");
            assert_eq!((error.attempts(), relay.server.connections()), (1, 1), "{step}");
        });
    }
    sends.join_all().await;
}

#[tokio::test]
async fn what_is_put_off_is_tried_again_and_accepted() {
    for (step, answer) in [
        ("GREETING", "421 4.3.2 Too busy"),
        ("GREETING", "close"),
        ("MAIL", "451 4.3.0 Try later"),
        ("RCPT", "450 4.2.0 <user@example.com>: Greylisted"),
        ("DATA", "451 4.7.1 Try later"),
        ("END", "451 4.3.0 Queue file write error"),
    ] {
        let relay = Relay::start(usual().answer(step, &[answer, "default"])).await;
        let receipt = layered(relay.connector(json!({})), SendPolicy::default())
            .send(&message(), &SendContext::new())
            .await
            .unwrap();
        assert_eq!((receipt.attempts, relay.server.accepted()), (2, 1), "{step} {answer}");
        let expected = if step == "GREETING" { 2 } else { 1 };
        assert_eq!(relay.server.connections(), expected, "{step} {answer}: the connection is still good");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_one_is_not_taken_for_acceptance() {
    for (step, answer, delivery) in [
        ("MAIL", "354 Go ahead", NOT_SENT),
        ("RCPT", "354 Go ahead", NOT_SENT),
        ("DATA", "250 Ok", NOT_SENT),
        ("DATA", "hello", NOT_SENT),
        ("END", "354 Go ahead", Delivery::Unknown),
        ("END", "999 what", Delivery::Unknown),
        ("END", "250-one\r\n550 other", Delivery::Unknown),
    ] {
        let (error, relay) = error_of(step, answer).await;
        assert_eq!(outcome(&error), (ErrorKind::InvalidResponse, delivery), "{step} {answer}: {error}");
        let messages = if delivery == NOT_SENT { 0 } else { 1 };
        assert_eq!(relay.server.messages().len(), messages, "{step} {answer}");
    }
}

/// Raw replies to the final dot that servers have been seen to give, against the letter of RFC 5321.
#[tokio::test]
async fn acceptance_is_recognised_however_it_is_put() {
    let long: &'static [u8] = format!("250 2.0.0 {}\r\n", "queued ".repeat(1000)).leak().as_bytes();
    for reply in [
        b"250\r\n" as &[u8],
        b"250 \r\n",
        b"250 2.0.0 Ok\n",
        b"250-first\r\n250-second\r\n250 third\r\n",
        b"250 \xd3\xca\xbc\xfe\xd2\xd1\xca\xd5\r\n",
        "250 2.0.0 принято\r\n".as_bytes(),
        long,
    ] {
        let port = raw_server(move |mut stream| async move {
            let mut next = b"220 hi\r\n" as &[u8];
            for answer in [b"250 hi\r\n" as &[u8], b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"] {
                say(&mut stream, next).await.unwrap();
                next = answer;
            }
            let mut line = say(&mut stream, next).await;
            while line.as_deref() != Some(".") {
                line = say(&mut stream, b"").await;
            }
            // Byte by byte, as a slow network brings it.
            for byte in reply {
                stream.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
            serve_on(&mut stream, "").await;
        })
        .await;
        let connector = build(&with(json!({ "auth": {} })), &context(port, None));
        connector.send(&message(), &SendContext::new()).await.unwrap_or_else(|error| panic!("{reply:?}: {error}"));
    }
}

#[tokio::test]
async fn a_long_reply_is_shortened() {
    let long = format!("550 5.7.1 {}", "no ".repeat(20_000));
    let (error, _) = error_of("RCPT", &long).await;
    assert_eq!(outcome(&error), (ErrorKind::Rejected, NOT_SENT));
    assert!(error.to_string().len() < 500, "{error}");
}

/// Several lines, each with the enhanced code: Gmail's form.
#[tokio::test]
async fn a_refusal_of_several_lines_is_one_sentence() {
    let reply = "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n\
                 550-5.1.1 double-checking the recipient's email address for typos or\r\n\
                 550 5.1.1 unnecessary spaces. gsmtp";
    let (error, _) = error_of("RCPT", reply).await;
    assert!(
        error.to_string().ends_with(
            "does not exist. Please try double-checking the recipient's email address \
        for typos or unnecessary spaces. gsmtp"
        ),
        "{error}"
    );
    assert_eq!(error.provider().unwrap().code.as_deref(), Some("5.1.1"));
}
