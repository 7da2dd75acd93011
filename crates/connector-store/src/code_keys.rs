//! The keys under which one-time codes are hashed, made from the master keys.

use connector_registry::StoreError;
use verification_code::{HashKey, HashKeys};

use crate::{Store, store::unusable};

/// What the keys are derived for.
const PURPOSE: &str = "verification codes";

impl Store {
    /// The keys for this store's [`CodeStore`](verification_code::CodeStore): one of each master key at hand, that of the
    /// database's current one first. Whoever issues and verifies over one database has the same. A process that
    /// goes on for long asks again after a rotation, before the former key is taken away.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`]; [`StoreError::Unusable`] when the database's current master key is not at hand.
    pub async fn code_keys(&self) -> Result<HashKeys, StoreError> {
        let keys = &self.inner.keys;
        let current = self.inner.current_key().await?;
        let derived = |id| {
            let key = keys.derive(id, PURPOSE).map_err(unusable)?;
            HashKey::new(id.to_string(), key.as_slice()).map_err(unusable)
        };
        let former = keys.ids().into_iter().filter(|id| *id != current);
        former
            .map(derived)
            .try_fold(HashKeys::new(derived(current)?), |all, former| all.with_former(former?).map_err(unusable))
    }
}
