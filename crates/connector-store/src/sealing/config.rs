//! A configuration with its secrets sealed.

use std::collections::{BTreeMap, BTreeSet};

use connector_registry::{ConnectorFactory, Secret, Uuid};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{OpenError, Place, SealError, parse};
use crate::{KeyId, KeyRing};

/// A configuration as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedConfig {
    /// The configuration with null in place of every secret, so that fields keep their order.
    pub public: Value,
    /// The secrets, sealed, by JSON pointer.
    pub secrets: BTreeMap<String, String>,
}

impl SealedConfig {
    /// The master keys that are needed to open it: those of its sealed secrets that can be read.
    #[must_use]
    pub fn key_ids(&self) -> BTreeSet<KeyId> {
        self.secrets.values().filter_map(|sealed| parse(sealed)).map(|(id, ..)| id).collect()
    }
}

/// Takes each secret out of `config`, a configuration of `factory`'s connector, and seals it for its place.
///
/// # Errors
/// [`SealError`]: without random bytes nothing can be sealed.
pub fn seal_config(
    ring: &KeyRing,
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
        let sealed = ring.seal(&place, &text)?;
        secrets.insert(pointer, sealed);
    }
    Ok(SealedConfig { public, secrets })
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
    let mut config = sealed.public.clone();
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

/// The same configuration with every secret sealed under the current key: what rotation does to each.
///
/// # Errors
/// [`ResealError`]: one of them cannot be opened, or not be sealed again.
pub fn reseal(
    ring: &KeyRing,
    tenant: &str,
    configuration: Uuid,
    sealed: &SealedConfig,
) -> Result<SealedConfig, ResealError> {
    let again = |(pointer, text): (&String, &String)| {
        let place = Place { tenant, configuration, pointer };
        let secret: Secret = ring.open(&place, text)?;
        Ok((pointer.clone(), ring.seal(&place, secret.expose())?))
    };
    let secrets = sealed.secrets.iter().map(again).collect::<Result<_, ResealError>>()?;
    Ok(SealedConfig { public: sealed.public.clone(), secrets })
}

/// A configuration whose secrets cannot be sealed under the current key.
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
