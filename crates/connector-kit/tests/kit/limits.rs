//! What is too large is refused, with the field and the limit; what is within its limits costs in proportion to its size.

use connector_kit::{
    ByUsage, CompiledTemplate, ContentType, EmailTemplate, Error, ErrorKind, Escape, Message, Payload, ProviderAnswer,
    Receipt, Template, UsageType, limits,
};
use serde_json::{Value, json};

fn message(payload: Value) -> Message {
    Message::new("user@example.com", UsageType::SignIn, payload.as_object().unwrap().clone())
}

fn faults(error: &Error) -> Vec<String> {
    assert_eq!(error.kind(), ErrorKind::InvalidMessage);
    error.problems().iter().map(ToString::to_string).collect()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}

#[test]
fn a_template_that_is_too_long_is_refused_field_by_field() {
    let template = |content: usize, line: usize| EmailTemplate {
        subject: "s".repeat(line),
        content: "c".repeat(content),
        content_type: ContentType::Html,
        reply_to: Some("r".repeat(line)),
        send_from: Some("f".repeat(line)),
    };
    template(limits::TEMPLATE_CONTENT, limits::TEMPLATE_LINE).compile().unwrap();
    let error = template(limits::TEMPLATE_CONTENT + 1, limits::TEMPLATE_LINE + 1).compile().unwrap_err();
    assert_eq!(
        faults(&error),
        [
            "/template/subject: is too long: at most 4 KiB are allowed",
            "/template/content: is too long: at most 256 KiB are allowed",
            "/template/replyTo: is too long: at most 4 KiB are allowed",
            "/template/sendFrom: is too long: at most 4 KiB are allowed",
        ]
    );
}

#[test]
fn a_payload_is_bounded_in_size_number_and_depth() {
    for fits in [
        json!({ "a": "x".repeat(limits::PAYLOAD - 1) }),
        json!({ "a": vec![0; limits::PAYLOAD_VALUES - 1] }),
        json!({ "a": nested(limits::PAYLOAD_DEPTH - 1) }),
        (0..10_000).map(|n| (format!("name-{n}"), n.into())).collect::<Payload>().into(),
    ] {
        message(fits).recipient().unwrap();
    }
    for (payload, fault) in [
        (json!({ "a": "x".repeat(limits::PAYLOAD) }), "is too large: at most 1 MiB of text are allowed"),
        (json!({ "x".repeat(limits::PAYLOAD + 1): 1 }), "is too large: at most 1 MiB of text are allowed"),
        (json!({ "a": { "x".repeat(limits::PAYLOAD): 1 } }), "is too large: at most 1 MiB of text are allowed"),
        (json!({ "a": vec![0; limits::PAYLOAD_VALUES] }), "has too many values: at most 20000 are allowed"),
        (json!({ "a": nested(limits::PAYLOAD_DEPTH) }), "is nested too deep: at most 64 levels are allowed"),
    ] {
        let error = message(payload).recipient().unwrap_err();
        assert_eq!(faults(&error), [format!("/payload: {fault}")]);
    }
    let mut message = message(json!({}));
    message.usage_type = UsageType::from("x".repeat(129).as_str());
    message.ip = Some("1".repeat(129));
    let told = faults(&message.recipient().unwrap_err());
    assert_eq!(told, ["type", "ip"].map(|name| format!("/{name}: is too long: at most 128 bytes are allowed")));
}

/// 4,000 times 200 KB are 800 MB, and as much again as text. It is refused after 10 MiB of them.
#[test]
fn rendering_ends_at_the_limit() {
    let template = CompiledTemplate::new("s", "{{code}}".repeat(4000), ContentType::Html);
    let templates: ByUsage<_> = [(UsageType::Generic, template)].into_iter().collect();
    for value in [json!("x".repeat(200_000)), json!(["x".repeat(200_000)]), json!("<".repeat(50_000))] {
        let error = templates.render(&message(json!({ "code": value }))).unwrap_err();
        assert_eq!(
            faults(&error),
            ["/payload: its values make the message larger than 10 MiB, the most that is sent: shorten them"]
        );
    }
    let whole = Template::compile("{{a}}");
    let payload = |length: usize| Payload::from_iter([("a".to_owned(), "x".repeat(length).into())]);
    assert_eq!(whole.render(&payload(limits::RENDERED), Escape::None).unwrap().len(), limits::RENDERED);
    whole.render(&payload(limits::RENDERED + 1), Escape::None).unwrap_err();
    // HTML and its text count together, and so does the subject.
    let html = CompiledTemplate::new("{{a}}", "{{a}}", ContentType::Html);
    html.render(&payload(limits::RENDERED / 3)).unwrap();
    html.render(&payload(limits::RENDERED / 3 + 1)).unwrap_err();
}

/// It took more than a minute: every variable was compared with all before it.
#[test]
fn a_template_of_nothing_but_different_variables_is_compiled_and_rendered() {
    let names = 80_000;
    let source: String = (0..names).map(|n| format!("{{{{v{n}}}}}")).collect();
    let template = Template::compile(source.as_str());
    assert_eq!(template.render(&Payload::new(), Escape::None).unwrap(), source);
    let payload = (0..names).map(|n| (format!("v{n}"), "1".into())).collect();
    assert_eq!(template.render(&payload, Escape::Html).unwrap(), "1".repeat(names));
}

#[test]
fn a_providers_ids_are_cut() {
    let long = Some("é".repeat(1_000_000));
    assert_eq!(Receipt::new(long.clone()).message_id.unwrap().chars().count(), limits::PROVIDER_ID);
    let answer = ProviderAnswer { status: None, code: long.clone(), request_id: long };
    let error = Error::new(ErrorKind::Rejected, "no").with_provider(answer);
    let told = error.provider().unwrap();
    for text in [&told.code, &told.request_id] {
        assert_eq!(text.as_ref().unwrap().chars().count(), limits::PROVIDER_ID);
    }
}
