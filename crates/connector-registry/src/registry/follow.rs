//! Keeping up with other processes that write to the same store.

use std::{collections::HashMap, sync::Weak, time::Duration};

use tokio::{sync::broadcast::error::RecvError, task::JoinHandle};

use super::{Inner, Registry};
use crate::{Changed, ConnectorStore, Error};

/// How many tenants are asked after at once.
const BATCH: usize = 500;
/// How long to wait before asking again, after the store could not answer: doubled from time to time.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Keeps a registry up with its store until dropped.
#[derive(Debug)]
#[must_use = "dropped, it follows no longer"]
pub struct Follower(JoinHandle<()>);

impl Drop for Follower {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<S: ConnectorStore> Registry<S> {
    /// Follows the changes that other processes make, for as long as the follower is kept: within a second they are what
    /// is sent through here, those too that were made before. While the store cannot be reached, sends go on with what is
    /// in the cache.
    pub fn follow(&self) -> Follower {
        let mut news = self.inner.store.changes();
        let registry = std::sync::Arc::downgrade(&self.inner);
        Follower(tokio::spawn(async move {
            // Nobody has told of what was changed before.
            let mut changed = Changed::Any;
            loop {
                let mut wait = FIRST_WAIT;
                while let Err(cause) = catch_up(&registry, &changed).await {
                    tracing::warn!(%cause, "cannot catch up with the store, trying again");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                changed = match news.recv().await {
                    Ok(changed) => changed,
                    Err(RecvError::Lagged(_)) => Changed::Any,
                    Err(RecvError::Closed) => return,
                };
            }
        }))
    }

    /// Reads again those tenants in the cache that the store has a newer revision of.
    async fn catch_up_all(&self) -> Result<(), Error> {
        // A tenant that is being read for the first time comes into the cache before this, or is read again.
        self.inner.cache.doubt_readings();
        let known = self.inner.cache.revisions();
        for batch in known.chunks(BATCH) {
            let names: Vec<String> = batch.iter().map(|(name, _)| name.clone()).collect();
            let stored = self.inner.store.revisions(&names).await.map_err(|cause| Error::of_store("", cause))?;
            let known: HashMap<&String, u64> = batch.iter().map(|(name, revision)| (name, *revision)).collect();
            for (name, revision) in stored {
                if known.get(&name).is_none_or(|known| *known < revision) {
                    self.catch_up(&name).await?;
                }
            }
        }
        Ok(())
    }

    pub(super) async fn catch_up(&self, tenant: &str) -> Result<(), Error> {
        match self.read(tenant).await {
            // Somebody has to mend it. Until then sends of this tenant say so, and all others are followed.
            Err(cause @ (Error::UnknownConnector(_) | Error::InvalidConfig(_) | Error::StoreUnusable(_))) => {
                self.inner.cache.forget(tenant);
                tracing::warn!(tenant, %cause, "what is active in the store cannot be used here");
                Ok(())
            }
            other => other.map(drop),
        }
    }
}

async fn catch_up<S: ConnectorStore>(registry: &Weak<Inner<S>>, changed: &Changed) -> Result<(), Error> {
    // Without a registry nobody is left to catch up; the follower ends with the next news or when it is dropped.
    let Some(inner) = registry.upgrade() else { return Ok(()) };
    let registry = Registry { inner };
    match changed {
        // Whoever is not in the cache is read when a message comes, or again if that is under way.
        Changed::Tenant(name) if registry.inner.cache.get(name).is_none() => {
            registry.inner.cache.forget(name);
            Ok(())
        }
        Changed::Tenant(name) => registry.catch_up(name).await,
        Changed::Any => registry.catch_up_all().await,
    }
}
