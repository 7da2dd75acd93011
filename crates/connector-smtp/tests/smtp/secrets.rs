//! Passwords, tokens, recipients and codes never show: not in errors, not in logs, not when the server echoes them.

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{Error, SendContext, UsageType};
use connector_testkit::{Answer, LogCapture, SmtpScript};
use serde_json::json;

use crate::{
    oauth::{Provider, grant, refresh},
    support::{PASSWORD, Relay, payload, usual},
};

/// Everything that anybody may see of an error.
fn everything(error: &Error) -> String {
    format!("{error} {error:?} {:?} {:?} {:?}", error.hint(), error.provider(), error.problems())
}

fn assert_free_of(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
        let encoded = STANDARD.encode(secret);
        assert!(!text.contains(encoded.trim_end_matches('=')), "{secret}, in base64, in {text}");
    }
}

#[tokio::test]
async fn a_password_that_the_server_echoes_is_blanked() {
    let plain = STANDARD.encode(format!("\0mailer\0{PASSWORD}"));
    let login = STANDARD.encode(PASSWORD);
    for echo in [
        format!("535 5.7.8 {PASSWORD} is not the password of mailer"),
        format!("500 5.5.1 Command unrecognized: \"AUTH PLAIN {plain}\""),
        format!("501 5.5.4 Cannot decode {login}"),
        format!("535-5.7.8 first\r\n535 5.7.8 then {plain} and {}", PASSWORD.to_uppercase()),
    ] {
        for offer in ["AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5"] {
            let logs = LogCapture::start();
            let relay = Relay::start(SmtpScript::offering(&[offer]).answer("AUTH", &[&echo])).await;
            let error = relay.send(json!({}), &crate::support::message()).await.unwrap_err();
            let text = everything(&error);
            assert_free_of(&text, &[PASSWORD, &PASSWORD.to_uppercase()]);
            assert!(!text.contains(&plain), "{text}");
            logs.assert_free_of(&[PASSWORD, &plain]);
        }
    }
}

#[tokio::test]
async fn a_token_that_the_server_echoes_is_blanked() {
    let shown = STANDARD.encode("user=mailer@example.com\x01auth=Bearer t0ken-abc\x01\x01");
    let echo = format!("535 5.7.8 t0ken-abc, sent as {shown}, is revoked");
    let logs = LogCapture::start();
    let provider =
        Provider::start(SmtpScript::offering(&["AUTH XOAUTH2"]).answer("AUTH", &[&echo]), vec![grant("t0ken-abc")])
            .await;
    let error = provider.connector(refresh()).send(&crate::support::message(), &SendContext::new()).await.unwrap_err();
    let secrets = ["t0ken-abc", "client-s3cret", "refresh-t0ken"];
    assert_free_of(&everything(&error), &secrets);
    assert!(!everything(&error).contains(&shown));
    logs.assert_free_of(&secrets);
    logs.assert_free_of(&[&shown]);
}

#[tokio::test]
async fn credentials_echoed_long_after_signing_in_are_blanked() {
    let relay =
        Relay::start(usual().answer("END", &[&format!("554 5.7.1 {PASSWORD} may not send <p>SignIn: your")])).await;
    let error = relay.send(json!({}), &crate::support::message()).await.unwrap_err();
    assert_free_of(&everything(&error), &[PASSWORD]);

    let script = SmtpScript::offering(&["AUTH XOAUTH2"]).answer("RCPT", &["550 5.7.1 t0ken-abc may not send"]);
    let provider = Provider::start(script, vec![grant("t0ken-abc")]).await;
    let error = provider.connector(refresh()).send(&crate::support::message(), &SendContext::new()).await.unwrap_err();
    assert_free_of(&everything(&error), &["t0ken-abc"]);
}

#[tokio::test]
async fn a_token_endpoint_that_echoes_what_it_got_is_not_repeated() {
    let logs = LogCapture::start();
    for status in [400, 500] {
        let echo = json!({ "error": "invalid_grant", "error_description": "client-s3cret refresh-t0ken" });
        let provider =
            Provider::start(SmtpScript::offering(&["AUTH XOAUTH2"]), vec![Answer::status(status).json(echo)]).await;
        let error =
            provider.connector(refresh()).send(&crate::support::message(), &SendContext::new()).await.unwrap_err();
        assert_free_of(&everything(&error), &["client-s3cret", "refresh-t0ken"]);
    }
    logs.assert_free_of(&["client-s3cret", "refresh-t0ken"]);
}

#[tokio::test]
async fn recipient_and_code_that_the_server_echoes_are_blanked() {
    let mut message = crate::support::to("Jane Roe <jane.roe@example.org>");
    message.payload =
        payload(json!({ "code": "918273", "link": "https://example.com/t/9f8e7d", "user": { "name": "Jane Roe" } }));
    message.ip = Some("203.0.113.9".to_owned());
    message.usage_type = UsageType::SignIn;
    let secrets = [
        "jane.roe@example.org",
        "JANE.ROE@EXAMPLE.ORG",
        "918273",
        "https://example.com/t/9f8e7d",
        "203.0.113.9",
        "Jane Roe",
    ];
    let echo = "5.7.1 <jane.roe@example.org> JANE.ROE@EXAMPLE.ORG: content \"SignIn subject 918273\" \
                https://example.com/t/9f8e7d for Jane Roe at 203.0.113.9 refused";
    for (step, code) in [("MAIL", 550), ("RCPT", 450), ("DATA", 554), ("END", 554)] {
        let logs = LogCapture::start();
        let relay = Relay::start(usual().answer(step, &[&format!("{code} {echo}")])).await;
        let error = relay.send(json!({}), &message).await.unwrap_err();
        assert!(everything(&error).contains("refused"), "{error}");
        assert_free_of(&everything(&error), &secrets);
        logs.assert_free_of(&secrets);
    }
}

#[tokio::test]
async fn an_accepted_message_leaves_no_trace_in_the_logs() {
    let logs = LogCapture::start();
    let relay = Relay::usual().await;
    relay.send(json!({}), &crate::support::message()).await.unwrap();
    logs.assert_free_of(&[PASSWORD, "123456", "user@example.com"]);
}

/// Characters beyond ASCII pass through unharmed, so that what is echoed is found and blanked.
#[tokio::test]
async fn an_echo_beyond_ascii_is_blanked_too() {
    let script = SmtpScript::offering(&["SMTPUTF8", "AUTH PLAIN"]);
    let relay = Relay::start(script.answer("RCPT", &["550 5.1.1 <jürgen.müller@example.com> unbekannt"])).await;
    let error = relay.send(json!({}), &crate::support::to("jürgen.müller@example.com")).await.unwrap_err();
    assert!(everything(&error).contains("unbekannt") && !everything(&error).contains("rgen"), "{error}");
}
