//! One active connector per tenant: set up, changed, rolled back and removed while messages go through it.

use std::{fmt, sync::Arc, time::SystemTime};

use connector_kit::{Context, EmailConnector, Message, Receipt, SendPolicy, layered};
use papaya::{Compute, HashMap, Operation};
use serde_json::Value;
use tracing::Instrument;
use uuid::Uuid;

use crate::{
    ActiveConnector, Catalog, ConnectorStore, Draft, Error, Record, Removal, Status, StoreError, active::Built,
};

/// Keeps one active connector per tenant and sends through it.
///
/// Sends take no lock: the active connectors are in a lock-free map, each behind an `Arc`. A send that has begun ends
/// on the connector it began with; the first one after a change has returned goes through the new connector.
///
/// A change, once begun, is seen through even when its caller goes away, so that what is used here never falls behind
/// what is stored. Where other processes write to the same store, [`Registry::refresh`] catches up with them.
///
/// Cheap to clone; all clones are one registry.
pub struct Registry<S> {
    inner: Arc<Inner<S>>,
}

struct Inner<S> {
    catalog: Catalog,
    context: Context,
    policy: SendPolicy,
    store: S,
    /// What this process knows of each tenant.
    known: HashMap<String, Known>,
}

/// What is active, as of a revision. That nothing is active is remembered too: a slower, earlier change that comes to
/// its end now must not bring back what has been removed since.
#[derive(Clone)]
struct Known {
    revision: u64,
    active: Option<Arc<ActiveConnector>>,
}

impl<S: ConnectorStore> Registry<S> {
    /// A registry of the connectors in `catalog` over the configurations in `store`. Connectors are built with
    /// `context`, and every send keeps to `policy`.
    #[must_use]
    pub fn new(catalog: Catalog, context: Context, policy: SendPolicy, store: S) -> Self {
        Self { inner: Arc::new(Inner { catalog, context, policy, store, known: HashMap::new() }) }
    }

    /// The connectors that can be set up.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// Stores the tenant's first configuration and activates it.
    ///
    /// # Errors
    /// [`Error::AlreadyActive`] when the tenant has an active one: [`Registry::change`] replaces it.
    /// [`Error::UnknownConnector`] and [`Error::InvalidConfig`] before anything is stored; [`Error::Store`].
    pub async fn set_up(&self, tenant: &str, connector: &str, config: Value) -> Result<Record, Error> {
        let (built, draft) = self.prepare(connector, config)?;
        let (this, owner) = (self.clone(), tenant.to_owned());
        seen_through(async move {
            let stored = this.inner.store.set_up(&owner, draft).await;
            this.now_active(&owner, stored, built).await
        })
        .await
    }

    /// Stores a configuration and activates it in place of the active one, which is kept.
    ///
    /// # Errors
    /// [`Error::NoActiveConnector`] when the tenant has none: [`Registry::set_up`] makes the first.
    /// [`Error::UnknownConnector`] and [`Error::InvalidConfig`] before anything is stored; [`Error::Store`].
    pub async fn change(&self, tenant: &str, connector: &str, config: Value) -> Result<Record, Error> {
        let (built, draft) = self.prepare(connector, config)?;
        let (this, owner) = (self.clone(), tenant.to_owned());
        seen_through(async move {
            let stored = this.inner.store.change(&owner, draft).await;
            this.now_active(&owner, stored, built).await
        })
        .await
    }

    /// Activates a kept configuration again: the one with this `id`, or the one that was active last. The one active
    /// until now is kept, so a second rollback undoes the first.
    ///
    /// # Errors
    /// [`Error::UnknownConfiguration`], or [`Error::NothingToRollBackTo`] when no other is kept.
    /// [`Error::UnknownConnector`] and [`Error::InvalidConfig`] when this version cannot use the configuration any
    /// more; what is active then stays so. [`Error::Store`].
    pub async fn roll_back(&self, tenant: &str, id: Option<Uuid>) -> Result<Record, Error> {
        let Status { active, kept, .. } = self.status(tenant).await?;
        let target = match id {
            None => kept.into_iter().next().ok_or_else(|| Error::NothingToRollBackTo { tenant: tenant.to_owned() })?,
            Some(id) => active
                .into_iter()
                .chain(kept)
                .find(|record| record.id == id)
                .ok_or_else(|| Error::UnknownConfiguration { tenant: tenant.to_owned(), id })?,
        };
        let built = self.build(&target.connector, &target.config)?;
        let (this, owner) = (self.clone(), tenant.to_owned());
        seen_through(async move {
            let stored = this.inner.store.activate(&owner, target.id, SystemTime::now()).await;
            this.now_active(&owner, stored, built).await
        })
        .await
    }

    /// Deletes a configuration: the one with this `id`, or the active one. After that last the tenant cannot send until
    /// one is set up or rolled back to.
    ///
    /// # Errors
    /// [`Error::UnknownConfiguration`], [`Error::NoActiveConnector`], [`Error::Store`].
    pub async fn remove(&self, tenant: &str, id: Option<Uuid>) -> Result<Record, Error> {
        let (this, owner) = (self.clone(), tenant.to_owned());
        seen_through(async move {
            let stored = this.inner.store.remove(&owner, id).await;
            let Removal { removed, was_active, revision } = this.outcome(&owner, stored).await?;
            if was_active {
                this.learn(&owner, Known { revision, active: None });
            }
            tracing::info!(tenant = owner, connector = removed.connector, id = %removed.id, was_active, "removed");
            Ok(removed)
        })
        .await
    }

    /// The active configuration and the kept ones, as the store has them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn status(&self, tenant: &str) -> Result<Status, Error> {
        self.inner.store.status(tenant).await.map_err(|cause| Error::of_store(tenant, cause))
    }

    /// The active connector. It stays usable after a change; whoever keeps it keeps sending through it.
    ///
    /// # Errors
    /// [`Error::NoActiveConnector`]. When this process meets the tenant for the first time, also what
    /// [`Registry::refresh`] may fail with.
    pub async fn active(&self, tenant: &str) -> Result<Arc<ActiveConnector>, Error> {
        if let Some(Known { active: Some(active), .. }) = self.known(tenant) {
            return Ok(active);
        }
        self.refresh(tenant).await?.ok_or_else(|| Error::NoActiveConnector { tenant: tenant.to_owned() })
    }

    /// Sends `message` through the active connector.
    ///
    /// # Errors
    /// [`Error::Send`] with the connector's error, and what [`Registry::active`] may fail with.
    pub async fn send(&self, tenant: &str, message: &Message) -> Result<Receipt, Error> {
        Ok(self.active(tenant).await?.send(message).await?)
    }

    /// Catches up with the store, where another process may have written to it, and returns what is active now. Costs
    /// one read, and builds a connector only when something has changed.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::UnknownConnector`] and [`Error::InvalidConfig`] when what is stored cannot be used
    /// by this version.
    pub async fn refresh(&self, tenant: &str) -> Result<Option<Arc<ActiveConnector>>, Error> {
        let stored = self.inner.store.active(tenant).await.map_err(|cause| Error::of_store(tenant, cause))?;
        let known = self.known(tenant).unwrap_or(Known { revision: 0, active: None });
        if known.revision >= stored.revision {
            return Ok(known.active);
        }
        let active = match stored.active {
            None => None,
            Some(record) => {
                let built = self.build(&record.connector, &record.config)?;
                Some(Arc::new(ActiveConnector::new(&record, built)))
            }
        };
        Ok(self.learn(tenant, Known { revision: stored.revision, active }))
    }

    fn build(&self, connector: &str, config: &Value) -> Result<Built, Error> {
        let factory = self.inner.catalog.get(connector)?;
        let connector = factory.build(config, &self.inner.context).map_err(Error::InvalidConfig)?;
        Ok(layered(connector, self.inner.policy))
    }

    fn prepare(&self, connector: &str, config: Value) -> Result<(Built, Draft), Error> {
        let built = self.build(connector, &config)?;
        let draft = Draft { id: Uuid::new_v4(), connector: connector.to_owned(), config, saved_at: SystemTime::now() };
        Ok((built, draft))
    }

    /// Puts into use what the store has just made active.
    async fn now_active(
        &self,
        tenant: &str,
        stored: Result<Record, StoreError>,
        built: Built,
    ) -> Result<Record, Error> {
        let record = self.outcome(tenant, stored).await?;
        let active = Arc::new(ActiveConnector::new(&record, built));
        self.learn(tenant, Known { revision: record.revision, active: Some(active) });
        tracing::info!(tenant, connector = record.connector, id = %record.id, revision = record.revision, "now active");
        Ok(record)
    }

    /// What the store answered to a mutation. Where it failed, the mutation may have taken place all the same, so what
    /// is known here is made good.
    async fn outcome<T>(&self, tenant: &str, stored: Result<T, StoreError>) -> Result<T, Error> {
        if let Err(StoreError::Unavailable(cause)) = &stored {
            tracing::warn!(tenant, %cause, "the store failed during a change");
            if let Err(cause) = self.refresh(tenant).await {
                tracing::warn!(tenant, %cause, "and cannot say which configuration is active");
            }
        }
        stored.map_err(|cause| Error::of_store(tenant, cause))
    }

    fn known(&self, tenant: &str) -> Option<Known> {
        self.inner.known.pin().get(tenant).cloned()
    }

    /// Remembers `news` unless something newer is known, and returns what is active by the newer of the two.
    fn learn(&self, tenant: &str, news: Known) -> Option<Arc<ActiveConnector>> {
        // Revision 0 means that nothing was ever stored. Names that are merely asked for must not fill the memory.
        if news.revision == 0 {
            return None;
        }
        let known = self.inner.known.pin();
        let outcome = known.compute(tenant.to_owned(), |entry| match entry {
            Some((_, known)) if known.revision >= news.revision => Operation::Abort(known.active.clone()),
            _ => Operation::Insert(news.clone()),
        });
        match outcome {
            Compute::Aborted(newer) => newer,
            _ => news.active,
        }
    }
}

/// Runs `change` to its end even if the caller stops waiting for it: between the store and the map there is no point
/// at which it could stop without harm.
async fn seen_through<T: Send + 'static>(
    change: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    match tokio::spawn(change.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(cause) => match cause.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(Error::Store(cancelled.into())),
        },
    }
}

impl<S> Clone for Registry<S> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone() }
    }
}

impl<S: fmt::Debug> fmt::Debug for Registry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("store", &self.inner.store).finish_non_exhaustive()
    }
}
