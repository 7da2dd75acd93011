//! Rendering, by the rules of Logto's connectors and the differences we chose.

use connector_kit::{Escape, Payload, Template};
use serde_json::{Value, json};

fn payload(value: Value) -> Payload {
    value.as_object().unwrap().clone()
}

fn plain(template: &str, values: Value) -> String {
    Template::compile(template).render(&payload(values), Escape::None).unwrap()
}

fn html(template: &str, values: Value) -> String {
    Template::compile(template).render(&payload(values), Escape::Html).unwrap()
}

#[test]
fn puts_values_in_place_of_variables() {
    assert_eq!(plain("{{code}} and {{ code }}{{\ncode\t}}", json!({ "code": "42" })), "42 and 4242");
    // As an editor or an input method may write it, and JavaScript's `\s` takes it.
    let odd_spaces = "{{\u{a0}code\u{a0}}}{{\u{3000}code\u{3000}}}{{\u{feff}code\u{b}}}";
    assert_eq!(plain(odd_spaces, json!({ "code": "42" })), "424242");
    assert_eq!(plain("{{user.name}} {{user.0}}", json!({ "user": { "name": "Ann", "0": "zero" } })), "Ann zero");
    assert_eq!(plain("{{tags.1}}", json!({ "tags": ["a", "b"] })), "b");
}

#[test]
fn leaves_a_missing_root_and_empties_a_missing_child() {
    assert_eq!(plain("[{{missing}}] [{{missing.name}}]", json!({})), "[{{missing}}] [{{missing.name}}]");
    assert_eq!(plain("[{{app.name}}] [{{app.a.b.c}}]", json!({ "app": {} })), "[] []");
    assert_eq!(plain("[{{code.length}}] [{{code.}}]", json!({ "code": "42" })), "[] []");
}

#[test]
fn takes_nothing_else_in_braces_for_a_variable() {
    let odd = "{{#if code}}yes{{/if}} {{code-x}} {{&code}} {{co de}} { {code} } {{}} {{.code}} {{ }} {{code";
    assert_eq!(plain(odd, json!({ "code": "42" })), odd);
    assert_eq!(plain("{{{code}}} {{{{code}}}}", json!({ "code": "42" })), "{42} {{42}}");
}

#[test]
fn only_own_keys_exist() {
    assert_eq!(plain("{{constructor}} {{code.constructor}}|", json!({ "code": "1" })), "{{constructor}} |");
}

#[test]
fn never_renders_a_rendered_value() {
    assert_eq!(plain("{{a}}", json!({ "a": "{{b}}", "b": "secret" })), "{{b}}");
}

#[test]
fn writes_other_types_as_javascript_and_json_do() {
    let values = json!({
        "number": 7, "yes": true, "nothing": null, "float": 1.5, "big": 1e21, "list": [1, "a", null], "object": {"a": 1}
    });
    assert_eq!(
        plain("{{number}} {{yes}} [{{nothing}}] {{float}} {{big}} {{list}} {{object}}", values),
        r#"7 true [] 1.5 1e+21 [1,"a",null] {"a":1}"#
    );
}

#[test]
fn escapes_values_in_html_alone() {
    let values = json!({ "name": "<script>alert(\"x\")</script> & 'q'" });
    assert_eq!(
        html("<p title=\"{{name}}\">", values.clone()),
        "<p title=\"&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;q&#39;\">"
    );
    assert_eq!(plain("{{name}}", values), "<script>alert(\"x\")</script> & 'q'");
    assert_eq!(html("{{list}}", json!({ "list": ["<b>"] })), "[&quot;&lt;b&gt;&quot;]");
}

#[test]
fn keeps_text_beyond_ascii_whole() {
    assert_eq!(plain("验证码 {{code}} 🔐{{", json!({ "code": "１２３" })), "验证码 １２３ 🔐{{");
}
