//! Changing the master key while everything goes on.

use std::{sync::Arc, time::Duration};

use connector_registry::{StoreError, Uuid};

use crate::{
    KeyId, OpenStoreError, Store,
    change::encode,
    open::{check, check_value},
    reseal,
    rows::{Resealed, SealedRow, text},
    sealing::{seal_again, shows_secrets},
    store::{Inner, unusable},
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
    /// Makes the ring's first key the current one, seals every configuration's secrets again under it, those in clear in
    /// what an earlier version stored among them, and forgets the former keys. Other processes go on reading and writing
    /// meanwhile, provided that their keys have the new one, too: give it to all of them first, in any place. When this has returned, the former keys can be taken away.
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
        let again = |row: &SealedRow| inner.seal_again(key, row);
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
        self.seal_what_shows(&mut rotation, &mut progress).await?;
        Ok(rotation)
    }

    /// Seals the secrets that an earlier version, which did not take them for any, stored in clear.
    async fn seal_what_shows(
        &self,
        rotation: &mut Rotation,
        progress: &mut (impl FnMut(Rotation) + Send),
    ) -> Result<(), OpenStoreError> {
        let Inner { database, catalog, .. } = &*self.inner;
        let (mut tenant, mut id) = (String::new(), Uuid::nil().to_string());
        loop {
            let rows = database.sealed_after(&tenant, &id).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            (tenant, id) = (last.tenant.clone(), last.id.clone());
            let before = rotation.done;
            for row in &rows {
                let Ok(factory) = catalog.get(&row.connector) else { continue };
                if !shows_secrets(factory, &row.sealed()?) {
                    continue;
                }
                let sealed = self.inner.seal_again(rotation.key, row)?;
                if database.replace_sealed(row, &sealed, &rotation.key.to_string()).await? {
                    rotation.done += 1;
                    rotation.total += 1;
                }
            }
            if rotation.done > before {
                progress(*rotation);
            }
        }
    }
}

impl Inner {
    /// What is in `row`, sealed as a change would seal it today. Of a connector that is not in the catalogue nobody knows
    /// what else is secret.
    fn seal_again(&self, key: KeyId, row: &SealedRow) -> Result<Resealed, StoreError> {
        let (id, sealed) = (row.id()?, row.sealed()?);
        let sealed = match self.catalog.get(&row.connector) {
            Ok(factory) => seal_again(&self.keys, key, factory, &row.tenant, id, &sealed),
            Err(_) => reseal(&self.keys, key, &row.tenant, id, &row.connector, &sealed),
        };
        let sealed = sealed.map_err(unusable)?;
        Ok(Resealed {
            tenant: row.tenant.clone(),
            id: row.id.clone(),
            config: text(&sealed.config),
            secrets: encode(&sealed.secrets)?,
            destinations: encode(&sealed.destinations)?,
        })
    }
}
