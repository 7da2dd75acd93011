//! A configuration with its secrets sealed.

use std::collections::{BTreeMap, BTreeSet};

use connector_registry::{ConnectorFactory, SealedConfig, Secret, Uuid};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{OpenError, Place, SealError, parse};
use crate::{KeyId, KeyRing};

/// The master keys that are needed to open `sealed`: those of its sealed secrets that can be read.
#[must_use]
pub fn key_ids(sealed: &SealedConfig) -> BTreeSet<KeyId> {
    sealed.secrets.values().filter_map(|sealed| parse(sealed)).map(|(id, ..)| id).collect()
}

/// Takes each secret out of `config`, a configuration of `factory`'s connector, and seals it for its place under the
/// master key `key`.
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
    let mut public = config.clone();
    let mut secrets = BTreeMap::new();
    for pointer in factory.secret_pointers(config) {
        let Some(value) = public.pointer_mut(&pointer).map(Value::take) else { continue };
        let text = Zeroizing::new(value.to_string());
        let place = Place { tenant, configuration, pointer: &pointer };
        let sealed = ring.seal_under(key, &place, &text)?;
        secrets.insert(pointer, sealed);
    }
    Ok(SealedConfig { config: public, secrets })
}

/// The configuration that was sealed. It needs no schema: a connector may have changed its own since.
///
/// # Errors
/// [`OpenError`] of the first secret that cannot be opened.
pub fn open_config(
    ring: &KeyRing,
    tenant: &str,
    configuration: Uuid,
    sealed: &SealedConfig,
) -> Result<Value, OpenError> {
    let mut config = sealed.config.clone();
    for (pointer, text) in &sealed.secrets {
        let secret = ring.open(&Place { tenant, configuration, pointer }, text)?;
        let field = config.pointer_mut(pointer).zip(serde_json::from_str(secret.expose()).ok());
        let Some((field, value)) = field else {
            return Err(OpenError::Malformed { tenant: tenant.to_owned(), pointer: pointer.clone() });
        };
        *field = value;
    }
    Ok(config)
}

/// The same configuration with every secret sealed under the master key `key`: what rotation does to each.
///
/// # Errors
/// [`ResealError`]: one of them cannot be opened, or not be sealed again.
pub fn reseal(
    ring: &KeyRing,
    key: KeyId,
    tenant: &str,
    configuration: Uuid,
    sealed: &SealedConfig,
) -> Result<SealedConfig, ResealError> {
    let again = |(pointer, text): (&String, &String)| {
        let place = Place { tenant, configuration, pointer };
        let secret: Secret = ring.open(&place, text)?;
        Ok((pointer.clone(), ring.seal_under(key, &place, secret.expose())?))
    };
    let secrets = sealed.secrets.iter().map(again).collect::<Result<_, ResealError>>()?;
    Ok(SealedConfig { config: sealed.config.clone(), secrets })
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
