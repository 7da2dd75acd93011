//! The content of a message on the wire, read by another parser than the one that wrote it.

use connector_testkit::{ParsedMail, parse_mail};
use serde_json::json;

use crate::support::{Relay, message, payload, templates};

/// Sends one message of this content, without variables unless `value` is one, and gives what came.
async fn sent(content_type: &str, content: &str, value: &str) -> (ParsedMail, Vec<u8>) {
    let relay = Relay::usual().await;
    let mut message = message();
    message.payload = payload(json!({ "value": value }));
    relay.send(json!({ "templates": templates(content_type, "Subject", content) }), &message).await.unwrap();
    let mail = relay.server.only_message();
    (parse_mail(&mail.source), mail.wire)
}

/// With the line ends of a text file, and none at the end.
fn lines(body: Option<&String>) -> String {
    body.unwrap().replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

#[tokio::test]
async fn html_goes_with_a_text_alternative_before_it() {
    let content =
        "<p>Grüße, your code is <b>{{value}}</b></p><p><a href=\"https://example.com/a?b=1&amp;c=2\">open</a></p>";
    let (mail, _) = sent("text/html", content, "<123456>").await;
    let kinds: Vec<&str> = mail.parts.iter().map(|part| part.content_type.as_str()).collect();
    assert_eq!(kinds, ["multipart/alternative", "text/plain", "text/html"]);
    assert!(mail.parts[1..].iter().all(|part| part.charset.as_deref() == Some("utf-8")), "{:?}", mail.parts);
    assert_eq!(lines(mail.html.as_ref()), content.replace("{{value}}", "&lt;123456&gt;"));
    let text = mail.text.unwrap();
    assert!(text.contains("Grüße, your code is <123456>") && text.contains("https://example.com/a?b=1&c=2"), "{text}");
}

#[tokio::test]
async fn plain_content_goes_alone() {
    let (mail, _) = sent("text/plain", "Grüße 李 🙂: {{value}} <b>&amp;</b>", "<a> & b").await;
    assert_eq!(mail.parts.len(), 1);
    assert_eq!((mail.parts[0].content_type.as_str(), mail.parts[0].charset.as_deref()), ("text/plain", Some("utf-8")));
    assert_eq!((lines(mail.text.as_ref()).as_str(), mail.html), ("Grüße 李 🙂: <a> & b <b>&amp;</b>", None));
}

#[tokio::test]
async fn empty_content_is_sent_as_such() {
    let (mail, _) = sent("text/plain", "", "x").await;
    assert_eq!(lines(mail.text.as_ref()), "");
    let (mail, _) = sent("text/html", "", "x").await;
    assert_eq!(lines(mail.html.as_ref()), "");
    // Nothing to read without the picture: no empty alternative that a reader might prefer.
    let (mail, _) = sent("text/html", "<img src=\"https://example.com/x.png\">", "x").await;
    assert_eq!((mail.parts.len(), mail.text), (1, None));
}

#[tokio::test]
async fn lines_that_start_with_a_dot_arrive_as_they_were() {
    for content in [".", "..", ".first\n..second\n.\n\n.last", "a\n.", "\n.\n"] {
        let (mail, wire) = sent("text/plain", content, "x").await;
        assert_eq!(lines(mail.text.as_ref()), content.trim_end_matches('\n'), "{content:?}");
        let wire = String::from_utf8(wire).unwrap();
        assert!(!wire.contains("\r\n.\r\n") && !wire.starts_with(".\r\n"), "{wire:?}");
    }
    let (mail, _) = sent("text/plain", "{{value}}", ".\r\n.\r\nend").await;
    assert_eq!(lines(mail.text.as_ref()), ".\n.\nend");
}

#[tokio::test]
async fn line_ends_are_carriage_return_and_line_feed() {
    for content_type in ["text/plain", "text/html"] {
        for content in ["one\ntwo\r\nthree\n\nfour", "one\rtwo", "\n\none\r", "é one\ntwo\rthree", "one\r\r\ntwo"] {
            let (mail, _) = sent(content_type, content, "x").await;
            assert!(!mail.has_bare_lf && !mail.has_bare_cr, "{content:?}");
            let read = mail.html.or(mail.text).unwrap();
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            assert_eq!(words(&read), words(content), "{content:?}");
        }
    }
}

#[tokio::test]
async fn long_lines_are_wrapped_and_arrive_whole() {
    let unbroken = "x".repeat(5000);
    let words = "word ".repeat(2000);
    let wide = "李".repeat(3000);
    for line in [&unbroken, words.trim_end(), &wide] {
        for content_type in ["text/plain", "text/html"] {
            let (mail, _) = sent(content_type, "{{value}}\nend", line).await;
            assert!(!mail.has_overlong_line(), "{} octets", mail.longest_line);
            let body = if content_type == "text/html" { &mail.html } else { &mail.text };
            assert_eq!(lines(body.as_ref()), format!("{line}\nend"));
        }
    }
}

#[tokio::test]
async fn odd_characters_arrive_or_are_encoded_and_never_break_the_message() {
    for value in [
        "a\0b",
        "\u{7f}\u{1b}[31m",
        "=20=0D=0A",
        "From the start",
        "trailing \t \nspace",
        "\u{feff}\u{202e}x",
        "--boundary--",
    ] {
        let (mail, wire) = sent("text/plain", "{{value}}", value).await;
        assert_eq!(lines(mail.text.as_ref()), value.replace('\0', ""), "{value:?}");
        assert!(!wire.contains(&0), "RFC 5321 and 5322 know no NUL: {value:?}");
    }
}

#[tokio::test]
async fn a_large_message_arrives_whole() {
    let value = "0123456789abcdef\n".repeat(100_000);
    let (mail, _) = sent("text/plain", "{{value}}", &value).await;
    assert_eq!(lines(mail.text.as_ref()), value.trim_end());
}

#[tokio::test]
async fn the_message_ends_where_it_ends() {
    let (_, wire) = sent("text/plain", "the end", "x").await;
    assert!(wire.ends_with(b"\r\nthe end\r\n"), "no lines are added: {:?}", String::from_utf8_lossy(&wire));
    let (_, wire) = sent("text/html", "<p>the end</p>", "x").await;
    assert!(wire.ends_with(b"--\r\n"), "{:?}", String::from_utf8_lossy(&wire));
    assert!(!wire.ends_with(b"\r\n\r\n"), "no lines are added: {:?}", String::from_utf8_lossy(&wire));
}
