//! `code`: sent through the active connector, verified once.

use connector_testkit::SmtpScript;
use serde_json::{Value, json};

use crate::{SMTP, home::Home};

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
