//! The published schema, and whether what it accepts can be built.

use jsonschema::draft202012;
use serde_json::{Value, json};

use super::{
    Subject,
    subject::{remove, set},
};

/// Every client's validator can read it.
pub async fn is_valid_draft_2020_12(subject: &Subject) {
    let schema = subject.factory.config_schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["type"], "object");
    draft202012::meta::validate(schema).unwrap_or_else(|error| panic!("{error}"));
    // A validator that knows none of our formats accepts what ours does.
    let plain = draft202012::new(schema).unwrap();
    plain.validate(&subject.config).unwrap_or_else(|error| panic!("{error}"));
}

/// The rest of the suite starts from it.
pub async fn the_configuration_given_is_valid(subject: &Subject) {
    let report = subject.judge(&subject.config, &subject.secret_values(), "the subject's configuration");
    assert!(report.is_valid() && report.warnings.is_empty(), "{report:#?}");
}

/// Every field in turn is missing, null, empty and of a wrong type: validation and building say the same, and neither
/// shows a secret.
pub async fn what_it_accepts_can_be_built(subject: &Subject) {
    let hidden = subject.secret_values();
    let mut pointers = Vec::new();
    collect(&subject.config, "", &mut pointers);
    assert!(!pointers.is_empty());
    for pointer in &pointers {
        let given = subject.config.pointer(pointer).unwrap();
        let mut values =
            vec![json!(null), json!(""), json!(" "), json!([]), json!({}), json!(true), json!(-1), json!(1.5)];
        if !given.is_string() {
            values.push(json!("text"));
        }
        for value in values {
            let mut config = subject.config.clone();
            set(&mut config, pointer, value.clone());
            subject.judge(&config, &hidden, &format!("{pointer} as {value}"));
        }
        let mut config = subject.config.clone();
        remove(&mut config, pointer);
        subject.judge(&config, &hidden, &format!("{pointer} missing"));
    }
}

/// A configuration is an object, and whoever sends something else is told so.
pub async fn documents_of_other_types_are_refused(subject: &Subject) {
    for document in [json!(null), json!([]), json!("text"), json!(5), json!(true), json!([subject.config])] {
        let report = subject.judge(&document, &subject.secret_values(), "another type");
        let pointers: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert!(pointers.contains(&""), "{pointers:?}");
    }
}

/// Pointers to every field, those inside lists included.
fn collect(value: &Value, pointer: &str, pointers: &mut Vec<String>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        let pointer = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        collect(child, &pointer, pointers);
        pointers.push(pointer);
    }
}
