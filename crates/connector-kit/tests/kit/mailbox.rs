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

/// People's own scripts, before and after the `@`.
#[test]
fn reads_addresses_of_every_script() {
    for (text, address) in [
        ("user@example.இந்தியா", "user@example.xn--xkc2dl3a5ee0h"),
        ("user@ไทยแลนด์.ไทย", "user@xn--l3cfg9ap1osa4e.xn--o3cw4h"),
        ("संपर्क@डाटामेल.भारत", "संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c"),
        ("ผู้ใช้@example.org", "ผู้ใช้@example.org"),
        ("မြန်မာ@example.org", "မြန်မာ@example.org"),
        ("ব্যবহারকারী@example.org", "ব্যবহারকারী@example.org"),
        ("ਗੁਰਮੁਖੀ@example.org", "ਗੁਰਮੁਖੀ@example.org"),
        ("ಬಳಕೆದಾರ@example.org", "ಬಳಕೆದಾರ@example.org"),
        ("ខ្មែរ@example.org", "ខ្មែរ@example.org"),
        ("བོད་ཡིག@example.org", "བོད་ཡིག@example.org"),
        ("ኢሜይል@example.org", "ኢሜይል@example.org"),
        ("مستخدم@مثال.إختبار", "مستخدم@xn--mgbh0fb.xn--kgbechtv"),
        ("דוגמה@דוגמה.טעסט", "דוגמה@xn--6dbbec0c.xn--deba0ad"),
        ("用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d"),
        ("ユーザー@例え。jp", "ユーザー@xn--r8jz45g.jp"),
        ("사용자@예제.한국", "사용자@xn--2j5b21b.xn--3e0b707e"),
        ("почта@пример.рф", "почта@xn--e1afmkfd.xn--p1ai"),
        ("χρήστης@παράδειγμα.ελ", "χρήστης@xn--hxajbheg2az3al.xn--qxam"),
        ("user@faß.de", "user@xn--fa-hia.de"),
        ("😀@example.org", "😀@example.org"),
        ("❤\u{fe0f}@example.org", "❤\u{fe0f}@example.org"),
        ("user@ＥＸＡＭＰＬＥ．com", "user@example.com"),
        ("\u{3000}user@example.com\u{a0}", "user@example.com"),
    ] {
        assert_eq!(parse(text).address(), address, "{text}");
    }
}

/// One mailbox has one form, however its letters were typed.
#[test]
fn composed_and_decomposed_letters_are_the_same_mailbox() {
    for (decomposed, composed) in [
        ("jose\u{301}@example.org", "jos\u{e9}@example.org"),
        ("user@cafe\u{301}.example", "user@caf\u{e9}.example"),
        ("\u{1100}\u{1161}@example.org", "\u{ac00}@example.org"),
        ("nguye\u{302}\u{303}n@example.org", "nguy\u{1ec5}n@example.org"),
        ("mi\u{212a}e@example.org", "miKe@example.org"),
        ("\u{928}\u{93c}@example.org", "\u{929}@example.org"),
    ] {
        assert_eq!(parse(decomposed), parse(composed), "{composed}");
    }
}

/// Sinhala, Bengali and Persian words are not written without joiners; elsewhere nobody sees them.
#[test]
fn joiners_stand_where_words_have_them() {
    for text in [
        "ශ\u{dca}\u{200d}රී@example.org",
        "می\u{200c}خواهم@example.org",
        "क\u{94d}\u{200c}ष@example.org",
        // RAB, and a word with the sign ya-phalaa after ra: the joiner stands before the virama.
        "র\u{200d}\u{9cd}যাব@example.org",
        "user.র\u{200d}\u{9cd}যাম@example.org",
        // Eyelash ra of Marathi, a Malayalam chillu as it was first encoded, Kannada, Khmer.
        "द\u{930}\u{94d}\u{200d}या@example.org",
        "അവന\u{d4d}\u{200d}@example.org",
        "ರ\u{200d}\u{ccd}ಕ@example.org",
        "ស\u{17ca}\u{200c}ី@example.org",
        "ক\u{9be}\u{200c}ক@example.org",
        // After a letter that is never joined to the next, after a vowel sign, after digits, before another script.
        "برادر\u{200c}ها@example.org",
        "بَ\u{200c}ه@example.org",
        "۱۲\u{200c}ام@example.org",
        "pdf\u{200c}ها@example.org",
        "ه\u{200d}@example.org",
        "ߒ\u{200d}ߞ@example.org",
    ] {
        assert_eq!(parse(text).address(), text, "{}", text.escape_unicode());
    }
    for text in [
        "us\u{200d}er@example.org",
        "us\u{200c}er@example.org",
        "user\u{200d}@example.org",
        "a\u{200c}.b@example.org",
        "é\u{200d}e@example.org",
        "x\u{302}\u{200d}x@example.org",
        "п\u{200c}п@example.org",
        "李\u{200d}雷@example.org",
        "1\u{200d}2@example.org",
        "²\u{200d}²@example.org",
        "\u{200d}a@example.org",
        "\u{200c}می@example.org",
        "می\u{200c}@example.org",
        "می\u{200c}\u{200c}خواهم@example.org",
        "👩\u{200d}💻@example.org",
    ] {
        assert!(fault(text).contains("joiner"), "{}", text.escape_unicode());
    }
    assert_eq!(parse("user@ශ\u{dca}\u{200d}රී.example").domain(), "xn--10cl1a0b660p.example");
    assert!(Mailbox::parse("user@ex\u{200d}ample.org").is_err());
}

/// Chat programs, word processors and right-to-left pages put marks around what is copied.
#[test]
fn marks_that_come_along_when_an_address_is_pasted_are_left_out() {
    for mark in [
        '\u{61c}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
        '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
    ] {
        for (pasted, meant) in [
            (format!("{mark}user@example.com{mark}"), "user@example.com"),
            (format!(" {mark}\u{a0}{mark}user@example.com{mark} "), "user@example.com"),
            (format!("{mark}<{mark} user@example.com {mark}>{mark}"), "<user@example.com>"),
            (format!("{mark}Ann{mark} <{mark}user@example.com{mark}>"), "Ann <user@example.com>"),
            (format!("{mark}\"Lee, Ann\"{mark} <user@example.com>"), "\"Lee, Ann\" <user@example.com>"),
        ] {
            assert_eq!(parse(&pasted), parse(meant), "{}", pasted.escape_unicode());
        }
        let named = Mailbox::with_name(&format!("{mark}Ann{mark}"), &format!("{mark}user@example.com{mark}"));
        assert_eq!(named, Ok(parse("Ann <user@example.com>")), "{}", mark.escape_unicode());
        assert!(fault(&mark.to_string()).contains("missing"));
        for inside in [format!("us{mark}er@example.com"), format!("user{mark}@example.com")] {
            assert!(fault(&inside).contains("invisible"), "{}", inside.escape_unicode());
        }
    }
    for domain in ["exa\u{200e}mple.com", "\u{202a}example.com", "example\u{2069}.com"] {
        assert!(fault(&format!("user@{domain}")).contains("invisible"), "{}", domain.escape_unicode());
    }
    // Joiners belong to words.
    assert!(Mailbox::parse("\u{200d}user@example.com").is_err());
}

#[test]
fn refuses_what_cannot_be_seen() {
    for hidden in [
        '\u{ad}',
        '\u{200b}',
        '\u{200e}',
        '\u{200f}',
        '\u{202a}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{2069}',
        '\u{feff}',
        '\u{61c}',
        '\u{600}',
        '\u{115f}',
        '\u{3164}',
        '\u{ffa0}',
        '\u{34f}',
        '\u{180e}',
        '\u{e0041}',
        '\u{a0}',
        '\u{2003}',
        '\u{2028}',
        '\u{3000}',
        '\u{1680}',
        '\u{2800}',
        '\u{e000}',
        '\u{fdd0}',
        '\u{10ffff}',
        '\u{378}',
        '\u{fffd}',
    ] {
        let said = fault(&format!("us{hidden}er@example.org"));
        assert!(said.contains("blank or an invisible"), "{}: {said}", hidden.escape_unicode());
    }
    assert!(fault("\u{338}user@example.org").contains("combining mark"));
    for domain in ["exa\u{202e}mple.org", "exa\u{200e}mple.org", "a\u{3000}b.org", "א1a.example", "\u{301}a.example"] {
        assert!(Mailbox::parse(&format!("user@{domain}")).is_err(), "{}", domain.escape_unicode());
    }
}

/// A stock Postfix relays the first two to evil.example; a reader of RFC 2047 makes any address of the last.
#[test]
fn refuses_a_mailbox_that_is_not_at_the_host_it_names() {
    for text in [
        "attacker%evil.example@example.com",
        "evil.example!attacker@example.com",
        "a%b@example.com",
        "a!b@example.com",
        "%a@example.com",
        "a!@example.com",
        "x%y%z.example@example.com",
        "a!b!c%d@example.com",
        "\"attacker%evil.example\"@example.com",
        "\"evil.example!attacker\"@example.com",
        "a..b%evil.example@example.com",
        "attacker％evil.example@example.com",
        "evil.example！attacker@example.com",
        "attacker﹪evil.example@example.com",
        "Ann <attacker%evil.example@example.com>",
        "प%evil.example@example.com",
    ] {
        assert!(fault(text).contains("names another host"), "{text}: {}", fault(text));
    }
    for text in [
        "=?utf-8?q?attacker=40evil.example=3e?=@example.com",
        "=?@example.com",
        "a=?b@example.com",
        "\"=?x\"@example.com",
        "＝？utf-8@example.com",
    ] {
        assert!(fault(text).contains("encoded word"), "{text}: {}", fault(text));
    }
    for text in [
        "attacker＠evil.example@example.com",
        "a﹫b@example.com",
        "a，b@example.com",
        "a＜b@example.com",
        "⑴@example.com",
    ] {
        assert!(fault(text).contains("punctuation"), "{text}: {}", fault(text));
    }
    for text in [
        "@relay.example,@b.example:user@example.com",
        "@relay.example:user@example.com",
        "\"a@b\"@example.com",
        "a\u{37e}b@example.com",
    ] {
        assert!(Mailbox::parse(text).is_err(), "{text}");
    }
    assert!(fault("user＠example.com").contains("Latin keyboard"));
    for text in ["user+tag=x@example.com", "o'neil@example.com", "a/b#c$d&e*f?g^h`i{j|k}l~m@example.com"] {
        assert!(Mailbox::parse(text).is_ok(), "{text}");
    }
}

#[test]
fn lengths_are_those_of_what_is_sent() {
    let domain = |length: usize| {
        let labels = format!("{}.", "d".repeat(49)).repeat(length / 50);
        format!("{labels}{}", "e".repeat(length % 50))
    };
    assert!(Mailbox::parse(&format!("{}@example.com", "u".repeat(64))).is_ok());
    assert!(fault(&format!("{}@example.com", "u".repeat(65))).contains("64 octets"));
    assert!(Mailbox::parse(&format!("{}@{}", "u".repeat(64), domain(253))).is_ok());
    for length in [254, 255, 256, 1000] {
        assert!(fault(&format!("{}@{}", "u".repeat(64), domain(length))).contains("253 octets"), "{length}");
    }
    // 21 letters of Devanagari are 63 octets.
    assert!(Mailbox::parse(&format!("{}@example.com", "क".repeat(21))).is_ok());
    assert!(fault(&format!("{}@example.com", "क".repeat(22))).contains("64 octets"));
    // Composed, 32 letters of 2 octets; as typed, 96.
    assert!(Mailbox::parse(&format!("{}@example.com", "e\u{301}".repeat(32))).is_ok());
    assert!(Mailbox::parse(&format!("u@{}.com", "d".repeat(63))).is_ok());
    assert!(fault(&format!("u@{}.com", "d".repeat(64))).contains("63 octets"));
    // In its A-form a label of ü has 4 + 2 octets and a few more than the letters before.
    let label = |letters: usize| format!("u@{}ü.com", "d".repeat(letters));
    assert_eq!(parse(&label(55)).domain().split('.').next().map(str::len), Some(63));
    assert!(fault(&label(56)).contains("63 octets"));
    for absurd in
        [format!("u@{}", "ü".repeat(1_000_000)), format!("{}@b.example", "क".repeat(1_000_000)), "@".repeat(1_000_000)]
    {
        assert!(Mailbox::parse(&absurd).is_err());
    }
}

#[test]
fn refuses_domains_that_dns_cannot_have() {
    for domain in
        ["127.0.0.1", "example.123", "123", "example.com.", ".example.com", "a..b", "example.１２３", "[IPv6:::1]"]
    {
        assert!(Mailbox::parse(&format!("user@{domain}")).is_err(), "{domain}");
    }
    for domain in ["123.example", "1a", "example.1a", "3com.com", "xn--p1ai"] {
        assert!(Mailbox::parse(&format!("user@{domain}")).is_ok(), "{domain}");
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
    for text in [
        "user@example.com",
        "Ann <user@example.com>",
        "\"Doe, \\\"J\\\" (x)\" <user@example.com>",
        "\"\u{202a} Ann \u{202c}\" <user@example.com>",
    ] {
        let mailbox = parse(text);
        assert_eq!(parse(&mailbox.to_string()), mailbox);
    }
}
