//! The set-up form, item by item as a person sees it.

use super::code;
use super::connector::{Description, FormItem, Preset};
use serde_json::Value;

/// The form's section of the page.
pub fn section(connector: &Description) -> String {
    let mut section =
        "## Form\n\nWhat a person sees who sets the connector up in an admin UI, from top to bottom.\n".to_owned();
    for (at, item) in connector.form_items.iter().enumerate() {
        let number = format!("{}. ", at + 1);
        let indent = " ".repeat(number.len());
        section += &format!("\n{number}**{}** — {}\n", item.label, facts(item, &connector.form_items));
        for help in item.description.iter().chain(&item.tooltip) {
            section += &format!("\n{indent}{}\n", help.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if !item.presets.is_empty() {
            section += &format!("\n{indent}Presets fill in several fields at once:\n\n");
            section.extend(item.presets.iter().map(|preset| format!("{indent}- {}\n", filled_in(preset))));
        }
    }
    section
}

/// What kind of control it is, when it is shown, and how it is to be filled in.
fn facts(item: &FormItem, all: &[FormItem]) -> String {
    let mut facts = control(item);
    facts += if item.required { ", required" } else { ", optional" };
    if item.is_confidential {
        facts += ", hidden once stored";
    }
    facts += ".";
    if let Some(value) = &item.default_value {
        facts += &match value {
            Value::Array(_) | Value::Object(_) => " It starts with an example.".to_owned(),
            Value::Bool(on) => format!(" At first {}.", if *on { "on" } else { "off" }),
            value => format!(" At first {}.", choice(item, value)),
        };
    }
    if let Some(example) = &item.placeholder {
        facts += &format!(
            " Empty, it shows {}.",
            code(&Value::from(example.split_whitespace().collect::<Vec<_>>().join(" ")))
        );
    }
    let conditions = item.show_conditions.iter().map(|condition| {
        let other = all.iter().find(|other| other.key == condition.target_key);
        let label = other.map_or(&condition.target_key, |other| &other.label);
        let value = match &condition.expect_value {
            Value::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
            value => other.map_or_else(|| code(value), |other| choice(other, value)),
        };
        format!("**{label}** is {value}")
    });
    let conditions: Vec<String> = conditions.collect();
    if !conditions.is_empty() {
        facts += &format!(" Shown when {}.", conditions.join(" and "));
    }
    facts + &format!(" Goes into `{}`.", item.key)
}

fn control(item: &FormItem) -> String {
    let choices = || item.select_items.iter().map(|choice| choice.title.as_str()).collect::<Vec<_>>().join(" / ");
    match item.kind.as_str() {
        "Text" => "a line of text".to_owned(),
        "Number" => "a number".to_owned(),
        "MultilineText" => "several lines of text".to_owned(),
        "Switch" => "a switch".to_owned(),
        "Select" => format!("one of: {}", choices()),
        "MultiSelect" => format!("any of: {}", choices()),
        "Json" => "JSON".to_owned(),
        other => other.to_owned(),
    }
}

/// A value as the person sees it: by its title, where it has one.
fn choice(item: &FormItem, value: &Value) -> String {
    let chosen = item.select_items.iter().find(|choice| *value == choice.value.as_str());
    chosen.map_or_else(|| code(value), |choice| choice.title.clone())
}

fn filled_in(preset: &Preset) -> String {
    let values = preset.values.iter().map(|(key, value)| format!("`{key}` {}", code(value)));
    format!("{}: {}", preset.title, values.collect::<Vec<_>>().join(", "))
}
