//! From the config struct to its JSON Schema and to the items of its form.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    metadata::{Choice, FormItem, FormItemType, Preset, ShowCondition},
    validate,
};

/// The one extension in our schemas: what a form needs and JSON Schema has no word for.
pub const FORM: &str = "x-form";

/// The largest whole number that JSON carries everywhere (RFC 8259, section 6).
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// The JSON Schema (draft 2020-12) of `T`, without references.
///
/// An optional field may be absent, not null, as in Logto.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    if let Some(root) = schema.as_object_mut() {
        root.remove("title");
    }
    schema
}

/// Takes out of a schema, and all below it, what is Rust's and means nothing to others: "or null", the line ends of the
/// source code and the sizes of numbers, which are no formats that anybody knows.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(members) => {
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if types.len() == 1 {
                    let only = types.remove(0);
                    members.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("enum") {
                choices.retain(|choice| !choice.is_null());
            }
            if let Some(Value::Array(variants)) = members.get_mut("anyOf") {
                variants.retain(|variant| variant.get("type").is_none_or(|name| name != "null"));
                if variants.len() == 1
                    && let Value::Object(only) = variants.remove(0)
                {
                    members.remove("anyOf");
                    only.into_iter().for_each(|(key, value)| {
                        members.entry(key).or_insert(value);
                    });
                }
            }
            if members.get("default").is_some_and(Value::is_null) {
                members.remove("default");
            }
            if members.get("type").is_some_and(|kind| kind == "integer" || kind == "number") {
                let size = members.shift_remove("format");
                if size.is_some_and(|size| size == "uint64") {
                    members.entry("maximum").or_insert_with(|| MAX_SAFE_INTEGER.into());
                }
            }
            if let Some(Value::String(text)) = members.get_mut("description") {
                let paragraphs: Vec<String> = text.split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
                *text = paragraphs.join("\n\n");
            }
            members.values_mut().for_each(tidy);
            lift_type(members);
        }
        _ => {}
    }
}

/// Says of a choice between constants, as a whole, what type they are: form libraries look for it there.
fn lift_type(schema: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = schema.get_mut("oneOf") else { return };
    let Some(kind) = variants.first().and_then(|first| first.get("type")).cloned() else { return };
    if variants.iter().all(|variant| variant.get("const").is_some() && variant["type"] == kind) {
        for variant in variants.iter_mut().filter_map(Value::as_object_mut) {
            variant.shift_remove("type");
        }
        schema.shift_insert(0, "type".to_owned(), kind);
    }
}

/// The form items of a configuration's schema, in declared order; nested objects are flattened to dotted keys.
#[must_use]
pub fn form_items(schema: &Value) -> Vec<FormItem> {
    let mut items = Vec::new();
    collect(schema, "", true, &mut items);
    items
}

/// What `x-form` may say of a field.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Hints {
    #[serde(rename = "type")]
    kind: Option<FormItemType>,
    required: Option<bool>,
    placeholder: Option<String>,
    default_value: Option<Value>,
    tooltip: Option<String>,
    show_when: Map<String, Value>,
    presets: Vec<Preset>,
    hidden: bool,
    /// Whether it decides where secrets are sent, or how safely.
    destination: bool,
}

fn collect(schema: &Value, prefix: &str, parent_required: bool, items: &mut Vec<FormItem>) {
    let Some(properties) = schema["properties"].as_object() else { return };
    let required = |key: &str| schema["required"].as_array().is_some_and(|keys| keys.iter().any(|name| name == key));
    for (name, field) in properties {
        let key = format!("{prefix}{name}");
        let hints = Hints::deserialize(&field[FORM]).unwrap_or_default();
        if hints.hidden {
            continue;
        }
        let is_required = hints.required.unwrap_or(parent_required && required(name));
        if field["properties"].is_object() && hints.kind != Some(FormItemType::Json) {
            collect(field, &format!("{key}."), is_required, items);
            continue;
        }
        let text = |word: &str| field[word].as_str().map(str::to_owned);
        items.push(FormItem {
            label: text("title").unwrap_or_else(|| name.clone()),
            kind: hints.kind.unwrap_or_else(|| kind_of(field)),
            required: is_required,
            placeholder: hints.placeholder,
            default_value: hints.default_value.or_else(|| field.get("default").cloned()),
            select_items: choices_of(field),
            description: text("description"),
            tooltip: hints.tooltip,
            is_confidential: is_confidential(field),
            show_conditions: hints
                .show_when
                .into_iter()
                .map(|(target_key, expect_value)| ShowCondition { target_key, expect_value })
                .collect(),
            presets: hints.presets,
            key,
        });
    }
}

/// The fields marked as destinations, each with its pointer: those of the configuration and of the objects inside it.
pub(crate) fn destinations(schema: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("/{}", validate::escape(name));
        if Hints::deserialize(&field[FORM]).unwrap_or_default().destination {
            found.push((pointer.clone(), field));
        }
        let inside = destinations(field).into_iter();
        found.extend(inside.map(|(inner, field)| (format!("{pointer}{inner}"), field)));
    }
    found
}

/// Whether a field's schema marks it as a secret.
#[must_use]
pub fn is_confidential(field: &Value) -> bool {
    field["writeOnly"] == true || field["items"]["writeOnly"] == true
}

fn kind_of(field: &Value) -> FormItemType {
    match field["type"].as_str() {
        Some("boolean") => FormItemType::Switch,
        Some("integer" | "number") => FormItemType::Number,
        Some("array") if field["items"]["enum"].is_array() => FormItemType::MultiSelect,
        Some("array" | "object") => FormItemType::Json,
        _ if !choices_of(field).is_empty() => FormItemType::Select,
        _ => FormItemType::Text,
    }
}

/// The choices of a field: `enum`, or `oneOf` constants with their titles; of an array, its items'. What is deprecated,
/// such as another spelling, is taken but not offered.
fn choices_of(field: &Value) -> Vec<Choice> {
    let field = if field["type"] == "array" { &field["items"] } else { field };
    let choice =
        |value: &str, title: Option<&str>| Choice { value: value.to_owned(), title: title.unwrap_or(value).to_owned() };
    if let Some(values) = field["enum"].as_array() {
        return values.iter().filter_map(Value::as_str).map(|value| choice(value, None)).collect();
    }
    let variants = field["oneOf"].as_array().map(Vec::as_slice).unwrap_or_default();
    let constant = |variant: &Value| variant["const"].as_str().map(|value| choice(value, variant["title"].as_str()));
    variants.iter().filter(|variant| variant["deprecated"] != true).filter_map(constant).collect()
}
