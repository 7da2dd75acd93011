//! `describe`: what a connector is, and what its configuration holds.

use std::fmt::Write;

use connector_kit::{ConnectorFactory, FormItem, Metadata};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{connector, english, name};
use crate::{
    exit::Exit,
    failure::Failure,
    output::{self, Style, paint},
};

/// Longest value shown; the templates that some forms start with are longer.
const VALUE_MAX: usize = 80;

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors describe smtp
  email-connectors describe smtp --json | jq .configSchema

The JSON Schema of what --json prints: email-connectors schema --describe")]
pub struct Args {
    /// The connector: its id, target or short name.
    connector: String,
    /// Print one JSON object: everything, with logo, guide and the configuration's JSON Schema.
    #[arg(long)]
    pub json: bool,
}

/// Everything that an admin UI needs to draw a connector's set-up form.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "What `email-connectors describe <connector> --json` prints")]
pub struct Described<'f> {
    #[serde(flatten)]
    metadata: Metadata,
    /// The JSON Schema (draft 2020-12) of the configuration; `x-form` in it says how a field inside a list is edited.
    #[schemars(with = "Map<String, Value>")]
    config_schema: &'f Value,
}

/// Describes.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let factory = connector(&args.connector)?;
    if args.json {
        output::json(&Described { metadata: factory.metadata(), config_schema: factory.config_schema() })?;
    } else {
        output::result(&explain(factory, output::colours_on_stdout()))?;
    }
    Ok(Exit::Ok)
}

fn explain(factory: &ConnectorFactory, colours: bool) -> String {
    let about = factory.about();
    let mut text = format!("{}\n", paint(name(about), Style::Strong, colours));
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}\n", english(about.description));
    let _ = writeln!(text, "id      {}\ntarget  {}\n", about.id, about.target);
    let _ = writeln!(text, "{}", paint("Configuration", Style::Strong, colours));
    for item in factory.metadata().form_items {
        item_text(&mut text, &item, colours);
    }
    let _ = writeln!(text, "\nThe JSON Schema of it: email-connectors schema {}", about.id);
    text
}

fn item_text(text: &mut String, item: &FormItem, colours: bool) {
    let mut facts = vec![format!("{:?}", item.kind)];
    facts.push(if item.required { "required" } else { "optional" }.to_owned());
    facts.extend(item.is_confidential.then(|| "secret".to_owned()));
    facts.extend(item.default_value.as_ref().map(|value| format!("default {}", shown(value))));
    let key = paint(&item.key, Style::Strong, colours);
    let _ = writeln!(text, "\n  {key}  ({})", facts.join(", "));
    let mut line = |line: &str| {
        let _ = writeln!(text, "      {line}");
    };
    // The label is worth a line only where it says more than the key.
    if !item.label.replace(' ', "").eq_ignore_ascii_case(&item.key) {
        line(&item.label);
    }
    item.description.iter().chain(&item.tooltip).flat_map(|text| text.lines()).for_each(&mut line);
    if let Some(placeholder) = &item.placeholder {
        line(&format!("for example: {}", placeholder.escape_debug()));
    }
    if !item.select_items.is_empty() {
        let choices: Vec<&str> = item.select_items.iter().map(|choice| choice.value.as_str()).collect();
        line(&format!("one of: {}", choices.join(", ")));
    }
    for condition in &item.show_conditions {
        line(&format!("only with {} = {}", condition.target_key, shown(&condition.expect_value)));
    }
    for preset in &item.presets {
        line(&format!("preset {}: {}", preset.title, pairs(&preset.values)));
    }
}

fn pairs(values: &Map<String, Value>) -> String {
    let pairs: Vec<String> = values.iter().map(|(key, value)| format!("{key} = {}", shown(value))).collect();
    pairs.join(", ")
}

/// A value as JSON, shortened: `--json` has it in full.
fn shown(value: &Value) -> String {
    let json = value.to_string();
    match json.char_indices().nth(VALUE_MAX) {
        Some((at, _)) => format!("{}…", &json[..at]),
        None => json,
    }
}
