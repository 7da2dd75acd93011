//! The table of a connector's configuration: every field, from its JSON Schema and the items of its form.

use super::connector::{Description, FormItem};
use super::{cell, code};
use serde_json::Value;

/// One row of the table.
struct Field<'a> {
    /// Where it is in the configuration: `auth.user`, `templates[].subject`.
    key: String,
    required: bool,
    schema: &'a Value,
}

/// The table's section of the page.
pub fn section(connector: &Description) -> String {
    let mut fields = Vec::new();
    collect(&connector.config_schema, &connector.config_schema, "", &mut fields);
    let mut section =
        "## Configuration\n\n| Field | Type | Required | Default | What it is |\n|---|---|---|---|---|\n".to_owned();
    for field in &fields {
        let item = connector.form_items.iter().find(|item| item.key == field.key);
        section += &format!(
            "| `{}` | {} | {} | {} | {} |\n",
            field.key,
            cell(&kind(&connector.config_schema, field.schema, item)),
            if item.map_or(field.required, |item| item.required) { "yes" } else { "" },
            default_value(field, item).map(code).unwrap_or_default(),
            cell(&explanation(field, item)),
        );
    }
    section
}

/// The fields of an object's schema in declared order, each followed by the fields inside it.
fn collect<'a>(root: &'a Value, schema: &'a Value, prefix: &str, fields: &mut Vec<Field<'a>>) {
    let schema = resolve(root, schema);
    // The variants of a choice between objects each bring fields; what several have stands once.
    for variant in variants(schema) {
        collect(root, variant, prefix, fields);
    }
    let Some(properties) = schema["properties"].as_object() else { return };
    let required = schema["required"].as_array().map(Vec::as_slice).unwrap_or_default();
    for (name, field) in properties {
        let key = format!("{prefix}{name}");
        let field = resolve(root, field);
        if fields.iter().any(|known| known.key == key) {
            continue;
        }
        fields.push(Field { key: key.clone(), required: required.iter().any(|known| known == name), schema: field });
        collect(root, field, &format!("{key}."), fields);
        collect(root, &field["items"], &format!("{key}[]."), fields);
        collect(root, &field["additionalProperties"], &format!("{key}.*."), fields);
    }
}

/// What a reference inside the schema stands for.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten()
}

/// What holds when the field is absent, or what the form starts with. Lists and objects would burst the table.
fn default_value<'a>(field: &'a Field<'_>, item: Option<&'a FormItem>) -> Option<&'a Value> {
    let starts_with = item.and_then(|item| item.default_value.as_ref());
    field.schema.get("default").or(starts_with).filter(|value| !value.is_array() && !value.is_object())
}

/// The type in words: "text", "list of objects", or the values to choose from.
fn kind(root: &Value, schema: &Value, item: Option<&FormItem>) -> String {
    let schema = resolve(root, schema);
    let choices = item.map(|item| item.select_items.as_slice()).unwrap_or_default();
    if !choices.is_empty() {
        return choices.iter().map(|choice| format!("`{}`", choice.value)).collect::<Vec<_>>().join(", ");
    }
    let constants: Vec<&Value> = match schema["enum"].as_array() {
        Some(values) => values.iter().collect(),
        None => variants(schema).chain([schema]).filter_map(|variant| variant.get("const")).collect(),
    };
    if !constants.is_empty() {
        return constants.into_iter().map(code).collect::<Vec<_>>().join(", ");
    }
    if let Some(name) = schema["type"].as_str() {
        return match name {
            "string" => "text".to_owned(),
            "integer" => "whole number".to_owned(),
            "boolean" => "true or false".to_owned(),
            "array" if schema["items"].is_object() => format!("list of: {}", kind(root, &schema["items"], None)),
            "array" => "list".to_owned(),
            other => other.to_owned(),
        };
    }
    let mut kinds: Vec<String> = variants(schema).map(|variant| kind(root, variant, None)).collect();
    kinds.dedup();
    if kinds.is_empty() { "any".to_owned() } else { kinds.join(" or ") }
}

/// Title, description and what else one has to know, in sentences.
fn explanation(field: &Field<'_>, item: Option<&FormItem>) -> String {
    let mut parts = Vec::new();
    let title = item.map(|item| item.label.as_str()).or(field.schema["title"].as_str());
    if let Some(title) = title.filter(|title| field.key.rsplit('.').next() != Some(title)) {
        parts.push(format!("**{}.**", title.trim_end_matches('.')));
    }
    parts.extend(field.schema["description"].as_str().map(str::to_owned));
    if let Some(examples) = field.schema["examples"].as_array() {
        parts.push(format!("Such as {}.", examples.iter().map(code).collect::<Vec<_>>().join(", ")));
    }
    let Some(item) = item else { return parts.join(" ") };
    parts.extend(item.tooltip.clone());
    if item.select_items.iter().any(|choice| choice.title != choice.value) {
        let choices = item.select_items.iter().map(|choice| format!("`{}`: {}", choice.value, choice.title));
        parts.push(choices.collect::<Vec<_>>().join("; ") + ".");
    }
    if !item.show_conditions.is_empty() {
        let conditions = item.show_conditions.iter();
        let conditions =
            conditions.map(|condition| format!("`{}` is {}", condition.target_key, code(&condition.expect_value)));
        parts.push(format!("Only when {}.", conditions.collect::<Vec<_>>().join(" and ")));
    }
    if item.is_confidential {
        parts.push("Secret.".to_owned());
    }
    parts.extend(item.placeholder.as_ref().map(|example| format!("Example: `{example}`.")));
    parts.join(" ")
}
