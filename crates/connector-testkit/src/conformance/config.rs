//! Validation, as whoever fills in a configuration meets it.

use serde_json::{Value, json};

use super::{Behaviour, Peer, Subject, form::properties, subject::set};

fn pointers(subject: &Subject, config: &Value) -> Vec<String> {
    subject.factory.validate(config).problems.into_iter().map(|problem| problem.pointer).collect()
}

/// Nobody corrects one field after the other.
pub async fn every_problem_is_reported_at_once(subject: &Subject) {
    let schema = subject.factory.config_schema();
    let found = pointers(subject, &json!({}));
    for name in schema["required"].as_array().into_iter().flatten() {
        let pointer = format!("/{}", name.as_str().unwrap());
        assert!(found.contains(&pointer), "nothing on {pointer}, which is missing: {found:?}");
    }

    let fields = schema["properties"].as_object().unwrap();
    let wrong = |field: &Value| if field["type"] == "object" { json!(7) } else { json!({ "wrong": true }) };
    let all_wrong: serde_json::Map<_, _> = fields.iter().map(|(name, field)| (name.clone(), wrong(field))).collect();
    let found = pointers(subject, &Value::Object(all_wrong));
    for name in fields.keys() {
        let pointer = format!("/{name}");
        let reported = found.iter().any(|one| *one == pointer || one.starts_with(&format!("{pointer}/")));
        assert!(reported, "nothing on {pointer}, which is of a wrong type: {found:?}");
    }
}

/// A slip of the keyboard is not silently without effect.
pub async fn an_unknown_field_is_warned_of_with_the_nearest_name(subject: &Subject) {
    let fields = subject.factory.config_schema()["properties"].as_object().unwrap();
    for name in fields.keys() {
        let slip = format!("{name}x");
        let mut config = subject.config.clone();
        set(&mut config, &format!("/{slip}"), json!("anything"));
        let report = subject.judge(&config, &subject.secret_values(), &slip);
        assert!(report.is_valid(), "{slip}: Logto accepts unknown fields, {:#?}", report.problems);
        let warning = report.warnings.iter().find(|warning| warning.pointer == format!("/{slip}"));
        let warning = warning.unwrap_or_else(|| panic!("no warning of {slip}"));
        assert!(warning.message.contains(&format!("`{name}`")), "{warning}");
    }
}

/// A key copied with its line end, or with what stands around it, would otherwise fail at every send, or end a header and
/// begin another.
pub async fn a_secret_with_a_line_break_is_refused_before_any_connection(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let properties = properties(subject.factory.config_schema());
    for (pointer, value) in subject.secrets.iter().zip(subject.secret_values()) {
        let key = pointer[1..].replace('/', ".");
        let property = properties.iter().find(|property| property.key == key);
        // A key in PEM is nothing but lines.
        if property.is_some_and(|property| property.schema["format"] == "pem") {
            continue;
        }
        let quoted = format!("\"{value}\"");
        let ends = ["\n", "\r\nX-Injected: yes", "\0", "\t", " ", "\u{a0}", "\u{200b}", "\u{feff}"];
        for end in ends.map(|end| format!("{value}{end}")).into_iter().chain([format!(" {value}"), quoted]) {
            let mut config = subject.config.clone();
            set(&mut config, pointer, json!(end));
            let report = subject.judge(&config, &[value], pointer);
            let found: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
            assert!(found.contains(pointer), "{pointer}: {end:?} is accepted: {found:?}");
        }
    }
    assert_eq!(peer.connections(), 0);
}

/// A secret pasted into the wrong field, or in a wrong shape, is not shown to whoever reads the report.
pub async fn a_misplaced_secret_never_shows(subject: &Subject) {
    let fields: Vec<String> = properties(subject.factory.config_schema())
        .iter()
        .map(|property| format!("/{}", property.key.replace('.', "/")))
        .collect();
    for (pointer, value) in subject.secrets.iter().zip(subject.secret_values()) {
        for field in fields.iter().map(String::as_str).chain(["/unknownField"]) {
            for misplaced in [json!(value), json!([value]), json!({ "value": value }), json!([{ "value": value }])] {
                let mut config = subject.config.clone();
                set(&mut config, field, misplaced);
                subject.judge(&config, &[value], &format!("the secret of {pointer} in {field}"));
            }
        }
    }
}

/// What stands in From is one mailbox, whoever wrote the configuration.
pub async fn a_sender_is_one_mailbox(subject: &Subject) {
    let Some(pointer) = subject.sender else { return };
    for bad in [
        "",
        "nobody",
        "@example.com",
        "a@example.com, b@example.com",
        "a@example.com\r\nBcc: evil@example.net",
        "Evil\r\nBcc: x <a@example.com>",
        "a@example.com\0",
    ] {
        let mut config = subject.config.clone();
        set(&mut config, pointer, json!(bad));
        let found = pointers(subject, &config);
        assert!(found.iter().any(|one| one == pointer), "{bad:?} is accepted as the sender: {found:?}");
    }
}
