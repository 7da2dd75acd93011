//! Text from a provider never carries secrets or content.

use connector_kit::{Message, Redactor, Secret, UsageType};
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
        "[redacted]: code [redacted] of [redacted], [redacted], [redacted],  key [redacted] is wrong"
    );
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
