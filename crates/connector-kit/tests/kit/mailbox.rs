//! Reading and writing mailboxes.

use connector_kit::Mailbox;

fn parse(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn fault(text: &str) -> String {
    Mailbox::parse(text).expect_err(text).to_string()
}

#[test]
fn reads_the_usual_forms() {
    for (text, name, address) in [
        ("user@example.com", None, "user@example.com"),
        (" <user@example.com> ", None, "user@example.com"),
        ("Ann <user@example.com>", Some("Ann"), "user@example.com"),
        ("St. John p.s.a. 1.5 <user@example.com>", Some("St. John p.s.a. 1.5"), "user@example.com"),
        ("\"Doe, John\" <user@example.com>", Some("Doe, John"), "user@example.com"),
        ("\"a \\\"b\\\" c\" <user@example.com>", Some("a \"b\" c"), "user@example.com"),
        ("a@b.example <a@b.example>", Some("a@b.example"), "a@b.example"),
        ("user+tag@localhost", None, "user+tag@localhost"),
        ("李雷 <user@例え.jp>", Some("李雷"), "user@xn--r8jz45g.jp"),
        ("üser@example.com", None, "üser@example.com"),
        ("\"a..b\"@example.com", None, "\"a..b\"@example.com"),
        ("\"a.b\"@example.com", None, "a.b@example.com"),
        ("a..b@docomo.example", None, "\"a..b\"@docomo.example"),
        ("Ann <a.@docomo.example>", Some("Ann"), "\"a.\"@docomo.example"),
        ("user@ab--cd.com", None, "user@ab--cd.com"),
        ("user@r3---sn-apo.example.com", None, "user@r3---sn-apo.example.com"),
        ("user@xn--r8jz45g.jp", None, "user@xn--r8jz45g.jp"),
    ] {
        let mailbox = parse(text);
        assert_eq!((mailbox.name(), mailbox.address()), (name, address), "{text}");
    }
}

#[test]
fn refuses_what_could_become_something_else() {
    assert!(fault("user@example.com\r\nBcc: evil@example.net").contains("line breaks"));
    assert!(fault("Ann\r\nBcc: evil <user@example.com>").contains("line breaks"));
    assert!(fault("user@example.com\0").contains("control characters"));
    assert!(fault("a@example.com, b@example.com").contains("not a list"));
    assert!(fault("a@example.com;b@example.com").contains("not a list"));
    assert!(fault("Group: a@example.com, b@example.com <c@example.com>").contains("double quotes"));
    assert!(fault("").contains("missing"));
    for text in [
        "user",
        "@example.com",
        "user@",
        "user@exa mple.com",
        "a b@example.com",
        "<user@example.com",
        "user@[127.0.0.1]",
        "Ann <>",
        "user@example..com",
        "user@example.com?subject=x",
        "user@example.com/x",
        "user@{{domain}}",
        "...@example.com",
        "a..{{b}} c@example.com",
        "a..b@@example.com",
        "user@-example.com",
        "user@example-.com",
        "user@xn--a.com",
        "user@exa_mple.com",
    ] {
        assert!(Mailbox::parse(text).is_err(), "{text}");
    }
}

/// Nodemailer read the first of these as an address at example.org (GHSA-mm7p-fcc7-pg87), and lists are split at commas.
#[test]
fn refuses_a_local_part_that_others_read_as_addresses() {
    for local in ["bob@example.org x", "a,bob@example.org,b", "a> SIZE=1", "a;b", "a\\\"b", "a b", "a:b"] {
        let said = fault(&format!("\"{local}\"@example.com"));
        assert!(said.contains("a quoted part before the '@'"), "{local}: {said}");
    }
}

#[test]
fn refuses_absurd_lengths() {
    assert!(fault(&format!("{} <user@example.com>", "n".repeat(10_000))).contains("255 characters"));
    assert!(Mailbox::parse(&format!("{}@example.com", "u".repeat(10_000))).is_err());
    assert!(Mailbox::parse(&format!("user@{}.com", "d".repeat(10_000))).is_err());
}

#[test]
fn a_fault_never_shows_the_text() {
    for text in ["secret-code", "secret-code@", "secret-code@@example.com", "x <secret-code> y"] {
        assert!(!fault(text).contains("secret-code"), "{}", fault(text));
    }
}

#[test]
fn writes_header_values_in_ascii() {
    assert_eq!(parse("user@example.com").to_header(), "user@example.com");
    assert_eq!(parse("Ann <user@example.com>").to_header(), "Ann <user@example.com>");
    assert_eq!(parse("\"Doe, John\" <user@example.com>").to_header(), "\"Doe, John\" <user@example.com>");
    let encoded = parse("李雷 <user@example.com>").to_header();
    assert_eq!(encoded, "=?utf-8?b?5p2O6Zu3?= <user@example.com>");
    let long = parse(&format!("{} <user@example.com>", "李".repeat(100))).to_header();
    assert!(long.is_ascii() && !long.contains(['\r', '\n']), "{long}");
}

#[test]
fn reads_back_what_it_shows() {
    for text in ["user@example.com", "Ann <user@example.com>", "\"Doe, \\\"J\\\" (x)\" <user@example.com>"] {
        let mailbox = parse(text);
        assert_eq!(parse(&mailbox.to_string()), mailbox);
    }
}
