//! The form that an admin UI draws, against the schema that judges what comes of it.

use connector_kit::{FORM, FORMATS, FormItem, FormItemType};
use jsonschema::draft202012;
use serde_json::{Value, json};

use super::{
    Subject,
    subject::{remove, set},
};

/// A property of the schema that a form can set.
pub(super) struct Property<'s> {
    /// Its form item's key: `auth.user`.
    pub(super) key: String,
    /// Whether the schema requires it, and all it is in.
    pub(super) required: bool,
    /// Its schema.
    pub(super) schema: &'s Value,
}

/// The properties of a configuration's schema as a form shows them, hidden ones left out. Written apart from the kit's
/// own reading of the schema, which it checks.
pub(super) fn properties(schema: &Value) -> Vec<Property<'_>> {
    let mut found = Vec::new();
    collect(schema, "", true, &mut found);
    found
}

fn collect<'s>(schema: &'s Value, prefix: &str, within_required: bool, found: &mut Vec<Property<'s>>) {
    let members = schema["properties"].as_object().into_iter().flatten();
    for (name, field) in members.filter(|(_, field)| field[FORM]["hidden"] != true) {
        let key = format!("{prefix}{name}");
        let listed = schema["required"].as_array().is_some_and(|names| names.contains(&json!(name)));
        let required = field[FORM]["required"].as_bool().unwrap_or(within_required && listed);
        if field["properties"].is_object() && field[FORM]["type"] != "Json" {
            collect(field, &format!("{key}."), required, found);
        } else {
            found.push(Property { key, required, schema: field });
        }
    }
}

fn pointer(key: &str) -> String {
    format!("/{}", key.replace('.', "/"))
}

fn items(subject: &Subject) -> Vec<FormItem> {
    subject.factory.metadata().form_items
}

/// Whether validation has nothing against the field at `pointer` in `config`.
fn accepts(subject: &Subject, config: &Value, pointer: &str) -> bool {
    let problems = subject.factory.validate(config).problems;
    let inside = |found: &str| found == pointer || found.starts_with(&format!("{pointer}/"));
    !problems.iter().any(|problem| inside(&problem.pointer))
}

/// Whether the schema, formats included, has nothing against `value` in the field of this key. Rules across fields are
/// left out: that a port goes with a TLS mode says nothing of either.
fn schema_accepts(subject: &Subject, key: &str, value: &Value) -> bool {
    let mut config = subject.config.clone();
    let pointer = pointer(key);
    set(&mut config, &pointer, value.clone());
    let mut options = draft202012::options().should_validate_formats(true);
    for (name, check) in FORMATS {
        options = options.with_format(name, move |text: &str| check(text).is_ok());
    }
    let validator = options.build(subject.factory.config_schema()).unwrap();
    let inside = |found: &str| found == pointer || found.starts_with(&format!("{pointer}/"));
    !validator.iter_errors(&config).any(|error| inside(error.instance_path().as_str()))
}

/// No field can be set by hand alone, and none by the form alone.
pub async fn has_an_item_for_every_property(subject: &Subject) {
    let expected: Vec<String> =
        properties(subject.factory.config_schema()).into_iter().map(|property| property.key).collect();
    let keys: Vec<String> = items(subject).into_iter().map(|item| item.key).collect();
    assert_eq!(keys, expected);
}

/// A person knows what each field is called and what it is for.
pub async fn every_item_has_words(subject: &Subject) {
    for item in items(subject) {
        let name = item.key.rsplit('.').next().unwrap();
        assert!(!item.label.trim().is_empty() && item.label != name, "{} has no label", item.key);
        let description = item.description.unwrap_or_default();
        assert!(!description.trim().is_empty(), "{} has no description", item.key);
    }
}

/// Whoever draws the form from the schema alone, with a form library, finds in standard words all that it needs: inside
/// lists and maps too, which are single items to whoever draws it from the items.
pub async fn a_form_library_can_draw_it(subject: &Subject) {
    for (name, field) in subject.factory.config_schema()["properties"].as_object().into_iter().flatten() {
        if field[FORM]["hidden"] != true {
            can_be_drawn(field, name);
        }
    }
}

fn can_be_drawn(field: &Value, path: &str) {
    let has = |word: &str| field[word].as_str().is_some_and(|text| !text.trim().is_empty());
    assert!(has("title") && has("description"), "{path} has no title or no description");
    let line = |paragraph: &str| !paragraph.contains('\n');
    assert!(field["description"].as_str().unwrap().split("\n\n").all(line), "{path}: a line of source code ends early");
    let variants = field["anyOf"].as_array().map_or_else(|| vec![field], |variants| variants.iter().collect());
    for variant in variants {
        assert!(
            variant["type"].is_string() && variant["title"].is_string(),
            "{path} has a variant of no type or title"
        );
    }
    for choice in field["oneOf"].as_array().into_iter().flatten() {
        assert!(choice["title"].is_string(), "{path}: the choice {choice} has no title");
    }
    if field["writeOnly"] == true {
        let format = field["format"].as_str();
        assert!(matches!(format, Some("password" | "pem")), "{path} would be shown as it is typed: {format:?}");
    }
    for (name, inner) in field["properties"].as_object().into_iter().flatten() {
        can_be_drawn(inner, &format!("{path}.{name}"));
    }
    for inner in [&field["items"], &field["additionalProperties"]] {
        for (name, inner) in inner["properties"].as_object().into_iter().flatten() {
            can_be_drawn(inner, &format!("{path}[].{name}"));
        }
    }
}

/// What is secret is hidden in the form and marked in the schema.
pub async fn secrets_are_marked(subject: &Subject) {
    let schema = subject.factory.config_schema();
    let properties = properties(schema);
    let items = items(subject);
    let field_of = |pointer: &str| {
        let matching = |key: &str| pointer == self::pointer(key) || pointer.starts_with(&(self::pointer(key) + "/"));
        let at = properties.iter().position(|property| matching(&property.key));
        at.unwrap_or_else(|| panic!("{pointer} is no field of the form"))
    };
    let mut declared = Vec::new();
    for secret in subject.secrets {
        let at = field_of(secret);
        let (key, schema) = (&properties[at].key, properties[at].schema);
        assert!(items[at].is_confidential, "{key} is not confidential in the form");
        assert!(schema["writeOnly"] == true || schema["items"]["writeOnly"] == true, "{key} is not writeOnly");
        declared.push(key.as_str());
    }
    // One that the subject forgets would be tested nowhere.
    for item in items.iter().filter(|item| item.is_confidential) {
        let set = subject.config.pointer(&pointer(&item.key)).is_some();
        assert!(!set || declared.contains(&item.key.as_str()), "{} is missing from the subject's secrets", item.key);
    }
}

/// What the form asks for is what the schema wants. Beyond that an item may be required only where leaving it out is
/// in fact refused.
pub async fn required_agrees_with_the_schema(subject: &Subject) {
    for (property, item) in properties(subject.factory.config_schema()).iter().zip(items(subject)) {
        assert_eq!(item.required, property.required, "{}", item.key);
        if item.required && item.show_conditions.is_empty() {
            let mut config = subject.config.clone();
            remove(&mut config, &pointer(&item.key));
            assert!(!accepts(subject, &config, &pointer(&item.key)), "{} may be left out", item.key);
        }
    }
}

/// Whatever the form offers can be saved.
pub async fn choices_defaults_and_presets_are_accepted(subject: &Subject) {
    let items = items(subject);
    for item in &items {
        let choosing = matches!(item.kind, FormItemType::Select | FormItemType::MultiSelect);
        assert_eq!(choosing, !item.select_items.is_empty(), "{} and its choices do not go together", item.key);
        for choice in &item.select_items {
            assert!(!choice.title.trim().is_empty(), "{}: the choice {} has no title", item.key, choice.value);
            let value = match item.kind {
                FormItemType::MultiSelect => json!([choice.value]),
                _ => json!(choice.value),
            };
            assert!(schema_accepts(subject, &item.key, &value), "{}: the choice {value} is refused", item.key);
        }
        if let Some(default) = &item.default_value {
            assert!(schema_accepts(subject, &item.key, default), "{}: the default {default} is refused", item.key);
        }
        for preset in &item.presets {
            let mut config = subject.config.clone();
            for (key, value) in &preset.values {
                assert!(items.iter().any(|item| item.key == *key), "{}: there is no {key}", preset.title);
                set(&mut config, &pointer(key), value.clone());
            }
            let problems = subject.factory.validate(&config).problems;
            assert!(problems.is_empty(), "{}: {problems:#?}", preset.title);
        }
    }
}

/// A condition on a field that does not exist would hide its item for good.
pub async fn conditions_name_other_items(subject: &Subject) {
    let items = items(subject);
    for item in &items {
        for condition in &item.show_conditions {
            let (key, value) = (&condition.target_key, &condition.expect_value);
            assert_ne!(*key, item.key, "{key} waits for itself");
            assert!(items.iter().any(|other| other.key == *key), "{}: there is no {key}", item.key);
            assert!(schema_accepts(subject, key, value), "{}: {key} can never be {value}", item.key);
        }
    }
}

/// Filling in what is marked as required, and leaving the rest as it stands, is enough. A default that does not go with
/// what the subject fills in (a TLS mode with its port) gives way to the subject's value.
pub async fn defaults_and_required_fields_make_a_configuration(subject: &Subject) {
    let mut config = json!({});
    let mut defaults = Vec::new();
    for item in items(subject) {
        let pointer = pointer(&item.key);
        if let Some(default) = item.default_value {
            set(&mut config, &pointer, default);
            defaults.push(pointer);
        } else if item.required {
            let value = subject.config.pointer(&pointer);
            set(&mut config, &pointer, value.unwrap_or_else(|| panic!("the subject has no {pointer}")).clone());
        }
    }
    for problem in subject.factory.validate(&config).problems {
        let default = defaults.iter().find(|pointer| **pointer == problem.pointer);
        if let Some(value) = default.and_then(|pointer| subject.config.pointer(pointer)) {
            set(&mut config, &problem.pointer, value.clone());
        }
    }
    let report = subject.factory.validate(&config);
    assert!(report.is_valid(), "{:#?}", report.problems);
}
