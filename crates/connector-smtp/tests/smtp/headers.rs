//! The header of a message, and its envelope: names and subjects beyond ASCII, folding, SMTPUTF8, ids and dates.

use std::{
    collections::HashSet,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::{Delivery, EmailConnector, ErrorKind, SendContext};
use connector_testkit::{ParsedMailbox, SmtpScript, parse_mail};
use serde_json::{Value, json};

use crate::support::{Relay, localized, message, outcome, payload, templates, to, validate};

async fn subject_sent(template: &str, value: &str) -> connector_testkit::ParsedMail {
    let relay = Relay::usual().await;
    let mut message = message();
    message.payload = payload(json!({ "value": value }));
    relay.send(json!({ "templates": templates("text/plain", template, "x") }), &message).await.unwrap();
    relay.only_mail()
}

#[tokio::test]
async fn a_subject_arrives_as_it_was_written() {
    let long = "非常に長い件名 🙂 ".repeat(12);
    let mixed = "Ваш код для Example Corporation: ".repeat(8);
    for subject in [
        "Your code",
        "Ваш код 123456",
        "確認コード",
        "café — “quotes” & <tags>, 100% = 1/1 (really)",
        "=?utf-8?q?Security_alert?=",
        "see =?utf-8?b?eA==?= and 確認",
        "a  b   c",
        "ends with a colon:",
        &long,
        &mixed,
        &"very long subject ".repeat(60),
        &"x".repeat(10_000),
        &"件".repeat(10_000),
        &format!("{} é {}", "y".repeat(2000), "z".repeat(990)),
    ] {
        let mail = subject_sent("{{value}}", subject).await;
        let shown: String = subject.chars().take(40).collect();
        assert_eq!(mail.subject.as_deref().map(str::trim_end), Some(subject.trim_end()), "{shown}");
        assert!(!mail.has_overlong_line() && !mail.has_raw_utf8_header, "{shown}: {} octets", mail.longest_line);
        assert_eq!(mail.header_values("subject").len(), 1);
        // RFC 2047: an encoded word has 75 characters at most, and its line 76.
        for line in mail.header_lines.iter().filter(|line| line.contains("=?utf-8?")) {
            assert!(line.len() <= 78 || !subject.contains(' '), "{line}");
        }
    }
}

#[tokio::test]
async fn an_empty_subject_is_left_out() {
    let mail = subject_sent("", "x").await;
    assert_eq!((mail.header_values("subject").len(), mail.subject), (0, None));
}

#[tokio::test]
async fn names_arrive_as_they_were_written() {
    let long = "Имя ".repeat(60);
    for name in [
        "Plain Name",
        "St. John p.s.a. 1.5",
        "Müller, Jürgen",
        "李雷",
        "O'Neil \"The\" Boss",
        "a@b",
        "back\\slash",
        "Имя  Фамилия",
        "A  B",
        "=?utf-8?q?Bank?=",
        "नमस्ते आपका  कोड",
        long.trim(),
    ] {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        let relay = Relay::usual().await;
        let changes = json!({
            "fromEmail": format!("\"{quoted}\" <noreply@example.com>"),
            "replyTo": format!("\"{quoted}\" <support@example.com>"),
        });
        relay.send(changes, &to(&format!("\"{quoted}\" <user@example.com>"))).await.unwrap();
        let mail = relay.only_mail();
        let mailbox = |address: &str| vec![ParsedMailbox { name: Some(name.to_owned()), address: address.to_owned() }];
        assert_eq!(mail.from, mailbox("noreply@example.com"));
        assert_eq!(mail.to, mailbox("user@example.com"));
        assert_eq!(mail.reply_to, mailbox("support@example.com"));
        assert!(!mail.has_overlong_line() && !mail.has_raw_utf8_header);
    }
}

#[tokio::test]
async fn domains_beyond_ascii_go_in_punycode() {
    let relay = Relay::usual().await;
    let changes = json!({ "fromEmail": "Bücher <noreply@bücher.example>", "replyTo": "hilfe@bücher.example" });
    relay.send(changes, &to("李雷 <user@例え.jp>")).await.unwrap();
    let sent = relay.server.only_message();
    assert_eq!(
        (sent.mail_from.as_str(), sent.rcpt_to),
        ("<noreply@xn--bcher-kva.example>", vec!["<user@xn--r8jz45g.jp>".to_owned()])
    );
    let mail = relay.only_mail();
    assert_eq!(mail.from[0].address, "noreply@xn--bcher-kva.example");
    assert_eq!(mail.reply_to[0].address, "hilfe@xn--bcher-kva.example");
    assert_eq!((mail.to[0].name.as_deref(), mail.to[0].address.as_str()), (Some("李雷"), "user@xn--r8jz45g.jp"));
    assert!(!mail.has_raw_utf8_header);
}

#[tokio::test]
async fn a_local_part_beyond_ascii_takes_a_server_with_smtputf8() {
    let cases = [
        (json!({}), "jürgen@example.com"),
        (json!({ "fromEmail": "jürgen@example.com" }), "user@example.com"),
        (json!({ "replyTo": "jürgen@example.com" }), "user@example.com"),
    ];
    for (changes, recipient) in cases {
        let relay = Relay::start(SmtpScript::offering(&["SMTPUTF8", "8BITMIME", "AUTH PLAIN"])).await;
        relay.send(changes.clone(), &to(recipient)).await.unwrap();
        let sent = relay.server.only_message();
        assert!(sent.mail_from.ends_with("> SMTPUTF8"), "{changes}: {}", sent.mail_from);
        let mail = relay.only_mail();
        let all: Vec<ParsedMailbox> = [mail.from, mail.to, mail.reply_to].concat();
        assert!(all.iter().any(|mailbox| mailbox.address == "jürgen@example.com"), "{all:?}");

        let relay = Relay::usual().await;
        let connector = relay.connector(changes);
        let error = connector.send(&to(recipient), &SendContext::new()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Rejected, Delivery::NotSent));
        assert!(error.to_string().contains("SMTPUTF8") && !error.to_string().contains("jürgen"), "{error}");
        assert!(relay.server.messages().is_empty());
    }
    // Asked for only where it is needed, and the session is still good.
    let relay = Relay::start(SmtpScript::offering(&["SMTPUTF8", "AUTH PLAIN"])).await;
    relay.send(json!({}), &to("李雷 <user@例え.jp>")).await.unwrap();
    assert_eq!(relay.server.only_message().mail_from, "<noreply@example.com>");
}

/// Marks that vowels are written with, and the letters of every script.
#[tokio::test]
async fn an_address_is_in_its_owners_script() {
    for (recipient, envelope, plain) in [
        ("user@example.இந்தியா", "user@example.xn--xkc2dl3a5ee0h", true),
        ("user@ไทยแลนด์.ไทย", "user@xn--l3cfg9ap1osa4e.xn--o3cw4h", true),
        ("संपर्क@डाटामेल.भारत", "संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c", false),
        ("สมชาย <ผู้ใช้@example.org>", "ผู้ใช้@example.org", false),
        ("ශ\u{dca}\u{200d}රී@example.org", "ශ\u{dca}\u{200d}රී@example.org", false),
        ("jose\u{301}@example.org", "jos\u{e9}@example.org", false),
    ] {
        let relay = Relay::start(SmtpScript::offering(&["SMTPUTF8", "8BITMIME", "AUTH PLAIN"])).await;
        relay.send(json!({}), &to(recipient)).await.unwrap_or_else(|error| panic!("{recipient}: {error}"));
        let sent = relay.server.only_message();
        assert_eq!(sent.rcpt_to, [format!("<{envelope}>")]);
        assert_eq!(sent.mail_from.ends_with("> SMTPUTF8"), !plain, "{recipient}: {}", sent.mail_from);
        let mail = relay.only_mail();
        assert_eq!(mail.to[0].address, envelope);
        assert_eq!(mail.has_raw_utf8_header, !plain, "{recipient}");
        assert!(!mail.has_overlong_line());
        // Where only the domain is beyond ASCII, every server will do.
        let relay = Relay::usual().await;
        let outcome = relay.send(json!({}), &to(recipient)).await;
        assert_eq!(outcome.is_ok(), plain, "{recipient}");
    }
}

#[tokio::test]
async fn a_quoted_local_part_is_kept() {
    let relay = Relay::usual().await;
    // Without quotes RFC 5321 does not know such a one; people have them all the same.
    for recipient in ["\"john..doe\"@example.com", "john..doe@example.com"] {
        relay.send(json!({}), &to(recipient)).await.unwrap();
    }
    for message in relay.server.messages() {
        assert_eq!(message.rcpt_to, ["<\"john..doe\"@example.com>"]);
    }
}

#[tokio::test]
async fn every_message_has_an_id_of_its_own_in_the_senders_domain() {
    let relay = Relay::usual().await;
    let connector = relay.connector(json!({}));
    let mut ids = HashSet::new();
    for send_from in [None, Some("Team"), Some("team@other.example")] {
        for _ in 0..3 {
            let mut message = message();
            message.template =
                send_from.map(|from| localized(json!({ "subject": "s", "content": "c", "sendFrom": from })));
            let id = connector.send(&message, &SendContext::new()).await.unwrap().message_id.unwrap();
            let domain = if send_from == Some("team@other.example") { "other.example" } else { "example.com" };
            assert!(id.starts_with('<') && id.ends_with(&format!("@{domain}>")), "{id}");
            ids.insert(id);
        }
    }
    assert_eq!(ids.len(), 9);
    let on_the_wire: HashSet<String> =
        relay.server.messages().iter().map(|mail| parse_mail(&mail.source).header("Message-ID")).collect();
    assert_eq!(ids, on_the_wire);
}

#[tokio::test]
async fn a_message_is_dated_and_is_mime() {
    let relay = Relay::usual().await;
    relay.send(json!({}), &message()).await.unwrap();
    let mail = relay.only_mail();
    let date = mail.header("Date");
    let date = httpdate::parse_http_date(&date.replace("+0000", "GMT")).unwrap_or_else(|_| panic!("{date}"));
    let age = SystemTime::now().duration_since(date).unwrap_or_default();
    assert!(age < Duration::from_secs(60), "{age:?}");
    assert_eq!(mail.header("MIME-Version"), "1.0");
}

/// What From and Reply-To become by a localized template.
async fn by_template(template: Value, values: Value) -> Result<(ParsedMailbox, Vec<ParsedMailbox>, String), String> {
    let relay = Relay::usual().await;
    let mut message = message().with_template(localized(template));
    message.payload = payload(values);
    let changes = json!({ "fromEmail": "Example <noreply@example.com>", "replyTo": "support@example.com" });
    let sent = relay.send(changes, &message).await;
    sent.map_err(|error| format!("{:?} {:?}", error.kind(), error.problems()))?;
    let mail = relay.only_mail();
    Ok((mail.from[0].clone(), mail.reply_to, relay.server.only_message().mail_from))
}

#[tokio::test]
async fn a_localized_template_names_or_replaces_the_sender() {
    let mailbox = |name: &str, address: &str| ParsedMailbox {
        name: (!name.is_empty()).then(|| name.to_owned()),
        address: address.to_owned(),
    };
    let configured = "<noreply@example.com>";
    for (send_from, from, envelope) in [
        ("Équipe {{app}}", mailbox("Équipe Démo", "noreply@example.com"), configured),
        ("{{app}} <{{local}}@other.example>", mailbox("Démo", "team@other.example"), "<team@other.example>"),
        ("{{local}}@other.example", mailbox("", "team@other.example"), "<team@other.example>"),
        ("", mailbox("Example", "noreply@example.com"), configured),
    ] {
        let template = json!({ "subject": "s", "content": "c", "sendFrom": send_from });
        let (is_from, reply_to, is_envelope) =
            by_template(template, json!({ "app": "Démo", "local": "team" })).await.unwrap();
        assert_eq!((is_from, is_envelope.as_str()), (from, envelope), "{send_from}");
        assert_eq!(reply_to, [mailbox("", "support@example.com")], "{send_from}");
    }
    let template = json!({ "subject": "s", "content": "c", "replyTo": "Hilfe <{{local}}@other.example>" });
    let (_, reply_to, _) = by_template(template.clone(), json!({ "local": "hilfe" })).await.unwrap();
    assert_eq!(reply_to, [mailbox("Hilfe", "hilfe@other.example")]);
    let refusal = by_template(template, json!({ "local": "not an address" })).await.unwrap_err();
    assert!(refusal.starts_with("InvalidMessage") && refusal.contains("/template/replyTo"), "{refusal}");
}

/// White space between two encoded words is dropped by readers (RFC 2047, 6.2): it has to be inside one.
#[tokio::test]
async fn every_blank_of_a_subject_arrives() {
    for subject in [
        "Привет  код",
        "Привет   код 123456",
        "Здравствуйте,  — ваш код 123456",
        "Code  Привет  code",
        "a  b   c",
        "a é  b",
        "a  é b",
        "é a é",
        "é  a  é",
        "é a  b é",
        "  Привет",
        "Привет  ",
        " code",
        "code ",
        "  ",
        "  é  ",
        "code 李 code  李 code   李  ",
        "確認 コード",
        "確認\u{3000}コード",
        "é\u{a0} \u{a0}é",
        "see =?utf-8?b?eA==?=  and  =?utf-8?b?eA==?=",
        &"é  ".repeat(200),
        &"word  ".repeat(100),
        &"नमस्ते आपका कोड 123456 है ".repeat(10),
        &"👨‍👩‍👧‍👦🇩🇪 ".repeat(30),
        &format!("a{}", "\u{301}".repeat(500)),
        &format!("{} é", "y".repeat(900)),
    ] {
        let mail = subject_sent("{{value}}", subject).await;
        let shown: String = subject.chars().take(40).collect();
        assert_eq!(mail.subject.as_deref(), Some(subject), "{shown}");
        assert!(!mail.has_overlong_line() && !mail.has_raw_utf8_header, "{shown}: {} octets", mail.longest_line);
        for line in mail.header_lines.iter().filter(|line| line.contains("=?utf-8?b?")) {
            for word in line.split(' ').filter(|word| word.starts_with("=?utf-8?b?")) {
                assert!(word.len() <= 75, "{word}");
                let text = word.trim_start_matches("=?utf-8?b?").trim_end_matches("?=");
                let text = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
                // No word begins with what belongs to the character before, unless that one is longer than a word.
                assert!(!text.starts_with(['\u{94d}', '\u{93e}', '\u{947}', '\u{200d}']), "{text:?}");
            }
            assert!(line.len() <= 76 || !line.starts_with(' '), "{line}");
        }
    }
}

/// The value of the only field `name` on the wire, as it stands there.
async fn field_sent(name: &str, value: &str) -> String {
    let relay = Relay::usual().await;
    relay.send(json!({ "customHeaders": { name: value } }), &message()).await.unwrap();
    let mail = relay.only_mail();
    assert!(!mail.has_overlong_line() && !mail.has_raw_utf8_header, "{name}: {} octets", mail.longest_line);
    let source = String::from_utf8(relay.server.only_message().source).unwrap();
    let begin = source.find(&format!("{name}: ")).unwrap() + name.len() + 2;
    let end =
        source[begin..].match_indices("\r\n").find(|(at, _)| !source[begin + at + 2..].starts_with(' ')).unwrap().0;
    source[begin..begin + end].to_owned()
}

/// A program reads these: a link that was made into encoded words is dead.
#[tokio::test]
async fn links_and_ids_in_custom_headers_stay_as_they_are() {
    let long = format!("<https://example.com/u?t={}>", "a".repeat(900));
    let three = format!("{long}, <mailto:leave@example.com>, {long}");
    let references = (0..60).map(|number| format!("<{number:020}@example.com>")).collect::<Vec<_>>().join(" ");
    for (name, value) in [
        ("List-Unsubscribe", long.as_str()),
        ("List-Unsubscribe", "<https://example.com/u?t=abc=?x=1>"),
        ("List-Unsubscribe", "<https://example.com/u?t==?utf-8?b?eA==?=>"),
        ("List-Unsubscribe", &three),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("List-Id", "Codes of Example <codes.example.com>"),
        ("References", &references),
        ("In-Reply-To", "<20261127.1@example.com>"),
        ("X-Link", "https://example.com/u?t=abc=?x=1"),
        ("X-Link", &format!("see https://example.com/{}", "a".repeat(900))),
        ("Auto-Submitted", "auto-generated"),
    ] {
        assert_eq!(field_sent(name, value).await.replace("\r\n", ""), value, "{name}");
    }
    // Between two items of a list there may be white space, and so a fold.
    let tight = three.replace(", ", ",");
    assert_eq!(field_sent("List-Unsubscribe", &tight).await.replace("\r\n ", ""), tight);
    // Blanks at the ends are nobody's, and a tab is a blank.
    assert_eq!(field_sent("X-Team", " \tops\tteam  ").await, "ops team");
    assert_eq!(
        field_sent("List-Id", "Команда <codes.example.com>").await,
        "=?utf-8?b?0JrQvtC80LDQvdC00LA=?= <codes.example.com>"
    );
}

#[test]
fn custom_headers_that_cannot_be_written_are_refused() {
    let link = |length: usize| format!("<https://example.com/{}>", "a".repeat(length));
    for (name, value, said) in [
        ("List-Unsubscribe", link(1_000), "998 octets"),
        ("List-Unsubscribe", format!("{}, {}", link(10), link(1_000)), "998 octets"),
        ("References", "x".repeat(1_000), "998 octets"),
        ("X-Link", format!("https://example.com/{}", "a".repeat(1_000)), "998 octets"),
        ("X-Link", format!("é https://example.com/{}", "a".repeat(1_000)), "998 octets"),
        ("List-Unsubscribe", "<https://example.com/ü>".to_owned(), "punycode"),
        ("Sender", "jürgen@example.com".to_owned(), "punycode"),
        ("X-Long", "x ".repeat(9_000), "16384 octets"),
    ] {
        let report = validate(json!({ "customHeaders": { name: value } }));
        let problem = report.problems.first().unwrap_or_else(|| panic!("{name}: {}", &value[..30]));
        assert_eq!(problem.pointer, format!("/customHeaders/{name}"));
        assert!(problem.message.contains(said), "{}", problem.message);
    }
    let name = "X".repeat(77);
    let report = validate(json!({ "customHeaders": { name.as_str(): "x" } }));
    assert!(report.problems[0].message.contains("76 characters"), "{report:?}");
    assert!(validate(json!({ "customHeaders": { "X".repeat(76): "é".repeat(1000) } })).is_valid());
}
