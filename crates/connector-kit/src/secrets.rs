//! The secrets of a configuration as a whole: where they are, what shows instead of them, and when one that was stored
//! may be kept.

use serde_json::Value;

use crate::{ConnectorFactory, Error, Problem, Secret, schema, validate, words_of};

impl ConnectorFactory {
    /// JSON pointers to the secrets in `config`, in its own order: every value that is not null where the schema
    /// says `writeOnly`, and whatever may be a secret in the wrong place. That is what stands where a list or an object
    /// with secrets belongs and is neither; each member that the schema does not know, as a whole; and, where the names
    /// are free, as those of headers are, what is named like a secret.
    #[must_use]
    pub fn secret_pointers(&self, config: &Value) -> Vec<String> {
        let mut found = Vec::new();
        collect(&[self.config_schema()], config, "", &mut found);
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

/// Pointers to the secrets of `value`, which fits all of `schemas` or any of their variants; without a schema, anything.
fn collect(schemas: &[&Value], value: &Value, pointer: &str, found: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    let mut forms = Vec::new();
    schemas.iter().for_each(|schema| add_forms(schema, &mut forms));
    if forms.iter().any(|form| form["writeOnly"] == true || is_out_of_shape(form, value)) {
        found.push(pointer.to_owned());
        return;
    }
    match value {
        Value::Object(members) => {
            let names_its_members = forms.iter().any(|form| form["properties"].is_object());
            let takes_others = forms.iter().any(|form| form["additionalProperties"] == true);
            for (name, member) in members.iter().filter(|(_, member)| !member.is_null()) {
                let here = format!("{pointer}/{}", validate::escape(name));
                let named: Vec<&Value> = forms.iter().filter_map(|form| form["properties"].get(name)).collect();
                let is_named = !named.is_empty();
                let others = || forms.iter().map(|form| &form["additionalProperties"]).filter(|any| any.is_object());
                let fields = if is_named { named } else { others().collect() };
                // What the schema does not know may be a secret under a name that is misspelt, or of another program; and
                // a map's name may say so.
                let unknown = names_its_members && fields.is_empty() && !takes_others;
                let is_free = !is_named && fields.iter().all(|field| !field["properties"].is_object());
                match unknown || (is_free && promises_a_secret(name)) {
                    true => found.push(here),
                    false => collect(&fields, member, &here, found),
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let of = |form: &&'_ Value| form["prefixItems"].get(index).is_some() || form["items"].is_object();
                let inner: Vec<&Value> = forms
                    .iter()
                    .copied()
                    .filter(of)
                    .map(|form| form["prefixItems"].get(index).unwrap_or(&form["items"]))
                    .collect();
                collect(&inner, item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// `schema` and, however deep, its variants.
fn add_forms<'s>(schema: &'s Value, forms: &mut Vec<&'s Value>) {
    forms.push(schema);
    variants(schema).for_each(|variant| add_forms(variant, forms));
}

/// Whether the name of a member that anybody may choose, such as that of a header, stands for a secret.
pub(crate) fn promises_a_secret(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    words_of(name).iter().any(|word| SHORT_WORDS.contains(&word.as_str()))
        || SECRET_WORDS.iter().any(|word| plain.contains(word))
}

/// What stands for a secret only as a word of its own: `monkey` is none.
const SHORT_WORDS: [&str; 8] = ["auth", "bearer", "key", "pass", "pwd", "sig", "signature", "sid"];

/// What names of secrets have in common: `X-Api-Key`, `Proxy-Authorization`, `webhook_token`.
const SECRET_WORDS: [&str; 12] = [
    "accesskey",
    "apikey",
    "authorisation",
    "authorization",
    "cookie",
    "credential",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "token",
];

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
