//! Whom a message may go to: one mailbox, exactly the one that was asked for.

use connector_kit::{Delivery, SendContext};

use super::{
    Behaviour, Peer, Subject,
    sample::{config, message_to},
};

/// Neither a list, nor a header, nor nonsense gets as far as the network.
pub async fn a_bad_recipient_fails_before_any_connection(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    let long_name = format!("{} <ann@example.org>", "n".repeat(10_000));
    let long_local = format!("{}@example.org", "a".repeat(10_000));
    let long_domain = format!("ann@{}.org", "d".repeat(10_000));
    for bad in [
        "",
        " ",
        "ann",
        "@example.org",
        "ann@",
        "ann@@example.org",
        "ann smith@example.org",
        "ann@example.org, bob@example.org",
        "ann@example.org;bob@example.org",
        "ann@example.org bob@example.org",
        "<ann@example.org>, <bob@example.org>",
        "Friends: ann@example.org, bob@example.org;",
        "\"ann,bob@example.org,x\"@example.org",
        "\"bob@example.org x\"@example.org",
        "\"ann> SIZE=1\"@example.org",
        "a@b\r\nBcc: c@d",
        "ann@example.org\r\nBcc: bob@example.org",
        "ann@example.org\nBcc: bob@example.org",
        "Ann\r\nBcc: bob@example.org <ann@example.org>",
        "ann@example.org\r\n.\r\nMAIL FROM:<bob@example.org>",
        "ann@example.org\0",
        "ann\t@example.org",
        "ann\u{7f}@example.org",
        "ann\u{85}@example.org",
        "<ann@example.org",
        "ann@example.org>",
        "ann@example.org?subject=x",
        "ann%example.net@example.org",
        "example.net!ann@example.org",
        "\"ann%example.net\"@example.org",
        "=?utf-8?q?bob=40example.net?=@example.org",
        "ann\u{202e}@example.org",
        "ann\u{a0}smith@example.org",
        &long_name,
        &long_local,
        &long_domain,
    ] {
        let shown: String = bad.chars().take(60).collect();
        let error = connector.send(&message_to(bad), &SendContext::new()).await.expect_err(&shown);
        assert_eq!(error.kind().code(), "invalid_request_parameters", "{shown:?}: {error}");
        assert_eq!(error.delivery(), Delivery::NotSent, "{shown:?}");
        let pointers: Vec<&str> = error.problems().iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, ["/to"], "{shown:?}");
        assert!(!format!("{error} {error:?}").contains("bob@"), "{shown:?} shows in the error");
    }
    assert_eq!(peer.connections(), 0);
}

/// People have names, and domains are not all ASCII. The name may be left out where the provider takes none; the domain
/// is written so that every mail server understands it.
pub async fn a_display_name_and_an_international_domain_arrive(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for (to, name, address) in [
        ("ann@example.org", None, "ann@example.org"),
        ("Ann Example <ann@example.org>", Some("Ann Example"), "ann@example.org"),
        ("\"Dr. Example, Ann\" <ann+tag@example.org>", Some("Dr. Example, Ann"), "ann+tag@example.org"),
        ("李雷 <ann@例え.jp>", Some("李雷"), "ann@xn--r8jz45g.jp"),
    ] {
        connector.send(&message_to(to), &SendContext::new()).await.unwrap_or_else(|error| panic!("{to}: {error}"));
        let arrived = peer.last();
        assert_eq!(arrived.to.address, address, "{to}");
        assert!(arrived.to.name.is_none() || arrived.to.name.as_deref() == name, "{to}: {:?}", arrived.to);
        assert!(arrived.others.is_empty(), "{to} also goes to {:?}", arrived.others);
    }
}

/// An address is in its owner's script. The domain goes in ASCII; a local part beyond ASCII goes in NFC, or, where the
/// provider takes none, nowhere.
pub async fn people_of_every_script_are_written_to(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for (to, address) in [
        ("ann@example.இந்தியா", "ann@example.xn--xkc2dl3a5ee0h"),
        ("ann@ไทยแลนด์.ไทย", "ann@xn--l3cfg9ap1osa4e.xn--o3cw4h"),
        ("ann@डाटामेल.भारत", "ann@xn--c2bd4bq1db8d.xn--h2brj9c"),
        ("ann@مثال.إختبار", "ann@xn--mgbh0fb.xn--kgbechtv"),
        ("ann@cafe\u{301}.example", "ann@xn--caf-dma.example"),
        ("ann@例え。jp", "ann@xn--r8jz45g.jp"),
    ] {
        connector.send(&message_to(to), &SendContext::new()).await.unwrap_or_else(|error| panic!("{to}: {error}"));
        assert_eq!(peer.last().to.address, address, "{to}");
    }
    for (to, address) in [
        ("संपर्क@डाटामेल.भारत", "संपर्क@xn--c2bd4bq1db8d.xn--h2brj9c"),
        ("ผู้ใช้@example.org", "ผู้ใช้@example.org"),
        ("မြန်မာ@example.org", "မြန်မာ@example.org"),
        ("مستخدم@example.org", "مستخدم@example.org"),
        ("jose\u{301}@example.org", "jos\u{e9}@example.org"),
        ("Ann <用户@example.org>", "用户@example.org"),
    ] {
        let before = peer.arrived().len();
        match connector.send(&message_to(to), &SendContext::new()).await {
            Ok(_) => assert_eq!(peer.last().to.address, address, "{to}"),
            Err(error) => {
                assert_eq!(error.kind().code(), "invalid_request_parameters", "{to}: {error}");
                assert_eq!(error.problems().first().map(|problem| problem.pointer.as_str()), Some("/to"), "{to}");
                assert_eq!(peer.arrived().len(), before, "{to} was sent all the same");
            }
        }
    }
}

/// Whoever can choose the name that a code is sent under must not be able to choose who gets it. A provider that cannot
/// be given such a name may be spared it by an error.
pub async fn a_display_name_never_becomes_a_recipient(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for name in [
        r#""bob@example.net""#,
        r#""bob@example.net, x""#,
        r#""bob@example.net; x""#,
        r#""<bob@example.net>, x""#,
        r#""x\" <bob@example.net>, \"""#,
        r#""x\\\", bob@example.net, \"y""#,
    ] {
        let before = peer.arrived().len();
        let to = format!("{name} <ann@example.org>");
        match connector.send(&message_to(&to), &SendContext::new()).await {
            Ok(_) => {
                let arrived = peer.last();
                assert_eq!(arrived.to.address, "ann@example.org", "{to}");
                assert!(arrived.others.is_empty(), "{to} also goes to {:?}", arrived.others);
            }
            Err(error) => {
                assert_eq!(error.kind().code(), "invalid_request_parameters", "{to}: {error}");
                assert_eq!(peer.arrived().len(), before, "{to} was sent all the same");
            }
        }
    }
}
