//! Templates: rendering any template with any value breaks nothing out of its place.

use connector_kit::{CompiledTemplate, ContentType, Payload, Template};
use serde_json::json;

/// Reads `data` as a template, a NUL, and the value of its variables.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (template, value) = text.split_once('\0').unwrap_or((&text, "<b>\"1\" & '2'</b>\r\n{{code}}"));
    let payload: Payload = [
        ("code".to_owned(), json!(value)),
        ("user".to_owned(), json!({ "name": value, "list": [value, 1.5e300, null, true] })),
    ]
    .into_iter()
    .collect();
    let none = Payload::new();
    assert_eq!(Template::compile(template).source(), template);
    for content_type in [ContentType::Html, ContentType::Plain] {
        let compiled = CompiledTemplate::new(template, template, content_type);
        render(&compiled, &payload);
        render(&compiled, &none);
    }
}

fn render(compiled: &CompiledTemplate, payload: &Payload) {
    let Ok(mail) = compiled.render(payload) else { return };
    assert!(!mail.subject.contains(char::is_control), "a subject is one line");
}
