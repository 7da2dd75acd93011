//! The mail parser.

use connector_testkit::{ParsedMailbox, parse_mail};

fn mailbox(name: Option<&str>, address: &str) -> ParsedMailbox {
    ParsedMailbox { name: name.map(str::to_owned), address: address.to_owned() }
}

const ALTERNATIVE: &str = "From: =?utf-8?q?J=C3=BCrgen?= <noreply@example.com>\r\n\
    To: user@example.com, \"B, C\" <b@example.com>\r\n\
    Reply-To: help@example.com\r\n\
    Subject: =?utf-8?b?w4RwZmVs?=\r\n =?utf-8?b?IHVuZCBCaXJuZW4=?=\r\n\
    Message-ID: <abc@example.com>\r\n\
    X-Many: 1\r\n\
    X-Many: 2\r\n\
    MIME-Version: 1.0\r\n\
    Content-Type: multipart/alternative; boundary=b\r\n\
    \r\n\
    --b\r\n\
    Content-Type: text/plain; charset=UTF-8\r\n\
    Content-Transfer-Encoding: quoted-printable\r\n\
    \r\n\
    Dein Code ist 123456, gr=C3=BC=C3=9Fe\r\n\
    --b\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Content-Transfer-Encoding: base64\r\n\
    \r\n\
    PHA+MTIzNDU2PC9wPg==\r\n\
    --b--\r\n";

#[test]
fn a_mail_is_taken_apart() {
    let mail = parse_mail(ALTERNATIVE.as_bytes());
    assert_eq!(mail.from, [mailbox(Some("Jürgen"), "noreply@example.com")]);
    assert_eq!(mail.to, [mailbox(None, "user@example.com"), mailbox(Some("B, C"), "b@example.com")]);
    assert_eq!(mail.reply_to, [mailbox(None, "help@example.com")]);
    assert_eq!(mail.subject.as_deref(), Some("Äpfel und Birnen"));
    assert_eq!(mail.message_id.as_deref(), Some("abc@example.com"));
    assert_eq!(mail.text.as_deref(), Some("Dein Code ist 123456, grüße"));
    assert_eq!(mail.html.as_deref(), Some("<p>123456</p>"));
    assert_eq!(mail.header_values("x-many"), ["1", "2"]);
    assert_eq!(mail.header("subject"), "=?utf-8?b?w4RwZmVs?= =?utf-8?b?IHVuZCBCaXJuZW4=?=");
    assert_eq!(mail.header_lines.len(), 10);
    assert_eq!(mail.headers.len(), 9);
    let types: Vec<_> = mail.parts.iter().map(|part| part.content_type.as_str()).collect();
    assert_eq!(types, ["multipart/alternative", "text/plain", "text/html"]);
    assert_eq!(mail.parts[1].charset.as_deref(), Some("utf-8"));
    assert_eq!(mail.parts[2].transfer_encoding.as_deref(), Some("base64"));
    assert!(!mail.has_overlong_line() && !mail.has_bare_lf && !mail.has_bare_cr && !mail.has_raw_utf8_header);
}

#[test]
fn a_body_is_not_made_up_from_the_other() {
    let html = parse_mail(b"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>hi</p>\r\n");
    assert_eq!((html.text, html.html.as_deref()), (None, Some("<p>hi</p>\r\n")));
    let text = parse_mail(b"Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nhi\r\n");
    assert_eq!((text.text.as_deref(), text.html), (Some("hi\r\n"), None));
}

#[test]
fn broken_line_ends_and_lengths_show() {
    assert!(parse_mail(b"Subject: x\r\n\r\na\nb\r\n").has_bare_lf);
    assert!(parse_mail(b"Subject: x\r\n\r\na\rb\r\n").has_bare_cr);
    let exactly = format!("Subject: x\r\n\r\n{}\r\n", "y".repeat(998));
    assert!(!parse_mail(exactly.as_bytes()).has_overlong_line());
    let longer = format!("Subject: x\r\n\r\n{}\r\n", "y".repeat(999));
    assert!(parse_mail(longer.as_bytes()).has_overlong_line());
    assert!(parse_mail("Subject: ü\r\n\r\nhi\r\n".as_bytes()).has_raw_utf8_header);
}
