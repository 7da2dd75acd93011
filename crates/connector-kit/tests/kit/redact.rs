//! Text from a provider never carries secrets or content.

use connector_kit::{ByUsage, CompiledTemplate, ContentType, Message, Redactor, Secret, UsageType};
use serde_json::json;

#[test]
fn blanks_everything_that_was_sent() {
    let payload =
        json!({ "code": "123456", "nested": { "link": "https://example.com/x", "list": ["Ann Example"] }, "n": 98765 });
    let message = Message::new("Ann <Ann@Example.com>", UsageType::SignIn, payload.as_object().unwrap().clone());
    let redactor = Redactor::of_message(&message).and_secret(&Secret::new("SG.key"));
    let text = "ann@example.com: code 123456 of ANN EXAMPLE, https://example.com/x, 98765,\r\nkey sg.KEY is wrong";
    assert_eq!(
        redactor.clean(text),
        "[redacted]: code [redacted] of [redacted], [redacted], [redacted], key [redacted] is wrong"
    );
}

/// A provider that refuses a request often quotes it, and there the values stand escaped.
#[test]
fn blanks_what_was_sent_however_the_request_wrote_it() {
    let payload = json!({ "name": "Zoë <b> \"Q\" & 'C'", "note": "first line\nsecond line" });
    let message =
        Message::new("Ann Example <ann@example.com>", UsageType::SignIn, payload.as_object().unwrap().clone());
    let redactor = Redactor::of_message(&message);
    for echoed in [
        "Zoë <b> \"Q\" & 'C'",
        "Zoë &lt;b&gt; &quot;Q&quot; &amp; &#39;C&#39;",
        r#"Zoë <b> \"Q\" & 'C'"#,
        "Zo%C3%AB+%3Cb%3E+%22Q%22+%26+%27C%27",
        "Zo%C3%AB%20%3Cb%3E%20%22Q%22%20%26%20%27C%27",
        "Zo%C3%AB+%26lt%3Bb%26gt%3B+%26quot%3BQ%26quot%3B+%26amp%3B+%26%2339%3BC%26%2339%3B",
        "first line\r\nsecond line",
        r"first line\nsecond line",
        "Ann Example",
        "ann%40example.com",
    ] {
        assert_eq!(redactor.clean(&format!("bad value: {echoed}.")), "bad value: [redacted].", "{echoed}");
    }
}

/// Each serializer escapes other characters, and writes them in its own way.
#[test]
fn blanks_what_was_sent_however_a_provider_escapes_it() {
    let redactor = of(json!({
        "link": "https://app.example/in?a=1&b=2", "name": "Zoë O'Neil-Łuć", "smile": "so 😀 glad", "tag": "<b>x+y</b>",
        "path": r"C:\new\table", "percent": "100%25 sure",
    }));
    for echoed in [
        // PHP, Go, .NET, Python and JavaScript.
        r"https:\/\/app.example\/in?a=1&b=2",
        r"https://app.example/in?a=1\u0026b=2",
        r"https://app.example/in?a=1\u0026B=2",
        r"\u003cb\u003ex\u002By\u003C/b\u003e",
        r"\x3cb\x3ex+y\x3c/b\x3e",
        r"Zo\u00eb O\u0027Neil-\u0141u\u0107",
        r"Zo\xc3\xab O\'Neil-\u{141}u\u{107}",
        r"so \ud83d\ude00 glad",
        r"so \uD83D\uDE00 glad",
        r"so%20%uD83D%uDE00%20glad",
        r"C:\\new\\table",
        r"C:\new\table",
        // Mustache, Handlebars, lodash, PHP's htmlentities.
        "https:&#x2F;&#x2F;app.example&#x2F;in?a&#x3D;1&amp;b&#x3D;2",
        "https:&#x2f;&#47;app.example&#X2F;in?a&#0061;1&#38;b&#x0000003D;2",
        "Zo&euml; O&apos;Neil-&Lstrok;u&cacute;",
        "Zo&#235; O&#x27;Neil-&#321;u&#263;",
        "so &#128512; glad",
        "&lt;b&gt;x&plus;y&lt;&#x2F;b&gt;",
        // Forms and URLs, of which each writes other characters as they are.
        "https%3A%2F%2Fapp.example%2Fin%3Fa%3D1%26b%3D2",
        "https%3a%2f%2fapp.example/in?a%3d1&b=2",
        "Zo%C3%AB+O'Neil-%c5%81u%c4%87",
        "Zoë%20O%27Neil-Łu%C4%87",
        "100%2525+sure",
        "100%25 sure",
        // Quoted-printable, where lines go on as well.
        "https://app.example/in?a=3D1&b=3D2",
        "https://app.exam=\r\nple/in?a=3D1&b=3D2",
        "Zo=C3=AB O'Neil-=C5=81u=C4=87",
        // More than once.
        r"https:\\\/\\\/app.example\\\/in?a=1\\u0026b=2",
        "https%253A%252F%252Fapp.example%252Fin%253Fa%253D1%2526b%253D2",
        "&amp;lt;b&amp;gt;x+y&amp;lt;/b&amp;gt;",
        r"\u0026lt;b\u0026gt;x\u0026#43;y\u0026lt;\/b\u0026gt;",
        "%26lt%3Bb%26gt%3Bx%2By%26lt%3B%2Fb%26gt%3B",
    ] {
        assert_eq!(redactor.clean(&format!("bad value: \"{echoed}\".")), "bad value: \"[redacted]\".", "{echoed}");
    }
}

#[test]
fn what_looks_like_half_an_escape_hides_no_value() {
    let redactor = of(json!({ "code": "739126", "name": "nancy", "note": r#""x" ends in \"# }));
    for (says, clean) in [
        ("code=739126, %739126, &#739126; \\u739126", "code=[redacted], %[redacted], &#[redacted]; \\u[redacted]"),
        (r"CORP\nancy, =3Dnancy, \nnancy", r"CORP\[redacted], =3D[redacted], \n[redacted]"),
        (r#"{"note":"\"x\" ends in \\"}"#, r#"{"note":"[redacted]\\"}"#),
        (
            r"50% off & more; \ud83d \u12 &nosuch; &#x110000; %zz =",
            r"50% off & more; \ud83d \u12 &nosuch; &#x110000; %zz =",
        ),
    ] {
        assert_eq!(redactor.clean(says), clean);
    }
}

#[test]
fn a_link_to_the_providers_pages_stays_whole_in_json_too() {
    let redactor = of(json!({ "name": "Register", "link": "https://app.example/in" }));
    let says = r"see https:\/\/docs.example.org\/Register\/, not https:\/\/app.example\/Register";
    assert_eq!(
        redactor.clean(says),
        r"see https:\/\/docs.example.org\/Register\/, not https:\/\/app.example\/[redacted]"
    );
}

#[test]
fn a_value_is_hidden_in_any_case_and_normalization_form() {
    let redactor =
        of(json!({ "a": "Łucja Ćwik", "b": "Юлия", "c": "Γιώργος", "d": "Ångström", "e": "김철수", "f": "Straße 7" }));
    for (says, clean) in [
        ("ŁUCJA ĆWIK łucja ćwik", "[redacted] [redacted]"),
        ("юлия, ЮЛИЯ, юлиям", "[redacted], [redacted], юлиям"),
        ("ΓΙΏΡΓΟΣ", "[redacted]"),
        // Decomposed, as macOS writes it, in both cases; the mark goes with its letter.
        ("A\u{30a}ngstro\u{308}m, a\u{30a}ngstro\u{308}m.", "[redacted], [redacted]."),
        (r"A\u030angstro\u0308m", "[redacted]"),
        ("A%CC%8Angstro%CC%88m", "[redacted]"),
        ("\u{1100}\u{1175}\u{11b7}\u{110e}\u{1165}\u{11af}\u{1109}\u{116e}님", "[redacted]님"),
        ("STRASSE 7", "[redacted]"),
    ] {
        assert_eq!(redactor.clean(says), clean);
    }
    assert_eq!(of(json!({ "name": "Zoe\u{308}" })).clean("Zoë, ZOË, Zoe"), "[redacted], [redacted], Zoe");
}

#[test]
fn blanks_rendered_mail() {
    let template = CompiledTemplate::new("For {{code}}", "<p>Dear &amp; near,</p><p>{{code}}</p>", ContentType::Html);
    let templates: ByUsage<_> = [(UsageType::Generic, template)].into_iter().collect();
    let payload = json!({ "code": "1<2" });
    let message = Message::new("ann@example.com", UsageType::SignIn, payload.as_object().unwrap().clone());
    let mail = templates.render(&message).unwrap();
    let redactor = Redactor::default().and_mail(&mail);
    for echoed in ["For 1<2", "<p>Dear &amp; near,</p><p>1&lt;2</p>", "Dear & near,\n\n1<2", "Dear & near,\r\n\r\n1<2"]
    {
        assert_eq!(redactor.clean(&format!("cannot send: {echoed}")), "cannot send: [redacted]", "{echoed}");
    }
}

#[test]
fn keeps_everyday_text_and_shortens_the_rest() {
    let message = Message::new(
        "a@b.example",
        UsageType::SignIn,
        json!({ "a": "", "b": "1", "c": null }).as_object().unwrap().clone(),
    );
    let redactor = Redactor::of_message(&message);
    assert_eq!(redactor.clean("1 problem"), "1 problem");
    let long = redactor.clean(&"é".repeat(1000));
    assert_eq!(long.chars().count(), 301);
    assert!(long.ends_with('…'));
}

fn of(payload: serde_json::Value) -> Redactor {
    Redactor::of_message(&Message::new("b@c.example", UsageType::SignIn, payload.as_object().unwrap().clone()))
}

#[test]
fn a_name_is_hidden_as_a_word_and_not_inside_others() {
    let redactor =
        of(json!({ "name": "Ann", "other": "José", "more": "Ян", "greeting": "Dear Ann Lee", "code": "ABC" }));
    for (says, clean) in [
        ("the message cannot be sent to Ann, ann or \"ANN\"", None),
        ("Annual plan, channel, Hannah's", Some("Annual plan, channel, Hannah's")),
        ("José, not Joséphine", Some("[redacted], not Joséphine")),
        // Two characters are too few for a name to be hidden by itself.
        ("Ян, Яна", Some("Ян, Яна")),
        // Escapes end in letters at times.
        (r"Hello\nAnn\r\n", Some(r"Hello\n[redacted]\r\n")),
        ("name%3DAnn%26x=3DAnn", Some("name%3D[redacted]%26x=3D[redacted]")),
        (r"\u003cAnn\u003e", Some(r"\u003c[redacted]\u003e")),
        ("<b>Ann</b> &lt;Ann&gt;", Some("<b>[redacted]</b> &lt;[redacted]&gt;")),
        ("Dear+Ann+Lee, Dear%20Ann%20Lee", Some("[redacted], [redacted]")),
        // A code is hidden wherever it stands, though it is all letters.
        ("xABCx", Some("x[redacted]x")),
    ] {
        let expected = clean.unwrap_or("the message cannot be sent to [redacted], [redacted] or \"[redacted]\"");
        assert_eq!(redactor.clean(says), expected);
    }
}

/// It may be all letters, and stand right behind others.
#[test]
fn a_code_or_token_of_letters_is_hidden_wherever_it_stands() {
    for payload in [
        json!({ "otp": "QWERTY" }),
        json!({ "verification_code": "QWERTY" }),
        json!({ "resetLink": "QWERTY" }),
        json!({ "data": { "token": "QWERTY" } }),
        json!({ "magicLink": { "parts": ["QWERTY"] } }),
        json!({ "newPassword": "QWERTY" }),
    ] {
        let redactor = of(payload.clone());
        assert_eq!(redactor.clean("no idQWERTYx in qwerties"), "no id[redacted]x in qwerties", "{payload}");
        assert_eq!(
            redactor.clean("https://docs.example.org/QWERTY"),
            "https://docs.example.org/[redacted]",
            "{payload}"
        );
    }
    // A long word is a token under any name.
    assert_eq!(of(json!({ "t": "abcdefghijklmnop" })).clean("xABCDEFGHIJKLMNOPx"), "x[redacted]x");
    // These are names of things that everybody knows.
    let redactor = of(json!({ "languageCode": "eng", "name": "Ann", "company": "Mail", "countryCode": "che" }));
    let says = "the length of the annual mailing cannot be checked";
    assert_eq!(redactor.clean(says), says);
}

#[test]
fn the_local_part_is_hidden_as_a_word() {
    let to = |to: &str| Redactor::of_message(&Message::new(to, UsageType::SignIn, connector_kit::Payload::new()));
    let redactor = to("Ann.Lee+news@Example.org");
    for (says, clean) in [
        ("user ann.lee+news unknown", "user [redacted] unknown"),
        ("<bounce-ann.lee+news=example.org@relay.example>", "<bounce-[redacted]@relay.example>"),
        ("SRS0=ab=cd=example.org=ann.lee%2Bnews@relay.example", "SRS0=ab=cd=example.org=[redacted]@relay.example"),
        ("joann.lee+newsletter", "joann.lee+newsletter"),
    ] {
        assert_eq!(redactor.clean(says), clean);
    }
    assert_eq!(to("info@example.org").clean("info: INFO@example.org is unknown"), "info: [redacted] is unknown");
    assert_eq!(to("\"a..b\"@example.org").clean("no a..b here"), "no [redacted] here");
}

/// Nothing separates words there, so that a name that is not hidden inside of others would never be.
#[test]
fn a_name_is_hidden_everywhere_in_scripts_without_spaces() {
    for (name, says, clean) in [
        ("李小明", "用户李小明的地址无效", "用户[redacted]的地址无效"),
        ("さくら", "宛先さくらさん", "宛先[redacted]さん"),
        ("สมชาย", "ถึงสมชายไม่ได้", "ถึง[redacted]ไม่ได้"),
        ("김철수", "김철수님께", "[redacted]님께"),
        ("संजय", "संजय को", "[redacted] को"),
        ("Zoë", "Zoëllner: Zoë", "Zoëllner: [redacted]"),
    ] {
        assert_eq!(of(json!({ "name": name })).clean(says), clean);
    }
}

#[test]
fn a_link_to_the_providers_pages_stays_whole() {
    let redactor = of(json!({
        "name": "Register", "app": "docs", "user_name": "john-doe", "link": "https://app.example/join/Register",
    }))
    .and_secret(&Secret::new("key-one"));
    for (says, clean) in [
        ("see https://docs.example.org/Register/docs#top", None),
        (
            "see (https://docs.example.org/register), Register",
            Some("see (https://docs.example.org/register), [redacted]"),
        ),
        // The query may repeat what was sent.
        ("https://docs.example.org/docs?q=Register", Some("https://docs.example.org/docs?q=[redacted]")),
        // The message's own link is no page of the provider's.
        ("https://app.example/join/Register", Some("[redacted]")),
        ("https://app.example/u/john-doe", Some("https://app.example/u/[redacted]")),
        // Neither secrets nor the recipient are anywhere.
        ("https://docs.example.org/key-one/b@c.example", Some("https://docs.example.org/[redacted]/[redacted]")),
        ("https://docs.example.org/b%40c.example", Some("https://docs.example.org/[redacted]")),
    ] {
        assert_eq!(redactor.clean(says), clean.unwrap_or(says));
    }
    // A code never stays, not even where it is part of a link.
    let redactor = of(json!({ "code": "739126" }));
    assert_eq!(redactor.clean("https://x.example/verify/739126"), "https://x.example/verify/[redacted]");
}

/// A proxy that refuses a request quotes its headers.
#[test]
fn credentials_of_a_quoted_request_are_hidden() {
    // user:pass-word, and api:key-0123 as Mailgun has it.
    let http = Secret::new("Basic dXNlcm5hbWU6cGFzcy13b3Jk");
    let redactor = Redactor::default().and_secret(&http).and_secret(&Secret::new("key-0123"));
    for (says, clean) in [
        ("Authorization: Basic dXNlcm5hbWU6cGFzcy13b3Jk", "Authorization: [redacted]"),
        ("denied for username (pass-word)", "denied for [redacted] ([redacted])"),
        ("Authorization: Basic YXBpOmtleS0wMTIz is wrong", "Authorization: Basic [redacted] is wrong"),
        ("'basic YXBpOmtleS0wMTIz'", "'basic [redacted]'"),
        ("sent YXBpOmtleS0wMTIz", "sent [redacted]"),
        ("plain: AGFwaQBrZXktMDEyMw==", "plain: [redacted]"),
        ("url form: x/YXBpOmtleS0wMTIz", "url form: [redacted]"),
        // Credentials of others: the proxy's own, or a token.
        ("Proxy-Authorization: Basic cHJveHk6c2VjcmV0", "Proxy-Authorization: Basic [redacted]"),
        (
            r#"{\"authorization\":\"Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc\"}"#,
            r#"{\"authorization\":\"Bearer [redacted]\"}"#,
        ),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.abc expired", "Bearer [redacted] expired"),
        (
            "authorization: AWS4-HMAC-SHA256 Credential=AKIA/eu, Signature=abc done",
            "authorization: AWS4-HMAC-SHA256 [redacted] [redacted] done",
        ),
        ("Authorization: 0123abcd", "Authorization: [redacted]"),
        ("Authorization%3A+Basic%20cHJveHk6c2VjcmV0", "Authorization%3A+Basic%20[redacted]"),
        // Everyday sentences.
        ("Basic authentication is required", "Basic authentication is required"),
        ("Bearer token is missing", "Bearer token is missing"),
        ("the Authorization header is missing", "the Authorization header is missing"),
        ("Authorization: required", "Authorization: required"),
        ("unauthorized: no such key", "unauthorized: no such key"),
    ] {
        assert_eq!(redactor.clean(says), clean);
    }
}

/// It took 26.9 s: each value was searched for in a copy of its own.
#[test]
fn a_long_answer_and_many_values_are_read_in_time() {
    let payload: serde_json::Map<_, _> =
        (0..10_000).map(|n| (format!("name-{n}"), format!("a value & more {n}").into())).collect();
    let redactor = of(payload.into());
    let long = "x".repeat(1 << 20);
    for says in [
        long.clone(),
        "[".repeat(1 << 20),
        "a value & more ".repeat(70_000),
        "https://".repeat(130_000),
        "authorization: ".repeat(70_000),
        "basic ".repeat(170_000),
        "\\u".repeat(500_000),
        "basic+".repeat(170_000),
        "authorization=key ".repeat(60_000),
        "authorization=".repeat(70_000),
        "&#".repeat(500_000),
        "&amp;".repeat(200_000),
        "&".to_owned() + &"amp;".repeat(250_000),
        "%25".repeat(350_000),
        "\\".repeat(1 << 20),
        "=3D".repeat(350_000),
        "e\u{301}\u{323}".repeat(200_000),
        "e".to_owned() + &"\u{301}\u{323}".repeat(250_000),
    ] {
        let clean = redactor.clean(&says);
        assert!(clean.chars().count() <= 301 && clean.ends_with('…'), "{clean}");
    }
    let clean = redactor.clean(&format!("a value & more 7, A VALUE &amp; MORE 9999, {long}"));
    assert!(clean.starts_with("[redacted], [redacted], xxx"), "{clean}");
}

/// What is cut off must not make a value unknown that began before.
#[test]
fn nothing_of_a_value_shows_where_the_reading_ends() {
    let code = "0123456789".repeat(6);
    let redactor = of(json!({ "code": code, "filler": "z".repeat(64) })).and_secret(&Secret::new("secret-0123456789"));
    for length in ((32 * 1024 - 200)..(32 * 1024 + 10)).step_by(13) {
        let clean = redactor.clean(&format!("{}{code}{}", "z".repeat(length), "z".repeat(1000)));
        assert_eq!(clean, "[redacted]…", "{length}");
    }
}

#[test]
fn an_excerpt_of_the_mail_is_hidden_and_too_much_to_search_for_hides_all() {
    let text = (0..400).map(|n| format!("sentence {n} ")).collect::<String>();
    let redactor = Redactor::default().and_text(&text);
    assert_eq!(redactor.clean(&format!("refused: {}", &text[..2048])), "refused: [redacted]");
    let huge: serde_json::Map<_, _> =
        (0..20_000).map(|n| (format!("n{n}"), format!("the same beginning {n:050}").into())).collect();
    assert_eq!(of(huge.into()).clean("the same beginning, said again"), "[redacted]");
}
