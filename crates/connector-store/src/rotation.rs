//! Changing the master key while everything goes on.

use std::{sync::Arc, time::Duration};

use connector_registry::StoreError;

use crate::{
    KeyId, OpenStoreError, Store,
    change::encode,
    open::{check, check_value},
    reseal,
    rows::SealedRow,
    store::unusable,
};

/// How long to wait for configurations that others are changing, and how often.
const WAIT: Duration = Duration::from_millis(50);
const WAITS: usize = 600;

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The key that everything is sealed under in the end.
    pub key: KeyId,
    /// How many configurations are sealed again.
    pub done: u64,
    /// How many had to be.
    pub total: u64,
}

impl Store {
    /// Makes the ring's first key the current one, seals every configuration's secrets again under it, and forgets the
    /// former keys. Other processes go on reading and writing meanwhile, provided that their keys have the new one,
    /// too: give it to all of them first, in any place. When this has returned, the former keys can be taken away.
    ///
    /// What is interrupted is taken up again by the next call. `progress` is told after each batch.
    ///
    /// # Errors
    /// [`OpenStoreError::MissingKeys`] and [`OpenStoreError::WrongKey`], when nothing was changed;
    /// [`OpenStoreError::Store`].
    pub async fn rotate_keys(&self, mut progress: impl FnMut(Rotation) + Send) -> Result<Rotation, OpenStoreError> {
        let inner = &self.inner;
        inner.keys.reload().await?;
        let known = inner.database.keys().await?;
        check(&known, &inner.keys)?;
        let key = inner.keys.current();
        let to = key.to_string();
        inner.database.make_current(&to, &check_value(&inner.keys, key)?, false).await?;
        inner.current.store(Arc::new(key));

        let former: Vec<String> = known.0.into_iter().map(|known| known.id).filter(|id| *id != to).collect();
        let mut rotation = Rotation { key, done: 0, total: 0 };
        for id in &former {
            rotation.total += inner.database.sealed_under(id).await?;
        }
        progress(rotation);
        let again = |row: &SealedRow| {
            let sealed = reseal(&inner.keys, key, &row.tenant, row.id()?, &row.connector, &row.sealed()?);
            let sealed = sealed.map_err(unusable)?;
            encode(&sealed.secrets)
        };
        for id in &former {
            let mut waits = 0;
            loop {
                let sealed = inner.database.reseal_some(id, &to, &again).await?;
                rotation.done += sealed;
                if sealed > 0 {
                    progress(rotation);
                } else if inner.database.sealed_under(id).await? == 0 {
                    break;
                } else if waits == WAITS {
                    let cause = "some configurations were being changed all the time: rotate again";
                    return Err(StoreError::Unavailable(cause.into()).into());
                } else {
                    waits += 1;
                    tokio::time::sleep(WAIT).await;
                }
            }
            inner.database.retire(id).await?;
        }
        Ok(rotation)
    }
}
