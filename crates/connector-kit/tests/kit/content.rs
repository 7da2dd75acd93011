//! From a message to rendered mail.

use connector_kit::{
    ByUsage, CompiledTemplate, ContentType, EmailTemplate, ErrorKind, Mailbox, Message, RenderedEmail, UsageType,
    text_from_html,
};
use connector_testkit::LogCapture;
use serde_json::json;

fn templates(usages: &[&str]) -> ByUsage<CompiledTemplate> {
    let template = |usage: &&str| {
        let content = format!("<p>{usage}: <b>{{{{code}}}}</b></p>");
        (UsageType::from(*usage), CompiledTemplate::new(format!("{usage} {{{{code}}}}"), content, ContentType::Html))
    };
    usages.iter().map(template).collect()
}

fn message(usage: &str, code: &str) -> Message {
    Message::new(
        "user@example.com",
        usage.into(),
        json!({ "code": code, "name": "A & B" }).as_object().unwrap().clone(),
    )
}

fn localized(template: serde_json::Value, code: &str) -> RenderedEmail {
    let template: EmailTemplate = serde_json::from_value(template).unwrap();
    templates(&["Generic"]).render(&message("SignIn", code).with_template(template.compile().unwrap())).unwrap()
}

#[test]
fn chooses_localized_then_own_then_generic() {
    let all = templates(&["SignIn", "Generic"]);
    assert_eq!(all.render(&message("SignIn", "1")).unwrap().subject, "SignIn 1");
    assert_eq!(all.render(&message("BindMfa", "1")).unwrap().subject, "Generic 1");
    assert_eq!(all.render(&message("SomethingNew", "1")).unwrap().subject, "Generic 1");
    let mail = localized(json!({ "subject": "Local {{code}}", "content": "x" }), "1");
    assert_eq!(mail.subject, "Local 1");
    let error = templates(&["SignIn"]).render(&message("BindMfa", "1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TemplateNotFound);
    assert!(error.to_string().contains("BindMfa"));
}

#[test]
fn a_localized_template_and_a_configured_one_can_be_rendered_on_their_own() {
    let message = message("SignIn", "1\n2");
    assert_eq!(RenderedEmail::localized(&message).unwrap(), None);
    let template: EmailTemplate =
        serde_json::from_value(json!({ "subject": "Local {{code}}", "content": "x" })).unwrap();
    let message = message.with_template(template.compile().unwrap());
    assert_eq!(RenderedEmail::localized(&message).unwrap(), Some(templates(&[]).render(&message).unwrap()));
    let mail = CompiledTemplate::new("{{code}}", "<{{name}}>", ContentType::Plain).render(&message.payload).unwrap();
    assert_eq!((mail.subject.as_str(), mail.html, mail.text.as_str()), ("1 2", None, "<A & B>"));
}

#[test]
fn html_carries_a_text_alternative_and_plain_stays_plain() {
    let mail = templates(&["SignIn"]).render(&message("SignIn", "<1&2>")).unwrap();
    assert_eq!(mail.html.as_deref(), Some("<p>SignIn: <b>&lt;1&amp;2&gt;</b></p>"));
    assert_eq!(mail.text, "SignIn: <1&2>");
    let mail = localized(json!({ "subject": "s", "content": "<i>{{code}}</i>", "contentType": "text/plain" }), "<1>");
    assert_eq!((mail.html, mail.text.as_str()), (None, "<i><1></i>"));
}

#[test]
fn a_subject_is_one_line_whatever_its_values() {
    let mail = templates(&["SignIn"]).render(&message("SignIn", "1\r\nBcc: evil@example.net\0")).unwrap();
    assert_eq!(mail.subject, "SignIn 1 Bcc: evil@example.net");
}

#[test]
fn a_name_goes_with_the_configured_address_and_a_mailbox_replaces_it() {
    let configured = Mailbox::parse("Example <no-reply@example.com>").unwrap();
    let sender = |send_from: &str| {
        let mail = localized(json!({ "subject": "s", "content": "c", "sendFrom": send_from }), "Ann");
        mail.sender(&configured).map(|mailbox| mailbox.to_string())
    };
    assert_eq!(sender("{{code}} Team").unwrap(), "Ann Team <no-reply@example.com>");
    assert_eq!(sender("{{code}} <auth@other.example>").unwrap(), "Ann <auth@other.example>");
    assert_eq!(sender("auth@other.example").unwrap(), "auth@other.example");
    assert_eq!(sender(" ").unwrap(), "Example <no-reply@example.com>");
    assert_eq!(sender("x <not an address>").unwrap_err().problems()[0].pointer, "/template/sendFrom");
}

#[test]
fn without_a_configured_sender_the_templates_mailbox_is_one_and_a_name_is_none() {
    let sender = |send_from: &str| {
        let mail = localized(json!({ "subject": "s", "content": "c", "sendFrom": send_from }), "Ann");
        mail.own_sender().map(|mailbox| mailbox.map(|mailbox| mailbox.to_string()))
    };
    assert_eq!(sender("{{code}} <auth@other.example>").unwrap().as_deref(), Some("Ann <auth@other.example>"));
    assert_eq!(sender("auth@other.example").unwrap().as_deref(), Some("auth@other.example"));
    assert_eq!(sender(" ").unwrap(), None);
    for bad in ["{{code}} Team", "x <not an address>"] {
        assert_eq!(sender(bad).unwrap_err().problems()[0].pointer, "/template/sendFrom");
    }
}

#[test]
fn a_value_never_becomes_the_senders_address() {
    let configured = Mailbox::parse("no-reply@example.com").unwrap();
    let template = json!({ "subject": "s", "content": "c", "sendFrom": "{{code}}" });
    let mail = localized(template, "Evil <evil@example.net>\r\nBcc: x@example.net");
    let sender = mail.sender(&configured).unwrap();
    assert_eq!(sender.address(), "no-reply@example.com");
    assert_eq!(sender.name(), Some("Evil <evil@example.net> Bcc: x@example.net"));
}

#[test]
fn reply_to_is_rendered_and_checked() {
    let mail = localized(json!({ "subject": "s", "content": "c", "replyTo": "{{code}}@example.com" }), "help");
    assert_eq!(mail.reply_to().unwrap().unwrap().address(), "help@example.com");
    let mail = localized(json!({ "subject": "s", "content": "c", "replyTo": "{{code}}@example.com" }), "a\r\nBcc: b");
    assert_eq!(mail.reply_to().unwrap_err().problems()[0].pointer, "/template/replyTo");
}

#[test]
fn text_keeps_what_a_reader_needs() {
    let html = "<html><head><style>p{}</style><title>t</title></head><body><h1>Hello&nbsp;{{name}}</h1>\
        <p>Join <a href=\"https://example.com/?a=1&amp;b={{code}}\">here</a></p><ul><li>one</li><li>two</li></ul>\
        <script>x()</script></body></html>";
    let text = text_from_html(html);
    assert_eq!(text, "Hello\u{a0}{{name}}\n\nJoin here (https://example.com/?a=1&b={{code}})\n\none\ntwo");
}

/// Browsers open what `href` says: `&lang=` is no entity there, nor is a bare `&`.
#[test]
fn links_in_text_lead_where_they_lead_in_html() {
    let link = "https://x.example/join?token=1&lang=de&target=a&copy=1&order=2&#x=3&";
    let text = text_from_html(&format!("<p>A &amp; B & C &lt;3 &#169; &nbsp;</p><a href=\"{link}\">Join</a>"));
    assert_eq!(text, format!("A & B & C <3 © \u{a0}\n\nJoin ({link})"));
}

#[test]
fn debug_shows_nothing_of_the_mail() {
    let mail = localized(json!({ "subject": "s {{code}}", "content": "c {{code}}", "sendFrom": "{{code}}" }), "493817");
    let shown = format!("{mail:?}");
    assert!(mail.text.contains("493817") && !shown.contains("493817"), "{shown}");
}

/// A slip in a type is not noticed by the person who gets the wrong mail; a host's own type is no slip.
#[test]
fn a_message_whose_type_only_looks_like_one_is_warned_of() {
    let templates: ByUsage<&str> = [(UsageType::SignIn, "own"), (UsageType::Generic, "generic")].into_iter().collect();
    for (name, meant) in [
        ("signin", Some("`SignIn`")),
        ("sign_in", Some("`SignIn`")),
        ("FORGOT-PASSWORD", Some("`ForgotPassword`")),
        ("Registr", Some("`Register`")),
        ("Newsletter", None),
        ("", None),
        (&"SignIn".repeat(100_000), None),
    ] {
        let logs = LogCapture::start();
        assert_eq!(*templates.choose(&UsageType::from(name)).unwrap(), "generic");
        let logged = logs.text();
        match meant {
            Some(meant) => assert!(logged.contains("WARN") && logged.contains(meant), "{name}: {logged}"),
            None => assert_eq!(logged, "", "{name}"),
        }
        let unknown = UsageType::from(name).unknown().unwrap();
        assert!(unknown.contains(meant.unwrap_or("these are SignIn, ")) && unknown.len() < 300, "{unknown}");
    }
    let logs = LogCapture::start();
    for known in UsageType::KNOWN {
        assert!(templates.choose(&known).is_ok() && known.unknown().is_none());
    }
    assert_eq!(logs.text(), "");
}
