//! Twice the input is at most a little more than twice the work, counted in bytes that are allocated on the way: a copy or a
//! list for each part of the input would make it four times as much.

use allocation_counter::measure;
use connector_kit::{CompiledTemplate, ContentType, Message, Payload, Redactor, Secret, Template, UsageType};

/// Does `work` for three sizes, each twice the one before.
fn assert_linear<I>(what: &str, size: usize, input: impl Fn(usize) -> I, work: impl Fn(I)) {
    // What is made once is made before.
    work(input(size));
    let allocated = [size, 2 * size, 4 * size].map(|size| {
        let input = input(size);
        measure(|| work(input)).bytes_total
    });
    for pair in allocated.windows(2) {
        // Lists and maps double their room, so that one may have doubled just then.
        assert!(pair[1] <= pair[0] * 3 + 4096, "{what}: {allocated:?}");
    }
    assert!(allocated[2] <= allocated[0] * 5 + 4096, "{what}: {allocated:?}");
}

fn payload(values: usize) -> Payload {
    (0..values).map(|n| (format!("v{n}"), format!("a <value> {n}").into())).collect()
}

fn variables(count: usize) -> String {
    (0..count).map(|n| format!("<p>{{{{v{n}}}}}</p>")).collect()
}

#[test]
fn templates_are_compiled_and_rendered_in_proportion_to_their_length() {
    assert_linear("compiling different variables", 1000, variables, |source| drop(Template::compile(source)));
    assert_linear(
        "compiling one variable",
        1000,
        |count| "{{v}}".repeat(count),
        |source| drop(Template::compile(source)),
    );
    assert_linear("braces", 4000, |count| "{".repeat(count), |source| drop(Template::compile(source)));
    for (what, repeated) in [("open tags", "<a"), ("styles", "<style"), ("attributes", "<p x=\"")] {
        let input = |count: usize| repeated.repeat(count);
        assert_linear(what, 1000, input, |source| drop(CompiledTemplate::new("s", source, ContentType::Html)));
    }
    let prepared = |count| (CompiledTemplate::new("s", variables(count), ContentType::Html), payload(count));
    assert_linear("rendering", 1000, prepared, |(template, payload)| drop(template.render(&payload).unwrap()));
}

#[test]
fn a_providers_words_are_redacted_in_proportion_to_what_is_hidden_and_read() {
    let redactor = |values| Redactor::of_message(&Message::new("b@c.example", UsageType::SignIn, payload(values)));
    assert_linear("values that are not there", 500, redactor, |redactor| drop(redactor.clean("cannot be sent")));
    let said = |values: usize| (0..values).map(|n| format!("a <value> {n}, ")).collect::<String>();
    let both = |values| (redactor(values), said(values));
    assert_linear("values that are there", 200, both, |(redactor, said)| drop(redactor.clean(&said)));
    for repeated in [
        "[",
        "https://",
        "authorization: basic ",
        "authorization=key ",
        "authorization=",
        "basic+",
        "basic ",
        "bearer abcdefghijklmnop ",
        "a2V5",
        "&amp;",
        "amp;",
        r"\u0026",
        r"\ud83d",
        "\\\\",
        "%25",
        "%c3%a9",
        "=3D",
        "e\u{301}\u{323}",
        "\u{301}\u{323}",
    ] {
        let input = |count: usize| (redactor(10).and_secret(&Secret::new("key-0123")), repeated.repeat(count));
        assert_linear(repeated, 300, input, |(redactor, said)| drop(redactor.clean(&said)));
    }
    // Beyond what is read, more of it is no more work.
    let input = |count: usize| (redactor(1000), "x".repeat(count));
    let allocated = [64, 1024].map(|kib| {
        let (redactor, said) = input(kib * 1024);
        measure(|| drop(redactor.clean(&said))).bytes_total
    });
    assert_eq!(allocated[0], allocated[1]);
}

/// 32 KB of variables and 200 KB for each are 800 MB.
#[test]
fn what_is_refused_for_its_size_takes_no_more_memory_than_what_is_not() {
    let template = CompiledTemplate::new("s", "{{code}}".repeat(4000), ContentType::Plain);
    let payload = Payload::from_iter([("code".to_owned(), "x".repeat(200_000).into())]);
    let taken = measure(|| drop(template.render(&payload).unwrap_err()));
    assert!(taken.bytes_max < 3 * connector_kit::limits::RENDERED as u64, "{taken:?}");
}
