//! One active connector per tenant: set up, changed, rolled back and removed while messages go through it.

mod cache;
mod follow;
mod lifecycle;
mod promotion;
mod readings;
mod settings;
mod transfer;

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use connector_kit::{Context, EmailConnector, Message, Problem, Receipt, SendContext, SendPolicy, layered};
use serde_json::Value;
use tokio::time::timeout;
use tracing::Instrument;
use uuid::Uuid;

pub use follow::Follower;
pub use lifecycle::{Activated, Candidate, Proposal, Removed};
pub use promotion::Promotion;
pub use transfer::{ConfigurationExport, Export, ExportedSecrets, Imported, TenantExport};

use crate::{
    ActiveConnector, Catalog, Change, Committed, ConnectorStore, Error, HistoryEntry, Record, Status, StoreError,
    TenantState, active::Built, templates::Templates,
};
use cache::{Cache, Tenant};
use readings::Readings;

/// How many tenants' connectors are kept ready unless said otherwise.
const CACHED_TENANTS: usize = 1000;
/// How often a decision is made anew because somebody else was faster.
const TURNS: usize = 32;

/// Keeps one active connector per tenant and sends through it.
///
/// A send takes no lock that a change holds: what a tenant sends through is in a cache, behind an `Arc`. A send that has
/// begun ends on the connector it began with; the first one after a change has returned goes through the new connector.
/// The cache is bounded; a tenant beyond the bound costs one read and a connector built.
///
/// A change, once begun, is seen through even when its caller goes away, so that what is used here never falls behind
/// what is stored. Where other processes write to the same store, [`Registry::follow`] keeps up with them.
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
    cache: Cache,
    readings: Readings<Reading>,
}

/// What came of reading a tenant.
type Reading = Result<Option<Arc<Tenant>>, Error>;

impl<S: ConnectorStore> Registry<S> {
    /// A registry of the connectors in `catalog` over what is in `store`. Connectors are built with `context`, and every
    /// send keeps to `policy`. The connectors of 1000 tenants are kept ready.
    #[must_use]
    pub fn new(catalog: Catalog, context: Context, policy: SendPolicy, store: S) -> Self {
        Self::with_cached_tenants(catalog, context, policy, store, CACHED_TENANTS)
    }

    /// The same, with the connectors of this many tenants kept ready.
    #[must_use]
    pub fn with_cached_tenants(
        catalog: Catalog,
        context: Context,
        policy: SendPolicy,
        store: S,
        cached_tenants: usize,
    ) -> Self {
        let cache = Cache::new(cached_tenants);
        Self { inner: Arc::new(Inner { catalog, context, policy, store, cache, readings: Readings::new() }) }
    }

    /// The connectors that can be set up.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.inner.catalog
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.inner.store
    }

    /// The active configuration and the kept ones, as the store has them; nothing for a tenant that does not exist.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn status(&self, tenant: &str) -> Result<Status, Error> {
        Ok(self.stored_status(tenant).await?.unwrap_or_default())
    }

    /// What was done to the tenant, the latest first: at most `limit` entries of revisions below `before`.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn history(&self, tenant: &str, before: Option<u64>, limit: u32) -> Result<Vec<HistoryEntry>, Error> {
        self.inner.store.history(tenant, before, limit).await.map_err(|cause| Error::of_store(tenant, cause))
    }

    /// The active connector. It stays usable after a change; whoever keeps it keeps sending through it.
    ///
    /// # Errors
    /// [`Error::NoActiveConnector`]. When the tenant is not in the cache, also what [`Registry::refresh`] may fail with;
    /// [`Error::Store`] when the store gives no answer within the policy's `max_time`.
    pub async fn active(&self, tenant: &str) -> Result<Arc<ActiveConnector>, Error> {
        let (active, _) = self.ready(tenant).await?;
        Ok(active)
    }

    /// Sends `message` through the active connector, with the tenant's own template where it has one and the message
    /// brings none. A tenant that is not in the cache is read first, which may take as long as the policy's `max_time`;
    /// the send's own deadline begins when the connector is ready.
    ///
    /// A send that has begun is seen through, and its outcome logged, if the returned future is dropped
    /// ([`Shield`](connector_kit::Shield)).
    ///
    /// # Errors
    /// [`Error::Send`] with the connector's error, and what [`Registry::active`] may fail with.
    pub async fn send(&self, tenant: &str, message: &Message) -> Result<Receipt, Error> {
        self.send_in(tenant, message, &SendContext::new()).await
    }

    /// The same in a context of the caller's, with a deadline, or to know what is known of the send when it is given up.
    ///
    /// # Errors
    /// As [`Registry::send`].
    pub async fn send_in(&self, tenant: &str, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let (active, known) = self.ready(tenant).await?;
        Ok(send_with(&*active, &known.templates, message, context).await?)
    }

    /// Catches up with the store, where another process may have written to it, and returns what is active there. Costs
    /// one read, and builds a connector only when another one is active.
    ///
    /// # Errors
    /// [`Error::Store`]; [`Error::UnknownConnector`] and [`Error::InvalidConfig`] when what is stored cannot be used
    /// by this version.
    pub async fn refresh(&self, tenant: &str) -> Result<Option<Arc<ActiveConnector>>, Error> {
        Ok(self.read(tenant).await?.and_then(|known| known.active.clone()))
    }

    /// What a send needs: from the cache, or else from the store.
    async fn ready(&self, tenant: &str) -> Result<(Arc<ActiveConnector>, Arc<Tenant>), Error> {
        let Inner { cache, readings, policy, .. } = &*self.inner;
        let usable = |known: Arc<Tenant>| Some((known.active.clone()?, known));
        if let Some(ready) = cache.get(tenant).and_then(usable) {
            return Ok(ready);
        }
        // Many sends may find at once that the tenant is not here; one reads for all.
        let cached = || cache.get(tenant).filter(|known| known.active.is_some()).map(|known| Ok(Some(known)));
        let reading = timeout(policy.max_time, readings.share(tenant, cached, self.read(tenant)));
        let known = reading.await.unwrap_or_else(|_| {
            let late = format!("it gave no answer within {} s", policy.max_time.as_secs_f64());
            Err(Error::of_store(tenant, StoreError::Unavailable(late.into())))
        });
        known?.and_then(usable).ok_or_else(|| Error::NoActiveConnector { tenant: tenant.to_owned() })
    }

    /// What the store has on a tenant, if it exists.
    async fn stored(&self, tenant: &str) -> Result<Option<TenantState>, Error> {
        self.inner.store.tenant(tenant).await.map_err(|cause| Error::of_store(tenant, cause))
    }

    /// What is active and what is kept, if the tenant exists.
    async fn stored_status(&self, tenant: &str) -> Result<Option<Status>, Error> {
        self.inner.store.status(tenant).await.map_err(|cause| Error::of_store(tenant, cause))
    }

    async fn read(&self, tenant: &str) -> Reading {
        for _ in 0..TURNS {
            let since = self.inner.cache.epoch(tenant);
            let Some(state) = self.stored(tenant).await? else { return Ok(None) };
            if let Some(known) = self.learn(tenant, state, None, since)? {
                return Ok(Some(known));
            }
        }
        Err(Error::Contended { tenant: tenant.to_owned() })
    }

    /// Takes note of what the store says, unless something newer is known, and returns the newer of the two. None when
    /// that cannot be told: what was learnt since `since` may have left the cache again.
    fn learn(
        &self,
        name: &str,
        state: TenantState,
        built: Option<(Uuid, Built)>,
        since: u64,
    ) -> Result<Option<Arc<Tenant>>, Error> {
        let cache = &self.inner.cache;
        let known = cache.get(name);
        if let Some(known) = known.as_ref().filter(|known| known.revision >= state.revision) {
            return Ok(Some(Arc::clone(known)));
        }
        let tenant = self.assemble(name, &state, known.as_deref(), built).inspect_err(|_| {
            // Nothing may be sent through a connector that is no longer the active one.
            cache.forget(name);
        })?;
        Ok(cache.learn(name, tenant, since))
    }

    /// Makes ready what `state` says, with a connector that is there already where it is the same activation.
    fn assemble(
        &self,
        tenant: &str,
        state: &TenantState,
        known: Option<&Tenant>,
        built: Option<(Uuid, Built)>,
    ) -> Result<Tenant, Error> {
        let ready = |record: &Record| -> Result<_, Error> {
            let saved = &record.saved;
            let same = known.and_then(|known| known.active.as_ref());
            let same = same.filter(|active| (active.id(), active.revision()) == (saved.id, saved.revision));
            if let Some(active) = same {
                return Ok(Arc::clone(active));
            }
            let built = match built {
                Some((id, built)) if id == saved.id => built,
                _ => self.build_stored(tenant, record)?,
            };
            Ok(Arc::new(ActiveConnector::new(saved, built)))
        };
        let active = state.active.as_ref().map(ready).transpose()?;
        Ok(Tenant { revision: state.revision, active, templates: Templates::of(&state.settings) })
    }

    /// The connector of a configuration that is handed in.
    fn build(&self, connector: &str, config: &Value) -> Result<Built, Error> {
        let factory = self.inner.catalog.get(connector)?;
        let connector = factory.build(config, &self.inner.context).map_err(Error::InvalidConfig)?;
        Ok(layered(connector, self.inner.policy))
    }

    /// Builds the connector of a stored configuration. A secret that only earlier versions accepted is warned of, and mail goes
    /// on.
    fn build_stored(&self, tenant: &str, Record { saved, config }: &Record) -> Result<Built, Error> {
        let factory = self.inner.catalog.get(&saved.connector)?;
        let (connector, pasted) = factory.build_stored(config, &self.inner.context).map_err(Error::InvalidConfig)?;
        for Problem { pointer, message } in pasted {
            let (id, connector) = (saved.id, &saved.connector);
            tracing::warn!(tenant, %id, connector, pointer, "the stored secret {message}; change it to the one that was issued");
        }
        Ok(layered(connector, self.inner.policy))
    }

    /// Has the store do `change` and puts into use what comes of it, to the end even if the caller stops waiting. Returns
    /// the revision that it made.
    async fn commit(&self, tenant: &str, change: Change, built: Option<(Uuid, Built)>) -> Result<u64, StoreError> {
        let (this, name) = (self.clone(), tenant.to_owned());
        seen_through(async move {
            let since = this.inner.cache.epoch(&name);
            let (action, id) = (change.entry.action, change.entry.configuration);
            let stored = this.inner.store.commit(&name, change).await;
            match stored {
                Ok(Committed { revision, state }) => {
                    tracing::info!(tenant = name, action = action.as_str(), ?id, revision, "changed");
                    match state.map(|state| this.learn(&name, state, built, since)) {
                        Some(Ok(_)) => {}
                        Some(Err(cause)) => tracing::warn!(tenant = name, %cause, "what is stored cannot be used"),
                        // The next send reads it, and says why it cannot be read.
                        None => {
                            this.inner.cache.forget(&name);
                            tracing::warn!(tenant = name, "what is active cannot be read");
                        }
                    }
                    Ok(revision)
                }
                // The change may have taken place all the same, so what is known here is made good.
                Err(StoreError::Unavailable(cause)) => {
                    tracing::warn!(tenant = name, %cause, "the store failed during a change");
                    if let Err(cause) = this.catch_up(&name).await {
                        tracing::warn!(tenant = name, %cause, "and cannot say which configuration is active");
                    }
                    Err(StoreError::Unavailable(cause))
                }
                Err(refused) => Err(refused),
            }
        })
        .await
    }
}

/// Sends with the template that the tenant has for the message, unless the message brings its own.
async fn send_with(
    connector: &impl EmailConnector,
    templates: &Templates,
    message: &Message,
    context: &SendContext,
) -> Result<Receipt, connector_kit::Error> {
    let template = if message.template.is_none() { templates.choose(message) } else { None };
    match template {
        Some(template) => connector.send(&message.clone().with_template(template.compiled()?), context).await,
        None => connector.send(message, context).await,
    }
}

/// The time in whole milliseconds, as every store keeps it.
fn moment() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(since.as_millis()).unwrap_or_default())
}

/// Runs `change` to its end even if the caller stops waiting for it: between the store and the cache there is no point
/// at which it could stop without harm.
async fn seen_through<T: Send + 'static>(
    change: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::spawn(change.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(cause) => match cause.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(cancelled) => Err(StoreError::Unavailable(cancelled.into())),
        },
    }
}

impl<S> Clone for Registry<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S: fmt::Debug> fmt::Debug for Registry<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("store", &self.inner.store).finish_non_exhaustive()
    }
}
