//! `send`: what goes out, what comes back, and every way to end.

use std::time::{Duration, Instant};

use connector_testkit::{
    Answer, Fault, HttpRecorder, RecorderOptions, RefusedPort, SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa,
    parse_mail,
};
use serde_json::{Value, json};

use crate::{Files, Run, SENDGRID, SMTP, binary, finish, message, run, run_with, sendgrid_config, smtp_config};

/// SendGrid on this machine, reached through the flags that reach any host elsewhere.
struct SendGrid {
    provider: HttpRecorder,
    files: Files,
    arguments: Vec<String>,
}

impl SendGrid {
    async fn answering(answers: Vec<Answer>) -> Self {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(&["api.sendgrid.com"]));
        let provider = HttpRecorder::start(RecorderOptions { tls, answers }).await;
        let files = Files::new();
        let arguments = [
            ("--config", files.json("config.json", &sendgrid_config())),
            ("--message", files.json("message.json", &message())),
            ("--cacert", files.write("ca.pem", ca.root_pem())),
            ("--connect-to", format!("api.sendgrid.com:443:127.0.0.1:{}", provider.port())),
        ];
        let arguments = arguments.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect();
        Self { provider, files, arguments }
    }

    fn send(&self, more: &[&str]) -> Run {
        let run = finish(binary().args(["send", "sendgrid"]).args(&self.arguments).args(more));
        run.assert_shows_none_of(&["very-secret", "246810", "user@example.com"]);
        run
    }
}

#[tokio::test]
async fn a_message_is_sent() {
    let sendgrid = SendGrid::answering(vec![Answer::status(202).header("x-message-id", "abc")]).await;
    let sent = sendgrid.send(&["--json"]);
    assert_eq!((sent.code, sent.stderr.as_str()), (0, ""));
    assert_eq!(sent.json(), json!({ "status": "sent", "connector": SENDGRID, "messageId": "abc", "attempts": 1 }));
    let sent = sendgrid.send(&[]);
    assert_eq!(sent.stdout, format!("sent through {SENDGRID}, message id abc, attempts 1\n"));

    let requests = sendgrid.provider.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].json()["subject"], "SignIn 246810");
}

#[tokio::test]
async fn every_answer_has_its_exit_code() {
    let fault = |message: &str| json!({ "errors": [{ "message": message, "field": null }] });
    let cases = [
        (Answer::status(401).json(fault("bad key")), 77, "Unauthorized", "authorization_failed", "not_sent", false),
        (Answer::status(400).json(fault("bad")), 69, "Rejected", "general", "not_sent", false),
        (
            Answer::status(401).json(fault("Maximum credits exceeded")),
            69,
            "QuotaExceeded",
            "usage_limit_exceeded",
            "not_sent",
            false,
        ),
        (Answer::status(429).header("retry-after", "60"), 75, "RateLimited", "rate_limit_exceeded", "not_sent", true),
        (Answer::status(500), 75, "Unavailable", "general", "not_sent", true),
        (Answer::fault(Fault::HangUp), 76, "Unavailable", "general", "unknown", false),
    ];
    for (answer, code, kind, logto_code, delivery, retryable) in cases {
        let sendgrid = SendGrid::answering(vec![answer]).await;
        let failed = sendgrid.send(&["--json", "--retry", "0"]);
        assert_eq!(failed.code, code, "{}", failed.stdout);
        let failed = failed.json();
        assert_eq!((&failed["status"], &failed["connector"]), (&json!("failed"), &json!(SENDGRID)));
        assert_eq!(failed["attempts"], 1);
        let error = &failed["error"];
        assert_eq!(
            (&error["kind"], &error["code"], &error["delivery"], &error["retryable"]),
            (&json!(kind), &json!(logto_code), &json!(delivery), &json!(retryable)),
        );
        assert_eq!(error["retryAfterSeconds"], if kind == "RateLimited" { json!(60) } else { Value::Null });
        assert_eq!(error["problems"], json!([]));
    }
}

#[tokio::test]
async fn a_failure_for_people_says_what_happened_and_what_to_do() {
    let answer =
        Answer::status(401).json(json!({ "errors": [{ "message": "The key is revoked", "field": "authorization" }] }));
    let sendgrid = SendGrid::answering(vec![answer]).await;
    let failed = sendgrid.send(&[]);
    assert_eq!((failed.code, failed.stdout.as_str()), (77, ""));
    for text in ["error: SendGrid answered 401", "The key is revoked", "hint: create an API key", "status 401"] {
        assert!(failed.stderr.contains(text), "{text} is missing in {}", failed.stderr);
    }
    assert!(!failed.stderr.contains('\x1b'));
}

#[tokio::test]
async fn retries_are_counted_and_warned_of() {
    let answers = vec![Answer::status(503), Answer::status(202).header("x-message-id", "abc")];
    let sendgrid = SendGrid::answering(answers).await;
    let sent = sendgrid.send(&["--json"]);
    assert_eq!((sent.code, sent.json()["attempts"].as_u64()), (0, Some(2)));
    assert!(sent.stderr.contains("trying again"), "{}", sent.stderr);
}

#[tokio::test]
async fn the_total_deadline_ends_a_send_of_unknown_outcome() {
    let sendgrid = SendGrid::answering(vec![Answer::fault(Fault::Silent)]).await;
    let begun = Instant::now();
    let failed = sendgrid.send(&["--json", "--max-time", "0.5"]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!((failed.code, failed.json()["error"]["delivery"].as_str()), (76, Some("unknown")));
    let failed = sendgrid.send(&["--max-time", "0.5"]);
    assert!(failed.stderr.contains("may have been sent"), "{}", failed.stderr);
}

#[tokio::test]
async fn nothing_personal_is_logged_even_when_everything_is() {
    let sendgrid = SendGrid::answering(vec![Answer::status(202)]).await;
    let mut command = binary();
    command.args(["send", "sendgrid", "-vv"]).args(&sendgrid.arguments).env("RUST_LOG", "trace");
    let sent = finish(&mut command);
    assert_eq!(sent.code, 0);
    sent.assert_shows_none_of(&["very-secret", "246810", "user@example.com"]);
}

#[tokio::test]
async fn a_template_of_the_message_goes_before_the_configured_one() {
    let sendgrid = SendGrid::answering(vec![Answer::status(202)]).await;
    let template = json!({ "subject": "Ihr Code {{code}}", "content": "{{code}}", "contentType": "text/plain" });
    let template = sendgrid.files.json("template.json", &template);
    assert_eq!(sendgrid.send(&["--template", &template]).code, 0);
    assert_eq!(sendgrid.provider.only_request().json()["subject"], "Ihr Code 246810");
}

#[tokio::test]
async fn a_message_goes_out_over_smtp() {
    let server = SmtpRecorder::start(SmtpRecorderOptions::default()).await;
    let files = Files::new();
    let config = files.json("smtp.json", &smtp_config(server.port()));
    let sent =
        run_with(message().to_string().as_bytes(), &["send", "smtp", "--config", &config, "--message", "-", "--json"]);
    assert_eq!((sent.code, sent.json()["connector"].as_str()), (0, Some(SMTP)));
    let mail = server.only_message();
    assert_eq!(mail.rcpt_to, ["<user@example.com>"]);
    assert_eq!(parse_mail(&mail.source).subject.as_deref(), Some("SignIn 246810"));

    server.set_script(SmtpScript::default().answer("RCPT", &["550 5.1.1 No such user"]));
    let refused = run(&["send", "smtp", "--config", &config, "--message", &files.json("m.json", &message()), "--json"]);
    assert_eq!((refused.code, refused.json()["error"]["provider"]["status"].as_u64()), (69, Some(550)));
}

#[test]
fn nobody_there_is_temporary() {
    let port = RefusedPort::new();
    let files = Files::new();
    let config = files.json("smtp.json", &smtp_config(port.port()));
    let message = files.json("message.json", &message());
    let failed = run(&["send", "smtp", "--config", &config, "--message", &message, "--retry", "0", "--json"]);
    assert_eq!(failed.code, 75);
    let error = &failed.json()["error"];
    assert_eq!((&error["delivery"], &error["retryable"]), (&json!("not_sent"), &json!(true)));
    let denied =
        run(&["send", "smtp", "--config", &config, "--message", &message, "--deny-private-addresses", "--json"]);
    assert_eq!((denied.code, denied.json()["error"]["kind"].as_str()), (65, Some("InvalidConfig")));
}

/// Configuration, message, template; kind of error and its pointers.
type Case<'a> = (&'a str, &'a str, Option<&'a str>, &'a str, &'a [&'a str]);

#[test]
fn what_is_wrong_before_sending_has_the_same_shape() {
    let files = Files::new();
    let good_config = files.json("config.json", &sendgrid_config());
    let good_message = files.json("message.json", &message());
    let mut unsigned = sendgrid_config();
    unsigned.as_object_mut().unwrap().remove("apiKey");
    let bad_config = files.json("bad-config.json", &unsigned);
    let bad_message = files.json("bad-message.json", &json!({ "to": "a@b.example\r\nBcc: c@d.example", "type": 1 }));
    let bad_template = files.json("bad-template.json", &json!({ "subject": "s", "contentType": "text/weird" }));
    let missing = files.path("missing.json").to_str().unwrap().to_owned();

    let cases: [Case<'_>; 6] = [
        (&bad_config, &good_message, None, "InvalidConfig", &["/apiKey"]),
        (&missing, &good_message, None, "InvalidConfig", &[""]),
        (&good_config, &bad_message, None, "InvalidMessage", &["/to", "/type", "/payload"]),
        (&good_config, &missing, None, "InvalidMessage", &[""]),
        (
            &good_config,
            &good_message,
            Some(&bad_template),
            "InvalidMessage",
            &["/template/content", "/template/contentType"],
        ),
        (&good_config, &good_message, Some(&missing), "InvalidMessage", &["/template"]),
    ];
    for (config, message, template, kind, pointers) in cases {
        let mut arguments = vec!["send", "sendgrid", "--config", config, "--message", message];
        arguments.extend(template.into_iter().flat_map(|template| ["--template", template]));
        let failed = run(&arguments);
        assert_eq!((failed.code, failed.stdout.as_str()), (65, ""));
        assert!(failed.stderr.starts_with("error: "), "{}", failed.stderr);
        assert!(pointers.iter().all(|pointer| failed.stderr.contains(pointer)), "{}", failed.stderr);

        arguments.push("--json");
        let failed = run(&arguments);
        assert_eq!((failed.code, failed.pointers()), (65, pointers.iter().map(|&at| at.to_owned()).collect()));
        let failed = failed.json();
        assert_eq!((&failed["status"], &failed["connector"]), (&json!("failed"), &json!(SENDGRID)));
        assert_eq!((&failed["attempts"], &failed["error"]["kind"]), (&json!(0), &json!(kind)));
        let keys: Vec<&String> = failed["error"].as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 9, "{keys:?}");
    }
}

#[test]
fn flags_that_cannot_be_used() {
    let files = Files::new();
    let config = files.json("config.json", &sendgrid_config());
    let message = files.json("message.json", &message());
    let both = run_with(b"{}", &["send", "sendgrid", "--config", "-", "--message", "-", "--json"]);
    assert_eq!((both.code, both.json()["error"]["kind"].as_str()), (64, Some("Usage")));
    let send = ["send", "sendgrid", "--config", &config, "--message", &message];
    let proxy = run(&[&send[..], &["--proxy", "ftp://user:pa55word@proxy"]].concat());
    assert_eq!(proxy.code, 64);
    proxy.assert_shows_none_of(&["pa55word"]);
    let no_pem = run(&[&send[..], &["--cacert", &config]].concat());
    assert_eq!(no_pem.code, 65);
    assert!(no_pem.stderr.contains("--cacert") && no_pem.stderr.contains("PEM"), "{}", no_pem.stderr);
}
