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
