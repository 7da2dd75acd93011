//! Addresses in people's own scripts, and addresses that would leave the host that they name.

use connector_testkit::SmtpScript;
use serde_json::json;

use crate::home::Home;

#[tokio::test]
async fn people_of_every_script_are_sent_a_code() {
    let (home, _) = Home::set_up().await;
    home.server.set_script(SmtpScript::offering(&["SMTPUTF8", "8BITMIME"]));
    let config = home.config("config.json");
    for (to, envelope) in [
        ("संपर्क@डाटामेल.भारत", "<संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c>"),
        ("user@example.இந்தியா", "<user@example.xn--xkc2dl3a5ee0h>"),
        ("user@ไทยแลนด์.ไทย", "<user@xn--l3cfg9ap1osa4e.xn--o3cw4h>"),
        ("ผู้ใช้@example.org", "<ผู้ใช้@example.org>"),
        ("မြန်မာ@example.org", "<မြန်မာ@example.org>"),
    ] {
        let message = json!({ "to": to, "type": "SignIn", "payload": { "code": "123456" } });
        let message = home.files.json("message.json", &message);
        home.ok(&["send", "--message", &message]);
        home.ok(&["send", "smtp", "--config", &config, "--message", &message]);
        home.ok(&["test", "--to", to]);
        home.ok(&["code", "send", "--to", to]);
        let mails = home.server.messages();
        assert!(mails.iter().rev().take(4).all(|mail| mail.rcpt_to == [envelope]), "{to}");
    }
}

/// The address as it was typed, composed or not, is one recipient.
#[tokio::test]
async fn a_code_is_verified_however_the_address_is_typed() {
    let (home, _) = Home::set_up().await;
    home.server.set_script(SmtpScript::offering(&["SMTPUTF8", "8BITMIME"]));
    home.ok(&["code", "send", "--to", "jose\u{301}@bücher.example"]);
    let subject = home.subjects().pop().unwrap();
    let code = subject.split(' ').next_back().unwrap();
    home.ok(&["code", "verify", "--to", "jos\u{e9}@XN--BCHER-KVA.example", "--code", code]);
}

#[tokio::test]
async fn a_mailbox_that_is_not_at_the_host_it_names_is_refused_everywhere() {
    let (home, _) = Home::set_up().await;
    for to in ["attacker%evil.example@example.com", "evil.example!attacker@example.com", "=?utf-8?q?a?=@example.com"] {
        let message = home.files.json("message.json", &json!({ "to": to, "type": "SignIn", "payload": {} }));
        for command in [
            &["send", "--message", &message][..],
            &["test", "--to", to],
            &["code", "send", "--to", to],
            &["code", "verify", "--to", to, "--code", "123456"],
        ] {
            let error = home.fails(65, command);
            assert_eq!(error["problems"][0]["pointer"], "/to", "{command:?}: {error}");
        }
        let config = home.config_with("config.json", json!({ "fromEmail": to }));
        let run = home.run(&["validate", "smtp", "--config", &config, "--json"]);
        assert_eq!((run.code, run.pointers()), (65, vec!["/fromEmail".to_owned()]), "{to}");
    }
    assert!(home.server.messages().is_empty());
}
