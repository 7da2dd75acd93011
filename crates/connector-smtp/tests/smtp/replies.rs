//! How a reply is read, beyond the rows of `answers.json`.

use connector_kit::{
    Delivery,
    ErrorKind::{InvalidResponse, Unavailable},
    SendContext,
};
use connector_testkit::SmtpAnswer;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{Relay, build, context, message, outcome, raw_server, say, serve_on, to, usual, with};

#[tokio::test]
async fn what_only_looks_like_an_enhanced_code_is_none() {
    for text in ["5.1 short", "5.1.1.1 long", "1234.1.1 what", "10.0.0.1 is listed", "v5.1.1 text"] {
        let relay = Relay::start(usual().answer("RCPT", &[&format!("550 {text}")])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(error.provider().unwrap().code, None, "{text}");
    }
}

#[tokio::test]
async fn the_words_of_an_address_mean_nothing() {
    let recipient = "too.many.credits.exceeded@example.com";
    let relay = Relay::start(usual().answer("RCPT", &[&format!("450 4.2.1 <{recipient}>: not now")])).await;
    let error = relay.send(json!({}), &to(recipient)).await.unwrap_err();
    assert_eq!(outcome(&error), (Unavailable, Delivery::NotSent), "{error}");
}

/// By its enhanced status code, or else by its words; greylisting and limits are of the sender.
#[tokio::test]
async fn a_reply_tells_whether_the_recipient_is_why() {
    for (reply, is_why) in [
        ("450 4.2.2 over quota", true),
        ("452 4.2.2 mailbox full", true),
        ("450 4.2.1 not accepting", true),
        ("450 4.1.1 no such user", true),
        ("450 4.1.10 null MX", true),
        ("550 5.2.2 over quota", true),
        ("450 Requested mail action not taken: mailbox unavailable", true),
        ("452 Insufficient storage for this recipient", true),
        ("452 User over quota", true),
        ("550 No such user here", true),
        ("450 4.2.0 greylisted", false),
        ("450 4.7.1 mailbox unknown, greylisted", false),
        ("450 4.1.8 sender's domain not found", false),
        ("450 4.1.7 sender's address", false),
        ("450 Greylisted: mailbox will be available in 5 minutes", false),
        ("452 Too many recipients for this user", false),
        ("451 Local error in processing", false),
        ("450 Try again later", false),
        ("550 relay not permitted for this user", false),
    ] {
        let relay = Relay::start(usual().answer("RCPT", &[reply])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(error.is_of_recipient(), is_why, "{reply}");
    }
    let relay = Relay::start(usual().answer("MAIL", &["450 mailbox unavailable"])).await;
    assert!(!relay.send(json!({}), &message()).await.unwrap_err().is_of_recipient(), "that is the sender's");
}

/// Whatever a server says, a reply is read in bounded memory and time, and the error says what was wrong with it.
#[tokio::test]
async fn a_reply_without_bound_is_given_up_with_a_reason() {
    let many_lines = "250-x\r\n".repeat(300) + "250 x";
    for (reply, kind, said) in [
        (many_lines.as_str(), InvalidResponse, "more than 200 lines"),
        ("250-one\r\n550 other", InvalidResponse, "different codes"),
        ("250-one\r\n250two\r\n250 three", InvalidResponse, "not SMTP"),
        ("250-one\r\ntwo\r\n250 three", InvalidResponse, "different codes"),
        ("2", InvalidResponse, "not SMTP"),
        ("", InvalidResponse, "not SMTP"),
        ("\u{fffd}\u{fffd}\u{fffd}", InvalidResponse, "not SMTP"),
    ] {
        let relay = Relay::start(usual().answer("RCPT", &[reply])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(outcome(&error), (kind, Delivery::NotSent), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    let endless = usual().answer_with("RCPT", vec![SmtpAnswer::Endless("250 ".to_owned(), 3 << 20)]);
    let relay = Relay::start(endless).await;
    let error = relay.send(json!({}), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (InvalidResponse, Delivery::NotSent), "{error}");
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
}

/// A refusal in a charset of old, at its longest: each octet takes three once it is made readable.
#[tokio::test]
async fn a_long_reply_that_is_not_utf_8_is_still_the_servers_word() {
    for code in ["250", "550"] {
        let reply: Vec<u8> = [code.as_bytes(), b" ", &[0xc7; 2000], b"\r\n"].concat();
        let port = raw_server(move |mut stream| {
            let reply = reply.clone();
            async move {
                say(&mut stream, b"220 hi\r\n").await;
                say(&mut stream, b"250 hi\r\n").await;
                if say(&mut stream, &reply).await.is_some() {
                    serve_on_after_mail(&mut stream).await;
                }
            }
        })
        .await;
        let connector = build(&with(json!({ "auth": {} })), &context(port, None));
        let sent = connector.send(&message(), &SendContext::new()).await.map(drop);
        match sent {
            Ok(()) => assert_eq!(code, "250"),
            Err(error) => assert_eq!(error.provider().unwrap().status, Some(550), "{error}"),
        }
    }
}

/// Serves a client whose MAIL has been answered, and whose RCPT has been read.
async fn serve_on_after_mail(stream: &mut tokio::net::TcpStream) {
    stream.write_all(b"250 ok\r\n").await.unwrap();
    serve_on(stream, "").await;
}
