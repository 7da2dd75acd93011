//! Signing in with a password: which way, and what a refusal becomes.

use connector_kit::{Delivery, ErrorKind, SendContext};
use connector_testkit::{SmtpCredentials, SmtpScript};
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{PASSWORD, Relay, build, context, message, outcome, raw_server, say, serve_on, usual, with};

fn credentials(mechanism: &str, user: &str, secret: &str) -> SmtpCredentials {
    SmtpCredentials { mechanism: mechanism.to_owned(), user: user.to_owned(), secret: secret.to_owned() }
}

#[tokio::test]
async fn takes_the_first_way_the_server_offers() {
    for (offer, mechanism) in [
        ("AUTH PLAIN LOGIN CRAM-MD5", "PLAIN"),
        ("AUTH CRAM-MD5 LOGIN XOAUTH2", "LOGIN"),
        // The form before RFC 4954, and keywords in lower case: both are still about.
        ("AUTH=LOGIN", "LOGIN"),
        ("auth plain", "PLAIN"),
    ] {
        let relay = Relay::start(SmtpScript::offering(&[offer])).await;
        let auth = json!({ "user": "mäiler@example.com", "pass": "p\u{e4}ss: \"wörd\" =" });
        relay.send(json!({ "auth": auth }), &message()).await.unwrap();
        let session = &relay.server.sessions()[0];
        assert_eq!(session.credentials, [credentials(mechanism, "mäiler@example.com", "päss: \"wörd\" =")], "{offer}");
    }
}

#[tokio::test]
async fn cram_md5_proves_the_password_without_sending_it() {
    let relay = Relay::start(SmtpScript::offering(&["AUTH CRAM-MD5"])).await;
    // RFC 2195's own user and password; the digest of the recorder's challenge is openssl's.
    let auth = json!({ "user": "tim", "pass": "tanstaaftanstaaf" });
    relay.send(json!({ "auth": auth }), &message()).await.unwrap();
    let session = &relay.server.sessions()[0];
    assert_eq!(session.credentials, [credentials("CRAM-MD5", "tim", CRAM_DIGEST)]);
}

/// `printf '<1896.697170952@smtp.example.com>' | openssl dgst -md5 -hmac tanstaaftanstaaf`
const CRAM_DIGEST: &str = "df2f2c7855cc4c6ac73967692f427c03";

#[tokio::test]
async fn without_user_and_password_no_authentication_is_tried() {
    for auth in [json!({}), json!({ "user": "", "pass": "" }), json!({ "type": "login" })] {
        let relay = Relay::usual().await;
        relay.send(json!({ "auth": auth }), &message()).await.unwrap();
        assert!(!relay.only_dialogue().await.iter().any(|line| line.starts_with("AUTH")));
    }
}

#[tokio::test]
async fn where_no_way_is_offered_nothing_is_sent() {
    for offers in [&["8BITMIME"] as &[&str], &["AUTH XOAUTH2 OAUTHBEARER"], &["AUTH GSSAPI NTLM", "XAUTH PLAIN"]] {
        let relay = Relay::start(SmtpScript::offering(offers)).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent), "{error}");
        assert!(error.hint().unwrap().contains("STARTTLS"), "{:?}", error.hint());
        assert_eq!(error.provider(), None, "the server has refused nothing");
        assert_eq!(relay.only_dialogue().await[1..], ["QUIT"]);
    }
}

#[tokio::test]
async fn a_refused_password_is_final_and_a_busy_server_is_not() {
    for (reply, kind, hint) in [
        ("535 5.7.8 Authentication credentials invalid", ErrorKind::Unauthorized, Some("user and password")),
        (
            "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled",
            ErrorKind::Unauthorized,
            Some("OAuth2"),
        ),
        ("535 Authentication Credentials Invalid", ErrorKind::Unauthorized, Some("user and password")),
        ("534 5.7.9 Application-specific password required", ErrorKind::Unauthorized, Some("app password")),
        ("454 4.7.0 Temporary authentication failure", ErrorKind::Unavailable, None),
        ("454 4.7.0 Too many login attempts, please try again later.", ErrorKind::RateLimited, None),
    ] {
        let relay = Relay::start(usual().answer("AUTH", &[reply])).await;
        let error = relay.send(json!({}), &message()).await.unwrap_err();
        assert_eq!(outcome(&error), (kind, Delivery::NotSent), "{reply}");
        assert_eq!(error.is_retryable(), kind != ErrorKind::Unauthorized, "{reply}");
        assert_eq!(error.hint().is_some(), hint.is_some(), "{reply}");
        assert!(hint.is_none_or(|hint| error.hint().unwrap().contains(hint)), "{reply}: {:?}", error.hint());
        assert_eq!(error.provider().unwrap().status, reply[..3].parse().ok(), "{reply}");
        // Said goodbye to; asked a second time only where the server has not judged the password.
        let dialogue = relay.only_dialogue().await;
        let tries_another = reply.starts_with("534") || reply.contains("Temporary");
        let next = if tries_another { "AUTH LOGIN" } else { "QUIT" };
        assert!(dialogue[1].starts_with("AUTH PLAIN ") && dialogue[2] == next, "{reply}: {dialogue:?}");
    }
}

#[tokio::test]
async fn a_server_that_wants_a_user_says_so_at_mail() {
    let relay = Relay::start(usual().answer("MAIL", &["530 5.7.0 Authentication Required."])).await;
    let error = relay.send(json!({ "auth": {} }), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent));
    assert!(error.hint().unwrap().contains("auth"));
}

/// The prompts of AUTH LOGIN were never standardised: some servers say nothing, some say it in their own words.
#[tokio::test]
async fn login_does_not_insist_on_the_servers_words() {
    for prompts in [["334 \r\n", "334\r\n"], ["334 dXNlcg==\r\n", "334 cGFzcw==\r\n"]] {
        let port = raw_server(move |mut stream| async move {
            say(&mut stream, b"220 hi\r\n").await;
            assert_eq!(say(&mut stream, b"250-hi\r\n250 AUTH LOGIN\r\n").await.unwrap(), "AUTH LOGIN");
            assert_eq!(say(&mut stream, prompts[0].as_bytes()).await.unwrap(), "bWFpbGVy");
            assert_eq!(say(&mut stream, prompts[1].as_bytes()).await.unwrap(), "c210cC1wYXNzd29yZA==");
            stream.write_all(b"235 ok\r\n").await.unwrap();
            serve_on(&mut stream, "250 hi\r\n").await;
        })
        .await;
        build(&with(json!({})), &context(port, None)).send(&message(), &SendContext::new()).await.unwrap();
    }
}

/// QQ Mail refuses a password in GBK, which is not UTF-8. It is a refusal all the same, not a broken connection.
#[tokio::test]
async fn a_refusal_in_another_charset_is_a_refusal() {
    let port = raw_server(move |mut stream| async move {
        say(&mut stream, b"220 smtp.qq.com\r\n").await;
        say(&mut stream, b"250-hi\r\n250 AUTH PLAIN\r\n").await;
        let refusal = b"535 Error: \xc7\xeb\xca\xb9\xd3\xc3\xca\xda\xc8\xa8\xc2\xeb: http://service.mail.qq.com/\r\n";
        say(&mut stream, refusal).await;
    })
    .await;
    let error = build(&with(json!({})), &context(port, None)).send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unauthorized, Delivery::NotSent), "{error}");
    assert!(error.to_string().contains("http://service.mail.qq.com/"), "{error}");
}

#[tokio::test]
async fn a_server_that_goes_while_signing_in_has_not_sent() {
    let relay = Relay::start(usual().answer("AUTH", &["close"])).await;
    let error = relay.send(json!({}), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
    assert!(error.is_retryable() && !error.to_string().contains(PASSWORD));
}

/// The client's lines of a session in which each `AUTH` was answered as given.
async fn dialogue_with(
    offer: &str,
    answers: &[&str],
    auth: serde_json::Value,
) -> (Result<Option<String>, connector_kit::Error>, Vec<String>) {
    let relay = Relay::start(SmtpScript::offering(&[offer]).answer("AUTH", answers)).await;
    let outcome = relay.send(json!({ "auth": auth }), &message()).await;
    let commands = relay.only_dialogue().await;
    (outcome, commands.into_iter().filter(|line| line.starts_with("AUTH")).collect())
}

fn mailer() -> serde_json::Value {
    json!({ "user": "mailer", "pass": PASSWORD })
}

/// RFC 4954, 4 and 6.
#[tokio::test]
async fn a_mechanism_that_the_server_will_not_take_is_followed_by_the_next() {
    for refusal in [
        "432 4.7.12 A password transition is needed",
        "451 4.3.0 Try again",
        "454 4.7.0 Temporary authentication failure",
        "500 5.5.6 Authentication exchange line is too long",
        "501 5.5.2 Cannot decode response",
        "502 5.5.1 Command not implemented",
        "503 5.5.1 Bad sequence of commands",
        "504 5.5.4 Unrecognized authentication type",
        "504 Unrecognized authentication type",
        "534 5.7.9 Authentication mechanism is too weak",
        "538 5.7.11 Encryption required for requested authentication mechanism",
        "555 5.5.2 Syntax error, cannot decode response",
        "554 5.5.1 Error",
    ] {
        let (outcome, tried) = dialogue_with("AUTH PLAIN LOGIN CRAM-MD5", &[refusal, "default"], mailer()).await;
        outcome.unwrap_or_else(|error| panic!("{refusal}: {error}"));
        assert_eq!((tried.len(), tried[1].as_str()), (2, "AUTH LOGIN"), "{refusal}");
        let (outcome, tried) =
            dialogue_with("AUTH PLAIN LOGIN CRAM-MD5", &[refusal, refusal, "default"], mailer()).await;
        outcome.unwrap_or_else(|error| panic!("{refusal}: {error}"));
        assert_eq!((tried.len(), tried[2].as_str()), (3, "AUTH CRAM-MD5"), "{refusal}");
    }
}

/// Servers lock an account after a few refusals: one message is one try.
#[tokio::test]
async fn credentials_that_were_judged_are_not_tried_by_another_mechanism() {
    for refusal in [
        "535 5.7.8 Authentication credentials invalid",
        "535 Authentication failed",
        "525 5.7.13 User account disabled",
        "550 5.7.30 Basic authentication is not supported",
        "530 5.7.0 Must issue a STARTTLS command first",
        "454 4.7.0 Too many login attempts, please try again later",
        "451 Authentication failed: Maximum credits exceeded",
        "421 4.7.0 Try again later",
    ] {
        let (outcome, tried) = dialogue_with("AUTH PLAIN LOGIN CRAM-MD5", &[refusal, "default"], mailer()).await;
        outcome.unwrap_err();
        assert_eq!(tried.len(), 1, "{refusal}: {tried:?}");
    }
}

#[tokio::test]
async fn a_refusal_of_the_command_does_not_blame_the_credentials() {
    for refusal in [
        "500 5.5.2 Line too long",
        "500 Syntax error",
        "501 5.5.4 Syntax error",
        "503 5.5.1 AUTH not allowed now",
        "504 5.7.4 Unrecognized authentication type",
        "555 5.5.2 Syntax error",
        "555 Syntax error",
    ] {
        let (outcome, _) = dialogue_with("AUTH PLAIN LOGIN", &[refusal], mailer()).await;
        let error = outcome.unwrap_err();
        assert_eq!(crate::support::outcome(&error), (ErrorKind::Rejected, Delivery::NotSent), "{refusal}");
        let hint = error.hint().unwrap();
        assert!(hint.contains("has not judged") && !hint.contains("check user"), "{refusal}: {hint}");
        assert_eq!(error.provider().unwrap().status, refusal[..3].parse().ok());
    }
    // What may pass is told rather than what will not.
    for answers in [["454 4.7.0 Temporary authentication failure", "504 5.5.4 No"], ["504 5.5.4 No", "454 4.7.0 Later"]]
    {
        let error = dialogue_with("AUTH PLAIN LOGIN", &answers, mailer()).await.0.unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Unavailable, true), "{answers:?}");
    }
    let error = dialogue_with("AUTH PLAIN LOGIN", &["504 5.5.4 No", "535 5.7.8 Wrong"], mailer()).await.0.unwrap_err();
    assert!(error.kind() == ErrorKind::Unauthorized && error.hint().unwrap().contains("check user"));
}

/// RFC 5321, 4.5.3.1.4: a command line has 512 octets at most. RFC 4954, 4: the response alone may have 12,288.
#[tokio::test]
async fn a_long_password_goes_without_initial_response() {
    // In base64: 8 octets for each 6 of "\0mailer\0" and the password, beside "AUTH PLAIN " and the line end.
    for (length, initial) in [(364, true), (365, false), (400, false), (9_204, false)] {
        let password = "x".repeat(length);
        let relay = Relay::start(SmtpScript::offering(&["AUTH PLAIN LOGIN"])).await;
        relay.send(json!({ "auth": { "user": "mailer", "pass": password } }), &message()).await.unwrap();
        let session = &relay.server.sessions()[0];
        assert_eq!(session.credentials, [credentials("PLAIN", "mailer", &password)], "{length}");
        let commands = session.commands();
        assert_eq!(commands[1] == "AUTH PLAIN", !initial, "{length}");
        assert!(commands[1].len() + 2 <= 512 && commands.iter().all(|line| line.len() + 2 <= 12_288), "{length}");
    }
    let relay = Relay::start(SmtpScript::offering(&["AUTH PLAIN LOGIN"])).await;
    let auth = json!({ "user": "mailer", "pass": "x".repeat(9_300) });
    let error = relay.send(json!({ "auth": auth }), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::InvalidConfig, Delivery::NotSent), "{error}");
    assert!(error.to_string().contains("12288"), "{error}");
}

/// Some servers pass over an initial response, and ask for it.
#[tokio::test]
async fn a_server_that_asks_for_what_it_was_given_gets_it_again() {
    let port = raw_server(move |mut stream| async move {
        say(&mut stream, b"220 hi\r\n").await;
        assert!(say(&mut stream, b"250-hi\r\n250 AUTH PLAIN\r\n").await.unwrap().starts_with("AUTH PLAIN AG1"));
        assert!(say(&mut stream, b"334 go on, !garbage!\r\n").await.unwrap().starts_with("AG1"));
        stream.write_all(b"235 ok\r\n").await.unwrap();
        serve_on(&mut stream, "250 hi\r\n").await;
    })
    .await;
    build(&with(json!({})), &context(port, None)).send(&message(), &SendContext::new()).await.unwrap();
}

#[tokio::test]
async fn a_challenge_that_cannot_be_read_is_not_a_refusal() {
    let port = raw_server(move |mut stream| async move {
        say(&mut stream, b"220 hi\r\n").await;
        say(&mut stream, b"250-hi\r\n250 AUTH CRAM-MD5\r\n").await;
        say(&mut stream, b"334 !not base64!\r\n").await;
    })
    .await;
    let error = build(&with(json!({})), &context(port, None)).send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::InvalidResponse, Delivery::NotSent), "{error}");
}

fn token(text: &str) -> serde_json::Value {
    json!({ "type": "OAuth2", "user": "no-reply@example.com", "accessToken": text })
}

/// Microsoft's tokens have well over a thousand characters.
#[tokio::test]
async fn a_long_access_token_goes_without_initial_response() {
    for (offer, mechanism) in [("AUTH XOAUTH2", "XOAUTH2"), ("AUTH OAUTHBEARER", "OAUTHBEARER")] {
        for length in [100, 1_024, 2_500] {
            let secret = "t".repeat(length);
            let relay = Relay::start(SmtpScript::offering(&[offer])).await;
            relay.send(json!({ "auth": token(&secret) }), &message()).await.unwrap();
            let session = &relay.server.sessions()[0];
            assert_eq!(session.credentials[0].secret, secret, "{offer} {length}");
            let command = session.commands()[1];
            assert_eq!(command == format!("AUTH {mechanism}"), length > 100, "{command}");
        }
    }
}

#[tokio::test]
async fn oauthbearer_is_taken_where_xoauth2_is_not() {
    let both = "AUTH OAUTHBEARER XOAUTH2 PLAIN";
    let (outcome, tried) = dialogue_with(both, &["default"], token("t0ken")).await;
    outcome.unwrap();
    assert!(tried.len() == 1 && tried[0].starts_with("AUTH XOAUTH2 "), "{tried:?}");
    let (outcome, tried) = dialogue_with(both, &["504 5.5.4 No", "default"], token("t0ken")).await;
    outcome.unwrap();
    assert!(tried.len() == 2 && tried[1].starts_with("AUTH OAUTHBEARER "), "{tried:?}");
    // A token that was refused is not shown again.
    for (offer, acknowledgement) in [(both, "C: "), ("AUTH OAUTHBEARER", "C: AQ==")] {
        let relay = Relay::start(SmtpScript::offering(&[offer]).answer("AUTH", &["535 5.7.8 Invalid token"])).await;
        let error = relay.send(json!({ "auth": token("t0ken") }), &message()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let session = &relay.server.sessions()[0];
        assert!(session.lines.iter().any(|line| line == acknowledgement), "{:?}", session.lines);
        assert_eq!(session.credentials.len(), 1);
    }
}
