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

/// A provider that is down locks nobody out.
#[tokio::test]
async fn one_that_was_not_sent_counts_for_nothing() {
    let (home, _) = Home::set_up().await;
    let settings = json!({ "sendsPerRecipient": { "sends": 1, "windowSeconds": 60 } });
    let settings = home.files.json("codes.json", &settings);
    let send = ["code", "send", "--settings", &settings, "--to", TO, "--retry", "0"];
    home.server.set_script(SmtpScript::default().answer("MAIL", &["451 4.3.0 try again later"]));
    assert_eq!(home.fails(75, &send)["kind"], "Unavailable");
    home.server.set_script(SmtpScript::default());
    home.ok(&send);
    assert_eq!(home.fails(75, &send)["limit"], "recipient");
    assert_eq!(home.fails(65, &["code", "send", "--to", "nobody"])["problems"][0]["pointer"], "/to");
    let nowhere = home.fails(65, &["code", "send", "--to", TO, "--tenant", "other"]);
    assert_eq!(nowhere["kind"], "NoActiveConnector");
}

/// Else an address that is refused would bring any number of codes.
#[tokio::test]
async fn one_that_was_refused_for_its_address_counts() {
    let settings = json!({ "sendsPerRecipient": { "sends": 2, "windowSeconds": 60 } });
    for (refusal, exit) in [("552 5.2.2 mailbox full", 69), ("550 no such user", 69), ("452 4.2.2 mailbox full", 75)] {
        let (home, _) = Home::set_up().await;
        let settings = home.files.json("codes.json", &settings);
        let send = ["code", "send", "--settings", &settings, "--to", TO, "--retry", "0"];
        home.server.set_script(SmtpScript::default().answer("RCPT", &[refusal]));
        for _ in 0..2 {
            assert_ne!(home.run(&[&send[..], &["--json"]].concat()).json()["error"]["kind"], "Limited", "{refusal}");
        }
        assert_eq!(home.fails(75, &send)["limit"], "recipient", "{refusal}, which is {exit} by itself");
    }
}

#[tokio::test]
async fn guesses_are_bounded_whatever_becomes_of_the_sends() {
    let (home, _) = Home::set_up().await;
    let settings = json!({ "attempts": 3, "sendsPerRecipient": { "sends": 2, "windowSeconds": 600 } });
    let settings = home.files.json("codes.json", &settings);
    let code = |command| ["code", command, "--settings", &settings, "--to", TO, "--json"];
    home.server.set_script(SmtpScript::default().answer("END", &["close"]));
    let mut compared = 0;
    for _ in 0..2 {
        // Its outcome is unknown, so it stays good.
        home.run(&code("send"));
        for _ in 0..5 {
            let guess = home.run(&[&code("verify")[..], &["--code", "nothing"]].concat());
            compared += u32::from(guess.json()["error"]["kind"] == "WrongCode");
        }
    }
    assert_eq!(compared, 6);
}

#[tokio::test]
async fn where_guesses_are_used_up_it_says_that_a_new_code_does_not_help() {
    let (home, _) = Home::set_up().await;
    let settings = json!({ "guessesPerRecipient": { "guesses": 2, "windowSeconds": 600 } });
    let settings = home.files.json("codes.json", &settings);
    let code = |command| ["code", command, "--settings", &settings, "--to", TO, "--json"];
    let verify = |typed: &str| home.run(&[&code("verify")[..], &["--code", typed]].concat()).json()["error"].clone();
    home.run(&code("send"));
    for _ in 0..2 {
        assert_eq!(verify("nothing")["kind"], "WrongCode");
    }
    home.run(&code("send"));
    let refused = verify(&sent_code(&home));
    assert_eq!((&refused["kind"], &refused["limit"]), (&json!("Limited"), &json!("guesses")), "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("a new code does not help"), "{refused}");
}

#[tokio::test]
async fn wrong_tries_by_strangers_leave_the_code_to_whom_asked() {
    let (home, _) = Home::set_up().await;
    home.ok(&["code", "send", "--to", TO, "--ip", "192.0.2.1"]);
    let code = sent_code(&home);
    let verify = |ip: &str, code: &str| home.run(&["code", "verify", "--to", TO, "--ip", ip, "--code", code, "--json"]);
    for number in 0..10 {
        assert_ne!(verify(&format!("198.51.{number}.1"), "nothing").code, 0);
    }
    assert_eq!(verify("198.51.100.9", &code).json()["error"]["kind"], "Limited");
    assert_eq!(verify("::ffff:192.0.2.1", &code).json(), json!({ "status": "verified" }));
}

#[tokio::test]
async fn a_code_is_read_in_every_script() {
    let (home, _) = Home::set_up().await;
    let in_script = |code: &str, zero: u32| -> String {
        code.chars().map(|char| char::from_u32(zero + char.to_digit(10).unwrap()).unwrap()).collect()
    };
    for (zero, before, after) in [
        (0xff10, "", ""),
        (0x660, "\u{200e}", "\u{200f}"),
        (0x966, "\u{feff}", ""),
        (0x30, "\u{2068}", "\u{2069}\u{200b}"),
    ] {
        home.ok(&["code", "send", "--to", &format!("{zero}@example.com")]);
        let typed = format!("{before}{}{after}", in_script(&sent_code(&home), zero));
        let verified = home.ok(&["code", "verify", "--to", &format!("{zero}@example.com"), "--code", &typed]);
        assert_eq!(verified["status"], "verified", "{zero:x}");
    }
}

#[tokio::test]
async fn no_network_uses_up_what_the_tenant_may_send() {
    let (home, _) = Home::set_up().await;
    let settings = json!({ "sendsPerTenant": { "sends": 8, "windowSeconds": 600 } });
    let settings = home.files.json("codes.json", &settings);
    let send = |number: u32, ip: &str| {
        home.run(&[
            "code",
            "send",
            "--settings",
            &settings,
            "--to",
            &format!("{number}@example.com"),
            "--ip",
            ip,
            "--json",
        ])
    };
    for (number, expected) in [(0, "sent"), (1, "sent"), (2, "failed"), (3, "failed")] {
        let sent = send(number, &format!("2001:db8:1:{number}::1")).json();
        assert_eq!(sent["status"], expected, "{sent}");
        assert!(expected == "sent" || sent["error"]["limit"] == "share", "{sent}");
    }
    assert_eq!(send(4, "2001:db8:2::1").json()["status"], "sent");
    assert_eq!(send(5, "192.0.2.1").json()["status"], "sent");
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
