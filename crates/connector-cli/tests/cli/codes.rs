//! `code`: sent through the active connector, verified once.

use connector_testkit::SmtpScript;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::{SMTP, finish, home::Home};

const TO: &str = "user@example.com";

/// The code in the last mail's subject, which is all that it may be in.
fn sent_code(home: &Home) -> String {
    let subject = home.subjects().pop().unwrap();
    subject.rsplit(' ').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_is_sent_and_is_right_once() {
    let (home, _) = Home::set_up().await;
    let sent = home.ok(&["code", "send", "--to", TO, "--usage-type", "SignIn"]);
    assert_eq!((&sent["status"], &sent["connector"], &sent["attempts"]), (&json!("sent"), &json!(SMTP), &json!(1)));
    assert!(sent["expiresAt"].as_str().unwrap().ends_with('Z'));
    let code = sent_code(&home);
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
    assert!(!sent.to_string().contains(&code), "the code shows in {sent}");

    let verify = ["code", "verify", "--to", TO, "--usage-type", "SignIn", "--code"];
    let other = home.fails(65, &["code", "verify", "--to", TO, "--code", &code]);
    assert_eq!(other["kind"], "WrongCode", "it is for SignIn alone");
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(home.fails(65, &[&verify[..], &[wrong]].concat())["kind"], "WrongCode");
    let typed = format!(" {}-{} ", &code[..3], &code[3..]);
    assert_eq!(home.ok(&[&verify[..], &[&typed]].concat()), json!({ "status": "verified" }));
    assert_eq!(home.fails(65, &[&verify[..], &[&code]].concat())["kind"], "WrongCode");
}

#[tokio::test]
async fn limits_say_which_fired_and_how_long_to_wait() {
    let (home, _) = Home::set_up().await;
    let settings = json!({
        "attempts": 2, "lifetimeSeconds": 300,
        "sendsPerRecipient": { "sends": 2, "windowSeconds": 60 }, "sendsPerIp": { "sends": 1, "windowSeconds": 90 },
    });
    let settings = home.files.json("codes.json", &settings);
    let send = ["code", "send", "--settings", &settings, "--to", TO];
    home.ok(&[&send[..], &["--ip", "192.0.2.1"]].concat());
    let limited = |error: &Value, limit: &str, most: u64| {
        assert_eq!((&error["kind"], &error["code"]), (&json!("Limited"), &json!("rate_limit_exceeded")));
        assert_eq!((&error["limit"], &error["retryable"]), (&json!(limit), &json!(true)));
        let wait = error["retryAfterSeconds"].as_u64().unwrap();
        assert!(wait > most - 30 && wait <= most, "{wait}");
    };
    limited(&home.fails(75, &[&send[..], &["--ip", "192.0.2.1"]].concat()), "ip", 90);
    home.ok(&send);
    limited(&home.fails(75, &send), "recipient", 60);
    assert_eq!(home.subjects().len(), 2, "a refused one sends nothing");

    let verify = ["code", "verify", "--settings", &settings, "--to", TO, "--code", "nothing"];
    home.fails(65, &verify);
    limited(&home.fails(75, &verify), "attempts", 300);
    let bad = home.files.json("bad.json", &json!({ "attempts": 0 }));
    let bad = home.fails(65, &["code", "send", "--settings", &bad, "--to", TO]);
    assert_eq!((&bad["kind"], &bad["problems"][0]["pointer"]), (&json!("InvalidInput"), &json!("/attempts")));
}

#[tokio::test]
async fn one_that_was_not_sent_counts_for_nothing() {
    let (home, _) = Home::set_up().await;
    let settings = json!({ "sendsPerRecipient": { "sends": 1, "windowSeconds": 60 } });
    let settings = home.files.json("codes.json", &settings);
    let send = ["code", "send", "--settings", &settings, "--to", TO, "--retry", "0"];
    home.refuse();
    assert_eq!(home.fails(69, &send)["kind"], "Rejected");
    home.server.set_script(SmtpScript::default());
    home.ok(&send);
    assert_eq!(home.fails(75, &send)["limit"], "recipient");
    assert_eq!(home.fails(65, &["code", "send", "--to", "nobody"])["problems"][0]["pointer"], "/to");
    let nowhere = home.fails(65, &["code", "send", "--to", TO, "--tenant", "other"]);
    assert_eq!(nowhere["kind"], "NoActiveConnector");
}

#[tokio::test]
async fn one_that_may_have_arrived_stays_good() {
    let (home, _) = Home::set_up().await;
    home.server.set_script(SmtpScript::default().answer("END", &["close"]));
    let lost = home.run(&["code", "send", "--to", TO, "--json"]);
    assert_eq!((lost.code, &lost.json()["error"]["delivery"]), (76, &json!("unknown")));
    let code = sent_code(&home);
    lost.assert_shows_none_of(&[&code]);
    assert_eq!(home.ok(&["code", "verify", "--to", TO, "--code", &code])["status"], "verified");
}

/// Else a limit on one mailbox would be one on each way to write it.
#[tokio::test]
async fn every_spelling_of_a_mailbox_is_one_recipient() {
    let (home, _) = Home::set_up().await;
    let spellings = [
        "victim@example.com",
        "n1 <victim@example.com>",
        "\"n, 2\" <Victim@EXAMPLE.com>",
        "<victim@example.com>",
        "\"victim\"@example.com",
    ];
    for spelling in spellings {
        home.ok(&["code", "send", "--to", spelling]);
    }
    assert_eq!(home.fails(75, &["code", "send", "--to", " n6 <victim@example.com> "])["limit"], "recipient");

    for (sent, typed) in [
        ("<a@b.example>", "a@b.example"),
        ("a@b\u{fc}cher.example", "Ann <A@xn--bcher-kva.example>"),
        ("Ann <a@xn--bcher-kva.example>", "a@B\u{dc}CHER.example"),
        ("a..b@b.example", "Ann <\"a..b\"@B.example>"),
    ] {
        home.ok(&["code", "send", "--to", sent]);
        let verified = home.ok(&["code", "verify", "--to", typed, "--code", &sent_code(&home)]);
        assert_eq!(verified["status"], "verified", "sent to {sent}, verified as {typed}");
    }
    let nobody = home.fails(65, &["code", "verify", "--to", "nobody", "--code", "123456"]);
    assert_eq!(nobody["problems"][0]["pointer"], "/to");
    home.fails(65, &["code", "send", "--to", "victim@example.com."]);
}

#[tokio::test]
async fn what_somebody_must_mend_is_not_to_be_tried_again() {
    let (home, _) = Home::set_up().await;
    let mut database = SqliteConnection::connect(&home.url).await.unwrap();
    sqlx::query("DROP TABLE codes").execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    for command in [&["code", "send", "--to", TO][..], &["code", "verify", "--to", TO, "--code", "123456"]] {
        let error = home.fails(74, command);
        assert_eq!((&error["kind"], &error["retryable"]), (&json!("StoreUnusable"), &json!(false)), "{error}");
        assert!(!error["message"].as_str().unwrap().contains("try again"), "{error}");
    }
}

#[tokio::test]
async fn settings_that_the_environment_leaves_empty_are_the_defaults() {
    let (home, _) = Home::set_up().await;
    let mut send = home.command(&["code", "send", "--to", TO]);
    let sent = finish(send.env("EMAIL_CONNECTORS_CODE_SETTINGS", ""));
    assert_eq!((sent.code, sent.stderr.as_str()), (0, ""));
    assert!(sent.stdout.contains("good for 600 s"), "{}", sent.stdout);
}
