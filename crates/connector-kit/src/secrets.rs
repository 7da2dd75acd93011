//! The secrets of a configuration as a whole: where they are, what shows instead of them, and when one that was stored
//! may be kept.

use serde_json::Value;

use crate::{ConnectorFactory, Error, Problem, Secret, schema, validate};

impl ConnectorFactory {
    /// JSON pointers to the secrets in `config`, in its own order: every value that is not null where the schema
    /// says `writeOnly`. What stands where a list or an object with secrets belongs, and is neither, counts too: it may
    /// be a secret in the wrong shape.
    #[must_use]
    pub fn secret_pointers(&self, config: &Value) -> Vec<String> {
        let mut found = Vec::new();
        collect(self.config_schema(), config, "", &mut found);
        found
    }

    /// `config` as it may be shown and edited: with [`Secret::MASK`] in place of every secret, and its choices spelled as
    /// forms offer them.
    #[must_use]
    pub fn masked(&self, config: &Value) -> Value {
        let mut masked = validate::as_offered(config, self.config_schema());
        for pointer in self.secret_pointers(config) {
            if let Some(value) = masked.pointer_mut(&pointer) {
                *value = Secret::MASK.into();
            }
        }
        masked
    }

    /// JSON pointers to the secrets in `config` that are nothing but the mask.
    #[must_use]
    pub fn masked_pointers(&self, config: &Value) -> Vec<String> {
        let is_masked = |pointer: &String| config.pointer(pointer).is_some_and(|value| *value == Secret::MASK);
        self.secret_pointers(config).into_iter().filter(is_masked).collect()
    }

    /// JSON pointers to the fields that decide where secrets are sent or how safely: those whose `x-form` says
    /// `"destination": true`.
    #[must_use]
    pub fn destination_pointers(&self) -> Vec<String> {
        schema::destinations(self.config_schema()).into_iter().map(|(pointer, _)| pointer).collect()
    }

    /// Whether both configurations send their secrets to the same place, equally safely. Values are compared as they are
    /// meant: one that is absent, null or left blank is its default.
    ///
    /// # Errors
    /// JSON pointers to the destination fields that differ.
    pub fn same_destination(&self, old: &Value, new: &Value) -> Result<(), Vec<String>> {
        let schema = self.config_schema();
        let (old, new) = (validate::as_meant(old, schema), validate::as_meant(new, schema));
        let differs = |(pointer, field): (String, &Value)| {
            let meant = |config: &Value| {
                let given = config.pointer(&pointer).filter(|value| !value.is_null());
                given.or_else(|| field.get("default")).cloned()
            };
            (meant(&old) != meant(&new)).then_some(pointer)
        };
        let differing: Vec<String> = schema::destinations(schema).into_iter().filter_map(differs).collect();
        if differing.is_empty() { Ok(()) } else { Err(differing) }
    }

    /// `new` with the secrets of `stored` wherever it has the mask, so that a configuration that was shown masked can
    /// be edited without its secrets. `stored` is a configuration of this connector, if there is one.
    ///
    /// A secret is kept only where it goes to the same destination. One inside a list is kept only while nothing else
    /// in that list has changed: otherwise its place could be another's. Secrets that are absent stay absent.
    ///
    /// # Errors
    /// `InvalidConfig` with a problem at every masked secret that cannot be kept.
    pub fn with_kept_secrets(&self, new: Value, stored: Option<&Value>) -> Result<Value, Error> {
        let masked = self.masked_pointers(&new);
        if masked.is_empty() {
            return Ok(new);
        }
        let Some(stored) = stored else {
            return Err(Error::invalid_config(masked.into_iter().map(nothing_stored).collect()));
        };
        if let Err(changed) = self.same_destination(stored, &new) {
            let names: Vec<String> = changed.iter().map(|pointer| format!("`{}`", key_of(pointer))).collect();
            let words =
                format!("is required again: {} changed, and the secret would be sent there", names.join(" and "));
            let problem = |pointer: String| Problem::new(pointer, words.clone());
            return Err(Error::invalid_config(masked.into_iter().map(problem).collect()));
        }
        let known = self.secret_pointers(stored);
        let mut kept = new.clone();
        let mut problems = Vec::new();
        for pointer in &masked {
            match stored.pointer(pointer).filter(|_| known.contains(pointer)) {
                Some(secret) => {
                    if let Some(value) = kept.pointer_mut(pointer) {
                        value.clone_from(secret);
                    }
                }
                None => problems.push(nothing_stored(pointer.clone())),
            }
        }
        let missing: Vec<String> = problems.iter().map(|problem| problem.pointer.clone()).collect();
        for pointer in masked.into_iter().filter(|pointer| !missing.contains(pointer)) {
            if let Some(list) = outermost_list(&new, &pointer)
                && kept.pointer(list) != stored.pointer(list)
            {
                let words = format!("is required again: the list `{}` changed", key_of(list));
                problems.push(Problem::new(pointer, words));
            }
        }
        if problems.is_empty() { Ok(kept) } else { Err(Error::invalid_config(problems)) }
    }
}

fn nothing_stored(pointer: String) -> Problem {
    let mask = Secret::MASK;
    Problem::new(pointer, format!("is masked ({mask}) and no stored configuration has it: give the secret itself"))
}

/// Pointers to the secrets of `value`, each once however many variants of the schema name it.
fn collect(schema: &Value, value: &Value, pointer: &str, found: &mut Vec<String>) {
    if value.is_null() || found.iter().any(|known| known == pointer) {
        return;
    }
    if schema["writeOnly"] == true || is_out_of_shape(schema, value) {
        found.push(pointer.to_owned());
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let here = format!("{pointer}/{}", validate::escape(name));
                let field = schema["properties"].get(name).unwrap_or(&schema["additionalProperties"]);
                collect(field, member, &here, found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let first = schema["prefixItems"].get(index);
                collect(first.unwrap_or(&schema["items"]), item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
    variants(schema).for_each(|variant| collect(variant, value, pointer, found));
}

fn variants(schema: &Value) -> impl Iterator<Item = &Value> {
    ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema[word].as_array()).flatten()
}

/// Whether the schema wants a list or an object that holds secrets, and `value` is something else.
fn is_out_of_shape(schema: &Value, value: &Value) -> bool {
    let fits = match schema["type"].as_str() {
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => true,
    };
    !fits && holds_secrets(schema)
}

fn holds_secrets(schema: &Value) -> bool {
    let named = schema["properties"].as_object().into_iter().flat_map(|fields| fields.values());
    let listed = schema["prefixItems"].as_array().into_iter().flatten();
    let others = [&schema["items"], &schema["additionalProperties"]];
    schema["writeOnly"] == true
        || named
            .chain(listed)
            .chain(others)
            .chain(variants(schema))
            .any(|inner| inner.is_object() && holds_secrets(inner))
}

/// The pointer to the outermost list that `pointer` leads through.
fn outermost_list<'p>(config: &Value, pointer: &'p str) -> Option<&'p str> {
    let mut ends = pointer.char_indices().filter(|(_, char)| *char == '/').map(|(at, _)| &pointer[..at]);
    ends.find(|prefix| config.pointer(prefix).is_some_and(Value::is_array))
}

/// A pointer as people write it: `auth.pass`.
fn key_of(pointer: &str) -> String {
    let tokens = pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"));
    tokens.collect::<Vec<_>>().join(".")
}
