//! Validating a configuration: every problem at once, each with its pointer, and warnings for what has no effect.

use std::collections::HashSet;

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind as Kind},
};
use serde::Serialize;
use serde_json::{Number, Value};
use url::Url;

use crate::{Problem, UsageType, formats, schema::MAX_SAFE_INTEGER};

/// Longest name, in bytes, for which one that resembles it is looked for.
const NAME_MAX: usize = 64;

/// What validation found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Faults: with any of them, nothing can be sent.
    pub problems: Vec<Problem>,
    /// Worth knowing: fields without effect, settings that are weaker than they look.
    pub warnings: Vec<Problem>,
}

impl Report {
    /// Whether there is no fault.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.problems.is_empty()
    }

    /// Adds a fault.
    pub fn problem(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem::new(pointer, message));
    }

    /// Adds a warning.
    pub fn warning(&mut self, pointer: impl Into<String>, message: impl Into<String>) {
        self.warnings.push(Problem::new(pointer, message));
    }

    /// Adds a warning when the URL at `pointer` has `what` leave the machine unencrypted.
    pub fn warn_of_clear_url(&mut self, config: &Value, pointer: &str, what: &str) {
        let url = config.pointer(pointer).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
        let here = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        if url.is_some_and(|url| url.scheme() == "http" && !here(&url)) {
            self.warning(pointer, format!("over http:// everybody on the way can read {what}: use https://"));
        }
    }

    /// Puts everything into the order of the form.
    pub(crate) fn sort(&mut self, schema: &Value) {
        let order: Vec<&String> = schema["properties"].as_object().into_iter().flat_map(|known| known.keys()).collect();
        let place = |problem: &Problem| {
            let field = problem.pointer.split('/').nth(1).unwrap_or_default();
            order.iter().position(|name| *name == field)
        };
        self.problems.sort_by_key(place);
        self.warnings.sort_by_key(place);
    }

    /// Adds a fault when one of Logto's required templates is missing from `/templates`, a warning when one usage type has
    /// several, as only the first is used, and one for each usage type that is not known.
    pub fn require_templates(&mut self, config: &Value) {
        let Some(templates) = config["templates"].as_array() else { return };
        let given: Vec<&str> = templates.iter().filter_map(|template| template["usageType"].as_str()).collect();
        let required = [UsageType::Register, UsageType::SignIn, UsageType::ForgotPassword, UsageType::Generic];
        let missing: Vec<&str> = required.iter().map(UsageType::as_str).filter(|name| !given.contains(name)).collect();
        if !missing.is_empty() {
            self.problem("/templates", format!("templates are missing for: {}", missing.join(", ")));
        }
        for (index, template) in templates.iter().enumerate() {
            let unknown = template["usageType"].as_str().and_then(|name| UsageType::from(name).unknown());
            if let Some(unknown) = unknown {
                self.warning(format!("/templates/{index}/usageType"), unknown);
            }
        }
        let mut before = HashSet::new();
        for (index, name) in given.iter().enumerate() {
            if !before.insert(name) {
                self.warning(format!("/templates/{index}"), format!("a second template for {name} is never used"));
            }
        }
    }
}

/// Compiles a schema that we published ourselves, formats included.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    let mut options = jsonschema::options().should_validate_formats(true);
    for (name, check) in formats::FORMATS {
        options = options.with_format(name, move |text: &str| check(text).is_ok());
    }
    options.build(schema).map_err(|cause| cause.to_string())
}

/// Checks `config` against its schema. What is pasted around its secrets is returned apart.
pub(crate) fn check(config: &Value, validator: &Validator, schema: &Value) -> (Report, Vec<Problem>) {
    let (mut report, mut pasted) = (Report::default(), Vec::new());
    let errors: Vec<_> = validator.iter_errors(config).collect();
    let malformed = errors.iter().filter(|error| matches!(error.kind(), Kind::Format { .. }));
    let malformed: HashSet<String> = malformed.map(|error| error.instance_path().to_string()).collect();
    for error in &errors {
        // A line break in a secret breaks its format and its pattern: said once.
        let told =
            matches!(error.kind(), Kind::Pattern { .. }) && malformed.contains(&error.instance_path().to_string());
        if !told {
            let list = if is_pasted(error) { &mut pasted } else { &mut report.problems };
            list.push(problem(error, schema));
        }
    }
    unknown_fields(config, schema, "", &mut report);
    (report, pasted)
}

/// Whether it is about what was pasted around a secret, and nothing else is wrong with the text.
fn is_pasted(error: &ValidationError<'_>) -> bool {
    let format = match error.kind() {
        Kind::Format { format } => format,
        // It is what the format `token` is to a secret.
        Kind::Pattern { pattern } if pattern == formats::TOKEN => "password",
        _ => return false,
    };
    error.instance().as_str().is_some_and(|text| formats::was_taken(format, text))
}

/// `config` with every choice in the spelling that forms offer, where it has one that is only taken (`deprecated`): forms
/// show a field, and those that depend on it, by that spelling alone.
#[must_use]
pub(crate) fn as_offered(config: &Value, schema: &Value) -> Value {
    match (config, schema["oneOf"].as_array(), schema["properties"].as_object()) {
        (Value::String(text), Some(variants), _) if variants.iter().any(|one| one["const"] == *config) => {
            let mut offered = variants.iter().filter(|one| one["deprecated"] != true).map(|one| &one["const"]);
            let same = |one: &&Value| one.as_str().is_some_and(|name| name.eq_ignore_ascii_case(text));
            offered.find(same).unwrap_or(config).clone()
        }
        (Value::Object(members), _, Some(known)) => {
            let offered = |(name, value): (&String, &Value)| {
                (name.clone(), known.get(name).map_or_else(|| value.clone(), |field| as_offered(value, field)))
            };
            Value::Object(members.iter().map(offered).collect())
        }
        _ => config.clone(),
    }
}

/// `config` as it is meant: without the optional texts that are empty (consoles store a field left blank that way, and mean
/// "not set"), and with whole numbers written as such (587.0 is 587 in JSON Schema, and no integer to serde).
#[must_use]
pub(crate) fn as_meant(config: &Value, schema: &Value) -> Value {
    match (config, schema["properties"].as_object()) {
        (Value::Number(number), _) if schema["type"] == "integer" => whole(number).into(),
        (Value::Object(members), Some(known)) => {
            let required = |name: &String| {
                schema["required"].as_array().is_some_and(|names| names.contains(&name.as_str().into()))
            };
            let kept =
                members.iter().filter(|(name, value)| *value != "" || required(name) || !known.contains_key(*name));
            let clean = |(name, value): (&String, &Value)| {
                (name.clone(), known.get(name).map_or_else(|| value.clone(), |field| as_meant(value, field)))
            };
            Value::Object(kept.map(clean).collect())
        }
        _ => config.clone(),
    }
}

/// A number that is whole but written with a fraction or an exponent, as an integer.
fn whole(number: &Number) -> Number {
    let float = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= MAX_SAFE_INTEGER as f64);
    match float {
        Some(float) if number.is_f64() => (float as i64).into(),
        _ => number.clone(),
    }
}

fn problem(error: &ValidationError<'_>, schema: &Value) -> Problem {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            Problem::new(format!("{pointer}/{}", escape(name)), "is required")
        }
        Kind::OneOfNotValid { .. } => {
            let variants = schema.pointer(&error.schema_path().to_string()).and_then(Value::as_array);
            let named = variants.into_iter().flatten().filter(|one| one["deprecated"] != true);
            let names: Vec<String> = named.filter_map(|one| one.get("const")).map(plain).collect();
            match names.as_slice() {
                [] => Problem::new(pointer, "fits none of the allowed forms"),
                names => Problem::new(pointer, one_of(names)),
            }
        }
        kind => Problem::new(pointer, explain(kind, error.instance())),
    }
}

/// What is wrong, without the value: it may be a secret.
fn explain(kind: &Kind, instance: &Value) -> String {
    match kind {
        Kind::Type { kind: TypeKind::Single(expected) } => {
            format!("must be {}, not {}", with_article(&expected.to_string()), with_article(type_name(instance)))
        }
        Kind::Enum { options } => {
            let options: Vec<String> = options.as_array().into_iter().flatten().map(plain).collect();
            one_of(&options)
        }
        Kind::Constant { expected_value } => format!("must be {}", plain(expected_value)),
        Kind::MinLength { limit: 1 } | Kind::MinItems { limit: 1 } => "cannot be empty".to_owned(),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::Format { format } => {
            let fault = formats::check_of(format).zip(instance.as_str()).and_then(|(check, text)| check(text).err());
            fault.unwrap_or_else(|| format!("is not a valid {format}"))
        }
        Kind::AnyOf { .. } => "fits none of the allowed forms".to_owned(),
        Kind::Pattern { pattern } if pattern == formats::TOKEN => {
            formats::no_token(instance.as_str().unwrap_or_default())
        }
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        other => format!("does not fit the schema ({})", other.keyword()),
    }
}

fn one_of(names: &[String]) -> String {
    format!("must be one of: {}", names.join(", "))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn with_article(name: &str) -> String {
    match name {
        "null" => name.to_owned(),
        _ if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        _ => format!("a {name}"),
    }
}

/// Warns of every field that the schema does not know, with the nearest name that it does.
fn unknown_fields(config: &Value, schema: &Value, pointer: &str, report: &mut Report) {
    match config {
        Value::Object(members) => {
            let Some(known) = schema["properties"].as_object() else {
                // A map: its keys are anybody's, what stands under them is not.
                for (name, value) in members {
                    let here = format!("{pointer}/{}", escape(name));
                    unknown_fields(value, &schema["additionalProperties"], &here, report);
                }
                return;
            };
            for (name, value) in members {
                let here = format!("{pointer}/{}", escape(name));
                match known.get(name) {
                    Some(field) => unknown_fields(value, field, &here, report),
                    None => report.warning(here, unknown(name, known.keys())),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                unknown_fields(item, &schema["items"], &format!("{pointer}/{index}"), report);
            }
        }
        _ => {}
    }
}

fn unknown<'n>(name: &str, known: impl Iterator<Item = &'n String>) -> String {
    if name.len() > NAME_MAX {
        return "unknown field, has no effect".to_owned();
    }
    let distance = |other: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &other.to_lowercase());
    let nearest = known.map(|other| (distance(other), other)).min();
    match nearest {
        Some((distance, other)) if distance * 3 <= other.len().max(3) => {
            format!("unknown field, has no effect; did you mean `{other}`?")
        }
        _ => "unknown field, has no effect".to_owned(),
    }
}

/// Escapes one reference token of a JSON pointer.
pub(crate) fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}
