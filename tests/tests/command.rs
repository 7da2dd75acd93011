//! The command line against real servers: what arrives, what is refused, and what is said of it.

use crate::every_usage;
use connector_testkit::{Answer, HttpRecorder, RecorderOptions, TestCa, parse_mail};
use e2e::{AfterData, Aiosmtpd, Desk, HOST, Mail, NodeSmtpServer, PASSWORD, Postfix, Ran, SmtpPeer, Step, USER};
use serde_json::{Value, json};

const CODE: &str = "902417";
const INBOX: &str = Postfix::INBOX;

/// A configuration for `peer`'s plain port, with `changes` over it.
fn config(peer: &impl SmtpPeer, changes: Value) -> Value {
    let template = |usage: &'static str| {
        json!({
            "usageType": usage, "contentType": "text/html",
            "subject": "Ihr Code für {{app}}: {{code}} 🔐", "content": "<p>Code: <b>{{code}}</b></p>"
        })
    };
    let mut config = json!({
        "host": HOST, "port": peer.port(), "requireTLS": true,
        "auth": { "user": USER, "pass": PASSWORD }, "fromEmail": "Müller & Söhne <relay@example.test>",
        "replyTo": "help@example.test", "customHeaders": { "X-Team": "ops" },
        "templates": every_usage(template),
    });
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

/// Sends to `to` by the real binary.
fn send(peer: &impl SmtpPeer, changes: Value, to: &str, flags: &[&str]) -> Ran {
    let desk = Desk::new().unwrap();
    desk.write("config.json", &config(peer, changes).to_string()).unwrap();
    let message =
        json!({ "to": to, "type": "SignIn", "payload": { "code": CODE, "app": "A\r\nBcc: evil@example.test" } });
    desk.write("message.json", &message.to_string()).unwrap();
    let ca = peer.ca_file().to_str().unwrap();
    let mut arguments = vec!["send", "smtp", "--config", "config.json", "--message", "message.json", "--json"];
    arguments.extend(["--cacert", ca]);
    arguments.extend(flags);
    let ran = desk.run(&arguments).unwrap();
    for secret in [PASSWORD, CODE, NodeSmtpServer::ACCESS_TOKEN] {
        assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{secret} shows: {ran:?}");
    }
    ran
}

fn assert_sent(ran: &Ran) -> String {
    let said = ran.json().unwrap();
    assert_eq!((ran.code, said["status"].as_str()), (0, Some("sent")), "{ran:?}");
    assert_eq!(said["connector"], "simple-mail-transfer-protocol");
    said["messageId"].as_str().unwrap().to_owned()
}

fn assert_failed(ran: &Ran, exit: i32, code: &str, delivery: &str, retryable: bool) -> Value {
    let said = ran.json().unwrap();
    assert_eq!((ran.code, said["status"].as_str()), (exit, Some("failed")), "{ran:?}");
    let error = &said["error"];
    assert_eq!((error["code"].as_str(), error["delivery"].as_str()), (Some(code), Some(delivery)), "{ran:?}");
    assert_eq!(error["retryable"], retryable, "{ran:?}");
    said
}

fn assert_as_meant(mail: &Mail, message_id: &str) {
    let parsed = parse_mail(&mail.content);
    assert_eq!(mail.from, "relay@example.test");
    assert_eq!(mail.to, [INBOX]);
    assert_eq!(parsed.subject.as_deref(), Some("Ihr Code für A Bcc: evil@example.test: 902417 🔐"));
    assert_eq!(parsed.text.as_deref().map(str::trim), Some("Code: 902417"));
    assert_eq!(parsed.html.as_deref().map(str::trim), Some("<p>Code: <b>902417</b></p>"));
    assert_eq!(mail.header("X-Team").as_deref(), Some("ops"));
    assert_eq!(mail.header("Message-ID").as_deref(), Some(message_id));
    assert!(mail.header("Date").is_some() && mail.header("Bcc").is_none());
    assert!(mail.header("Reply-To").unwrap().contains("help@example.test"));
    assert!(mail.header("From").unwrap().contains("<relay@example.test>"));
    assert!(!parsed.has_overlong_line());
}

fn delivers_by_starttls_and_implicit_tls<P: SmtpPeer>(peer: &P) {
    let id = assert_sent(&send(peer, json!({}), INBOX, &[]));
    let mails = peer.wait_for_mails(1).unwrap();
    assert_as_meant(&mails[0], &id);
    assert!(mails[0].tls && mails[0].user.as_deref() == Some(USER), "{}: {:?}", peer.name(), mails[0]);
    if let Some(port) = peer.tls_port() {
        let id = assert_sent(&send(peer, json!({ "port": port, "secure": true }), INBOX, &[]));
        let mails = peer.wait_for_mails(2).unwrap();
        assert_as_meant(&mails[1], &id);
        assert!(mails[1].tls);
    }
    let wrong = send(peer, json!({ "auth": { "user": USER, "pass": "not the password" } }), INBOX, &[]);
    let said = assert_failed(&wrong, 77, "authorization_failed", "not_sent", false);
    assert_eq!(said["error"]["provider"]["status"], 535);
    let untrusted = send(peer, json!({ "servername": "other.example.test" }), INBOX, &["--retry", "0"]);
    assert_failed(&untrusted, 75, "general", "not_sent", true);
}

#[test]
fn postfix_delivers() {
    delivers_by_starttls_and_implicit_tls(&Postfix::start().unwrap());
}

#[test]
fn aiosmtpd_delivers() {
    delivers_by_starttls_and_implicit_tls(&Aiosmtpd::start().unwrap());
}

#[test]
fn node_delivers() {
    delivers_by_starttls_and_implicit_tls(&NodeSmtpServer::start().unwrap());
}

#[test]
fn every_way_to_sign_in_works_with_a_server_of_other_peoples_making() {
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        let server = NodeSmtpServer::builder().mechanisms(&[mechanism]).start().unwrap();
        assert_sent(&send(&server, json!({}), INBOX, &[]));
        assert_eq!(server.wait_for_mails(1).unwrap()[0].mechanism.as_deref(), Some(mechanism));
    }
    let server = NodeSmtpServer::start().unwrap();
    let auth = |token: &str| json!({ "auth": { "type": "OAuth2", "user": USER, "accessToken": token } });
    assert_sent(&send(&server, auth(NodeSmtpServer::ACCESS_TOKEN), INBOX, &[]));
    assert_eq!(server.wait_for_mails(1).unwrap()[0].mechanism.as_deref(), Some("XOAUTH2"));
    let refused = send(&server, auth("revoked"), INBOX, &[]);
    assert_failed(&refused, 77, "authorization_failed", "not_sent", false);
}

#[test]
fn no_authentication_where_the_relay_asks_for_none_and_a_refusal_where_it_cannot_be_had() {
    let open = Postfix::builder().without_auth().start().unwrap();
    assert_sent(&send(&open, json!({ "auth": {} }), INBOX, &[]));
    assert_eq!(open.wait_for_mails(1).unwrap()[0].user, None);
    let refused = send(&open, json!({}), INBOX, &[]);
    assert_failed(&refused, 77, "authorization_failed", "not_sent", false);
}

#[test]
fn tls_that_is_required_is_not_gone_without() {
    let clear = Postfix::builder().without_starttls().start().unwrap();
    let ran = send(&clear, json!({}), INBOX, &["--retry", "0"]);
    assert_eq!(ran.json().unwrap()["error"]["delivery"], "not_sent", "{ran:?}");
    assert!(ran.json().unwrap()["error"]["message"].as_str().unwrap().contains("STARTTLS"), "{ran:?}");
    let ran = send(&clear, json!({ "requireTLS": false }), INBOX, &[]);
    assert_sent(&ran);
    assert!(ran.stderr.contains("unencrypted"), "signing in in clear is warned of: {ran:?}");
}

#[test]
fn refusals_are_told_apart() {
    let postfix = Postfix::start().unwrap();
    let unknown = assert_failed(&send(&postfix, json!({}), Postfix::UNKNOWN, &[]), 69, "general", "not_sent", false);
    assert_eq!(unknown["error"]["provider"]["status"], 550);
    assert_eq!(unknown["error"]["provider"]["code"], "5.1.1");
    assert_eq!(unknown["attempts"], 1);
    assert_failed(&send(&postfix, json!({}), Postfix::BLOCKED, &[]), 69, "general", "not_sent", false);
    let full = send(&postfix, json!({}), Postfix::FULL, &["--retry", "1"]);
    let full = assert_failed(&full, 75, "general", "not_sent", true);
    assert_eq!(full["attempts"], 2);
    assert!(postfix.mails().unwrap().is_empty());
}

#[test]
fn greylisting_is_waited_out() {
    let postfix = Postfix::start().unwrap();
    let ran = send(&postfix, json!({}), Postfix::GREYLISTED, &[]);
    assert_sent(&ran);
    assert_eq!(ran.json().unwrap()["attempts"], 2);
    assert_eq!(postfix.wait_for_mails(1).unwrap().len(), 1);
    let aiosmtpd = Aiosmtpd::builder().answer_once(Step::Data, "451 4.3.0 later").start().unwrap();
    assert_eq!(send(&aiosmtpd, json!({}), INBOX, &[]).json().unwrap()["attempts"], 2);
    assert_eq!(aiosmtpd.wait_for_mails(1).unwrap().len(), 1, "a 451 after the final dot was no delivery");
}

#[test]
fn an_answer_that_never_comes_is_an_unknown_outcome_and_not_repeated() {
    for after in [AfterData::Silence, AfterData::HangUp] {
        let server = Aiosmtpd::builder().after_data(after).start().unwrap();
        let ran = send(&server, json!({}), INBOX, &["--max-time", "2"]);
        let said = assert_failed(&ran, 76, "general", "unknown", false);
        assert_eq!(said["attempts"], 1);
        assert_eq!(server.wait_for_mails(1).unwrap().len(), 1, "it was taken, once");
    }
}

#[test]
fn a_server_that_accepts_and_never_speaks_has_sent_nothing() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let desk = Desk::new().unwrap();
    let template =
        |usage: &str| json!({ "usageType": usage, "contentType": "text/plain", "subject": "s", "content": "c" });
    let config = json!({
        "host": "127.0.0.1", "port": silent.local_addr().unwrap().port(), "auth": {}, "fromEmail": "a@example.test",
        "templates": every_usage(template),
    });
    desk.write("config.json", &config.to_string()).unwrap();
    desk.write("message.json", r#"{"to":"b@example.test","type":"SignIn","payload":{}}"#).unwrap();
    let arguments =
        ["send", "smtp", "--config", "config.json", "--message", "message.json", "--json", "--max-time", "0.5"];
    let ran = desk.run(&arguments).unwrap();
    assert_failed(&ran, 75, "general", "not_sent", true);
}

/// A recipient that would be a second header fails before any connection.
#[test]
fn a_crafted_recipient_is_refused() {
    let server = Aiosmtpd::start().unwrap();
    for to in ["a@b.test\r\nBcc: c@d.test", "a@b.test, c@d.test", &format!("{} <a@b.test>", "n".repeat(10_000))] {
        let said =
            assert_failed(&send(&server, json!({}), to, &[]), 65, "invalid_request_parameters", "not_sent", false);
        assert_eq!(said["error"]["problems"][0]["pointer"], "/to");
    }
    assert_eq!(server.connections().unwrap(), 0);
}

/// The production URL, redirected by the flags that an operator has.
#[test]
fn sendgrid_is_reached_under_its_own_name() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&["api.sendgrid.com"]));
    let answers = vec![
        Answer::status(503),
        Answer::status(202).header("x-message-id", "id-1"),
        Answer::status(429)
            .header("retry-after", "120")
            .json(json!({ "errors": [{ "message": "too many requests" }] })),
    ];
    let recorder = runtime.block_on(HttpRecorder::start(RecorderOptions { tls, answers }));
    let desk = Desk::new().unwrap();
    desk.write("ca.pem", &ca.root_pem()).unwrap();
    let template =
        |usage: &str| json!({ "usageType": usage, "type": "text/html", "subject": "s", "content": "<p>{{code}}</p>" });
    let config = json!({
        "apiKey": "SG.secret-key", "fromEmail": "a@example.test",
        "templates": every_usage(template),
    });
    desk.write("config.json", &config.to_string()).unwrap();
    desk.write("message.json", r#"{"to":"b@example.test","type":"SignIn","payload":{"code":"902417"}}"#).unwrap();
    let connect_to = format!("api.sendgrid.com:443:127.0.0.1:{}", recorder.port());
    let arguments = [
        "send",
        "sendgrid",
        "--config",
        "config.json",
        "--message",
        "message.json",
        "--json",
        "--cacert",
        "ca.pem",
        "--connect-to",
        &connect_to,
    ];
    let ran = desk.run(&arguments).unwrap();
    assert_eq!(
        ran.json().unwrap(),
        json!({"status":"sent","connector":"sendgrid-email-service","messageId":"id-1","attempts":2})
    );
    assert_eq!(recorder.requests()[0].header("authorization"), Some("Bearer SG.secret-key"));
    let ran = desk.run(&arguments).unwrap();
    let said = assert_failed(&ran, 75, "rate_limit_exceeded", "not_sent", true);
    assert_eq!((&said["error"]["retryAfterSeconds"], &said["attempts"]), (&json!(120), &json!(1)));
    assert!(!ran.stdout.contains("secret-key") && !ran.stderr.contains("secret-key"));
    let untrusted = desk
        .run(&arguments[..7].iter().copied().chain(["--connect-to", &connect_to, "--retry", "0"]).collect::<Vec<_>>());
    assert_failed(&untrusted.unwrap(), 75, "general", "not_sent", true);
}
