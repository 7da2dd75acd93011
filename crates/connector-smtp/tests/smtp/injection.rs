//! No value, of a message or of a configuration, ever becomes a header, a command or a recipient.

use connector_kit::{Delivery, ErrorKind, Message};
use connector_testkit::{ParsedMail, SmtpScript};
use serde_json::{Value, json};

use crate::support::{Relay, localized, message, outcome, payload, templates, to, validate};

const EVIL: [&str; 12] = [
    "x\r\nBcc: evil@example.net",
    "x\nX-Evil: 1",
    "x\rX-Evil: 1",
    "x\r\n\r\n<script>body</script>",
    "x\r\n.\r\nMAIL FROM:<evil@example.net>\r\nRCPT TO:<evil@example.net>\r\nDATA\r\n",
    "x\n.\nMAIL FROM:<evil@example.net>",
    "x\r.\rMAIL FROM:<evil@example.net>",
    "x\r\n Bcc: folded",
    "x\u{85}X-Evil: 1\u{2028}X-Evil: 2",
    "x\0\r\nX-Evil: 1",
    "=?utf-8?q?x=0D=0AX-Evil:_1?=",
    "\" <evil@example.net>, \"y",
];

/// What a message is allowed to have of headers.
const ALLOWED: [&str; 9] = [
    "from",
    "to",
    "reply-to",
    "subject",
    "message-id",
    "date",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

fn assert_harmless(relay: &Relay, dialogue: &[String], what: &str) -> ParsedMail {
    let sent = relay.server.only_message();
    assert_eq!(sent.mail_from, "<noreply@example.com>", "{what}");
    assert_eq!(sent.rcpt_to, ["<user@example.com>"], "{what}");
    let commands =
        dialogue.iter().filter(|line| line.starts_with("MAIL") || line.starts_with("RCPT") || *line == "DATA");
    assert_eq!(commands.count(), 3, "{what}: {dialogue:?}");
    let mail = relay.only_mail();
    for (name, _) in &mail.headers {
        assert!(ALLOWED.contains(&name.to_ascii_lowercase().as_str()), "{what}: {:#?}", mail.header_lines);
        assert_eq!(mail.header_values(name).len(), 1, "{what}: {:#?}", mail.header_lines);
    }
    assert!(!mail.has_bare_lf && !mail.has_bare_cr && !mail.has_overlong_line(), "{what}");
    assert!(mail.cc.is_empty() && mail.to.len() == 1 && mail.from.len() == 1, "{what}");
    mail
}

async fn send_harmless(changes: Value, message: &Message, what: &str) -> ParsedMail {
    let relay = Relay::start(SmtpScript::offering(&["AUTH PLAIN", "SMTPUTF8", "8BITMIME"])).await;
    relay.send(changes, message).await.unwrap_or_else(|error| panic!("{what}: {error}"));
    let dialogue = relay.only_dialogue().await;
    assert_harmless(&relay, &dialogue, what)
}

#[tokio::test]
async fn a_value_stays_in_its_place() {
    for evil in EVIL {
        let mut message = message();
        message.payload = payload(json!({ "value": evil, "deep": { "value": [evil] } }));
        for content_type in ["text/plain", "text/html"] {
            let templates =
                templates(content_type, "S {{value}} {{deep.value.0}} {{deep}}", "C {{value}} {{deep.value.0}}");
            let mail = send_harmless(json!({ "templates": templates }), &message, evil).await;
            assert!(mail.subject.unwrap().starts_with("S "));
        }
        // As a sender's name, too: the address stays the configured one.
        for send_from in ["{{value}}", "{{value}} <noreply@example.com>", "\"{{value}}\" <noreply@example.com>"] {
            let template = json!({ "subject": "{{value}}", "content": "{{value}}", "sendFrom": send_from });
            let mut message = message.clone();
            message.template = Some(localized(template));
            let mail = send_harmless(json!({}), &message, evil).await;
            assert_eq!(mail.from[0].address, "noreply@example.com", "{evil:?}");
        }
    }
}

#[tokio::test]
async fn a_value_that_should_be_an_address_must_be_one() {
    for evil in EVIL {
        for field in ["replyTo", "sendFrom"] {
            for form in ["{{value}}@example.com", "Team <{{value}}@example.com>", "Team <{{value}}>"] {
                let relay = Relay::usual().await;
                let mut message =
                    message().with_template(localized(json!({ "subject": "s", "content": "c", field: form })));
                message.payload = payload(json!({ "value": evil }));
                let error = relay.send(json!({}), &message).await.unwrap_err();
                assert_eq!(outcome(&error), (ErrorKind::InvalidMessage, Delivery::NotSent), "{evil:?} {form}");
                assert_eq!(error.problems()[0].pointer, format!("/template/{field}"));
                assert_eq!(relay.server.connections(), 0, "nothing is opened for it");
            }
        }
    }
}

#[tokio::test]
async fn a_recipient_is_one_mailbox_before_any_connection() {
    let lists = [
        "a@example.com, b@example.com",
        "a@example.com;b@example.com",
        "a@example.com b@example.com",
        "Group: a@example.com;",
    ];
    let others = [
        "",
        " ",
        "user",
        "@example.com",
        "user@",
        "<>",
        "user@example.com>",
        "user@@example.com",
        "user@example.com\r\nRCPT TO:<evil@example.net>",
        "user@exam ple.com",
        "user@[127.0.0.1]",
        "<a@example.com> <b@example.com>",
    ];
    let evil = EVIL.iter().filter(|evil| !evil.contains('"')).map(|evil| format!("{evil}@example.com"));
    let more = EVIL
        .iter()
        .map(|evil| format!("{evil} <user@example.com>"))
        .filter(|to| to.contains(char::is_control) || to.contains(','));
    for recipient in lists.iter().chain(&others).map(|to| (*to).to_owned()).chain(evil).chain(more) {
        let relay = Relay::usual().await;
        let error = relay.send(json!({}), &to(&recipient)).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::InvalidMessage, Delivery::NotSent), "{recipient:?}: {error}");
        assert_eq!(error.problems()[0].pointer, "/to", "{recipient:?}");
        assert!(!error.to_string().contains("evil") && !error.to_string().contains("b@example.com"), "{error}");
        assert_eq!(relay.server.connections(), 0, "{recipient:?}");
    }
}

#[test]
fn a_configuration_cannot_hold_line_breaks_where_lines_matter() {
    for evil in EVIL.iter().filter(|evil| evil.contains(['\r', '\n', '\0'])) {
        for (changes, pointer) in [
            (json!({ "fromEmail": format!("{evil} <noreply@example.com>") }), "/fromEmail"),
            (json!({ "fromEmail": format!("noreply@example.com{evil}") }), "/fromEmail"),
            (json!({ "replyTo": format!("{evil} <support@example.com>") }), "/replyTo"),
            (json!({ "name": evil }), "/name"),
            (json!({ "host": evil }), "/host"),
            (json!({ "servername": evil }), "/servername"),
            (json!({ "localAddress": evil }), "/localAddress"),
            (json!({ "auth": { "user": evil, "pass": "x" } }), "/auth/user"),
            (json!({ "auth": { "user": "x", "pass": evil } }), "/auth/pass"),
            (json!({ "customHeaders": { "X-Team": evil } }), "/customHeaders/X-Team"),
        ] {
            let report = validate(changes);
            assert!(report.problems.iter().any(|problem| problem.pointer == pointer), "{evil:?} {pointer}");
            assert!(
                !format!("{:?}", report.problems).contains("evil"),
                "the value is not shown: {:?}",
                report.problems
            );
        }
    }
}

/// A template's subject may be typed over several lines; it is one header all the same.
#[tokio::test]
async fn a_subject_of_several_lines_is_one_line() {
    for evil in EVIL {
        let changes = json!({ "templates": templates("text/html", evil, evil) });
        send_harmless(changes, &message(), evil).await;
        let template = json!({ "subject": evil, "content": evil, "contentType": "text/plain" });
        send_harmless(json!({}), &message().with_template(localized(template)), evil).await;
    }
}
