//! What differs between two configurations, secrets told only as changed or unchanged.

use connector_kit::{ConnectorFactory, Secret};
use serde::Serialize;
use serde_json::Value;

/// One field that differs, or a secret.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldDifference {
    /// JSON pointer of the field.
    pub pointer: String,
    /// How it differs.
    pub difference: Difference,
    /// What it was; a secret is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What it becomes; a secret is masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
}

/// How a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Difference {
    /// It was not there.
    Added,
    /// It is there no longer.
    Removed,
    /// It has another value.
    Changed,
    /// It is the same: only secrets are listed then.
    Unchanged,
}

/// Every field that differs between two configurations of one connector, and every secret, in the order of the fields.
pub(crate) fn differences(factory: &ConnectorFactory, from: Option<&Value>, to: &Value) -> Vec<FieldDifference> {
    let mut secrets = factory.secret_pointers(to);
    secrets.extend(from.map(|from| factory.secret_pointers(from)).unwrap_or_default());
    let mut found = Vec::new();
    compare(String::new(), from, Some(to), &secrets, &mut found);
    found
}

fn compare(
    pointer: String,
    from: Option<&Value>,
    to: Option<&Value>,
    secrets: &[String],
    found: &mut Vec<FieldDifference>,
) {
    let is_secret = secrets.contains(&pointer);
    match (from, to) {
        (Some(Value::Object(_)) | None, Some(Value::Object(_)))
        | (Some(Value::Object(_)), None)
        | (Some(Value::Array(_)) | None, Some(Value::Array(_)))
        | (Some(Value::Array(_)), None)
            if !is_secret =>
        {
            let mut names = members(to);
            names.extend(members(from).into_iter().filter(|name| !members(to).contains(name)));
            for name in names {
                let child =
                    |value: Option<&'_ Value>| value.and_then(|value| value.pointer(&format!("/{name}"))).cloned();
                compare(format!("{pointer}/{name}"), child(from).as_ref(), child(to).as_ref(), secrets, found);
            }
        }
        (from, to) => {
            let difference = match (from, to) {
                (None, Some(_)) => Difference::Added,
                (Some(_), None) => Difference::Removed,
                (from, to) if from == to => Difference::Unchanged,
                _ => Difference::Changed,
            };
            if difference == Difference::Unchanged && !is_secret {
                return;
            }
            let shown = |value: Option<&Value>| match value {
                Some(_) if is_secret => Some(Secret::MASK.into()),
                value => value.cloned(),
            };
            found.push(FieldDifference { pointer, difference, from: shown(from), to: shown(to) });
        }
    }
}

/// The reference tokens under which a value has others.
fn members(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Object(members)) => members.keys().map(|name| name.replace('~', "~0").replace('/', "~1")).collect(),
        Some(Value::Array(items)) => (0..items.len()).map(|index| index.to_string()).collect(),
        _ => Vec::new(),
    }
}
