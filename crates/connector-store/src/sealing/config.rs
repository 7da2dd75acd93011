//! A configuration with its secrets sealed.

use std::collections::{BTreeMap, BTreeSet};

use connector_registry::{ConnectorFactory, SealedConfig, Secret, Uuid};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{OpenError, Place, SealError, parse};
use crate::{KeyId, KeyRing};

/// Below it, every whole number is a floating-point number of its own: 2 to the power of 53.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The master keys that are needed to open `sealed`: those of its sealed secrets that can be read.
#[must_use]
pub fn key_ids(sealed: &SealedConfig) -> BTreeSet<KeyId> {
    sealed.secrets.values().filter_map(|sealed| parse(sealed)).map(|(id, ..)| id).collect()
}

/// Takes each secret out of `config`, a configuration of `factory`'s connector, and seals it for its place, and for where
/// it is sent, under the master key `key`.
///
/// # Errors
/// [`SealError`]: without that key or random bytes nothing can be sealed.
pub fn seal_config(
    ring: &KeyRing,
    key: KeyId,
    factory: &ConnectorFactory,
    tenant: &str,
    configuration: Uuid,
    config: &Value,
) -> Result<SealedConfig, SealError> {
    seal_at(ring, key, factory, tenant, configuration, config, factory.secret_pointers(config))
}

/// `sealed` as a change would seal it today, under the master key `key`: with every field that `factory`'s connector counts
/// among the secrets by now, and bound to where it says that they are sent. What is sealed stays so.
///
/// # Errors
/// [`ResealError`]: one of them cannot be opened, or not be sealed.
pub(crate) fn seal_again(
    ring: &KeyRing,
    key: KeyId,
    factory: &ConnectorFactory,
    tenant: &str,
    configuration: Uuid,
    sealed: &SealedConfig,
) -> Result<SealedConfig, ResealError> {
    let config = open_config(ring, tenant, configuration, factory.id(), sealed)?;
    let pointers: BTreeSet<String> =
        factory.secret_pointers(&config).into_iter().chain(sealed.secrets.keys().cloned()).collect();
    Ok(seal_at(ring, key, factory, tenant, configuration, &config, pointers)?)
}

/// Whether `sealed` has a secret in clear: an earlier version did not take it for one.
pub(crate) fn shows_secrets(factory: &ConnectorFactory, sealed: &SealedConfig) -> bool {
    // Those that are sealed are null.
    !factory.secret_pointers(&sealed.config).is_empty()
}

/// Seals what is at `pointers`. What is inside of another is sealed with it, which must come first.
fn seal_at(
    ring: &KeyRing,
    key: KeyId,
    factory: &ConnectorFactory,
    tenant: &str,
    configuration: Uuid,
    config: &Value,
    pointers: impl IntoIterator<Item = String>,
) -> Result<SealedConfig, SealError> {
    let mut public = config.clone();
    let mut texts = BTreeMap::new();
    for pointer in pointers {
        let Some(value) = public.pointer_mut(&pointer).map(Value::take) else { continue };
        texts.insert(pointer, Zeroizing::new(value.to_string()));
    }
    let destinations = if texts.is_empty() { Vec::new() } else { factory.destination_pointers() };
    let destination = destination(factory.id(), &destinations, &public);
    let seal = |(pointer, text): (String, Zeroizing<String>)| {
        let place = Place { tenant, configuration, pointer: &pointer, destination: &destination };
        let sealed = ring.seal_under(key, &place, &text)?;
        Ok((pointer, sealed))
    };
    let secrets = texts.into_iter().map(seal).collect::<Result<_, SealError>>()?;
    Ok(SealedConfig { config: public, secrets, destinations })
}

/// The configuration that was sealed. It needs no schema: a connector may have changed its own since.
///
/// # Errors
/// [`OpenError`] of the first secret that cannot be opened.
pub fn open_config(
    ring: &KeyRing,
    tenant: &str,
    configuration: Uuid,
    connector: &str,
    sealed: &SealedConfig,
) -> Result<Value, OpenError> {
    let mut config = sealed.config.clone();
    let destination = destination(connector, &sealed.destinations, &sealed.config);
    for (pointer, text) in &sealed.secrets {
        let secret = ring.open(&Place { tenant, configuration, pointer, destination: &destination }, text)?;
        let field = config.pointer_mut(pointer).zip(serde_json::from_str(secret.expose()).ok());
        let Some((field, value)) = field else {
            return Err(OpenError::Malformed { tenant: tenant.to_owned(), configuration, pointer: pointer.clone() });
        };
        *field = value;
    }
    Ok(config)
}

/// The same configuration with every sealed secret sealed under the master key `key`. It needs no schema.
///
/// # Errors
/// [`ResealError`]: one of them cannot be opened, or not be sealed again.
pub fn reseal(
    ring: &KeyRing,
    key: KeyId,
    tenant: &str,
    configuration: Uuid,
    connector: &str,
    sealed: &SealedConfig,
) -> Result<SealedConfig, ResealError> {
    let destination = destination(connector, &sealed.destinations, &sealed.config);
    let again = |(pointer, text): (&String, &String)| {
        let place = Place { tenant, configuration, pointer, destination: &destination };
        let secret: Secret = ring.open(&place, text)?;
        Ok((pointer.clone(), ring.seal_under(key, &place, secret.expose())?))
    };
    let secrets = sealed.secrets.iter().map(again).collect::<Result<_, ResealError>>()?;
    Ok(SealedConfig { secrets, ..sealed.clone() })
}

/// Where the secrets of a configuration are sent: its connector, and the value of each field that decides it, as JSON.
/// `public` has none of the secrets. A field that is absent is null, as either stands for its default.
fn destination(connector: &str, pointers: &[String], public: &Value) -> String {
    let value = |pointer: &String| canonical(public.pointer(pointer).unwrap_or(&Value::Null));
    let fields = pointers.iter().map(|pointer| Value::Array(vec![pointer.as_str().into(), value(pointer)]));
    Value::Array(std::iter::once(connector.into()).chain(fields).collect()).to_string()
}

/// The same value whatever program has written it again meanwhile: in an export, members may change their order, and `587`
/// may have become `587.0`.
fn canonical(value: &Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 && float.abs() < EXACT => (float as i64).into(),
            _ => value.clone(),
        },
        Value::Array(items) => items.iter().map(canonical).collect(),
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let member = |(name, value): (&String, &Value)| (name.clone(), canonical(value));
            Value::Object(sorted.into_iter().map(member).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value.clone(),
    }
}

/// A configuration whose secrets cannot be sealed under another key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResealError {
    /// A secret cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A secret cannot be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
}
