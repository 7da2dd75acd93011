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
        // Said goodbye to, and not asked a second time.
        let dialogue = relay.only_dialogue().await;
        assert!(dialogue[1].starts_with("AUTH PLAIN ") && dialogue[2] == "QUIT", "{dialogue:?}");
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
