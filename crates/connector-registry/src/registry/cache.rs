//! What tenants send through, ready to be used: bounded, and never older than what was learnt before.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{ActiveConnector, templates::Templates};

/// How many tenants can be written at once; each has a stripe by the hash of its name.
const STRIPES: usize = 256;

/// A tenant, as of a revision. That nothing is active is remembered too: a slower, earlier change that comes to its end
/// now must not bring back what has been removed since.
pub(super) struct Tenant {
    pub(super) revision: u64,
    pub(super) active: Option<Arc<ActiveConnector>>,
    pub(super) templates: Templates,
}

/// The tenants used most.
pub(super) struct Cache {
    tenants: quick_cache::sync::Cache<String, Arc<Tenant>>,
    hasher: RandomState,
    stripes: Vec<Stripe>,
}

#[derive(Default)]
struct Stripe {
    /// Rises with whatever is learnt of one of its tenants, and whenever something may have been missed.
    epoch: AtomicU64,
    /// Held while a tenant is compared and replaced.
    writing: Mutex<()>,
}

impl Cache {
    pub(super) fn new(tenants: usize) -> Self {
        let stripes = std::iter::repeat_with(Stripe::default).take(STRIPES).collect();
        Self { tenants: quick_cache::sync::Cache::new(tenants.max(1)), hasher: RandomState::new(), stripes }
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.tenants.get(name)
    }

    /// The tenants here, with their revisions.
    pub(super) fn revisions(&self) -> Vec<(String, u64)> {
        self.tenants.iter().map(|(name, tenant)| (name, tenant.revision)).collect()
    }

    /// How much was learnt so far, of this tenant and some others.
    pub(super) fn epoch(&self, name: &str) -> u64 {
        self.stripe(name).epoch.load(Ordering::Acquire)
    }

    /// Takes note of `news` unless something newer is here, and returns the newer of the two. Where the tenant is not here
    /// and something was learnt since the epoch `since`, the news may be the older: then nothing is noted.
    pub(super) fn learn(&self, name: &str, news: Tenant, since: u64) -> Option<Arc<Tenant>> {
        let stripe = self.stripe(name);
        let _writing = stripe.writing.lock().unwrap_or_else(PoisonError::into_inner);
        match self.tenants.get(name) {
            Some(known) if known.revision >= news.revision => return Some(known),
            None if stripe.epoch.load(Ordering::Acquire) != since => return None,
            _ => {}
        }
        let news = Arc::new(news);
        self.tenants.insert(name.to_owned(), Arc::clone(&news));
        stripe.epoch.fetch_add(1, Ordering::AcqRel);
        Some(news)
    }

    /// Drops what is known of a tenant. What is being read of it at this moment is read again.
    pub(super) fn forget(&self, name: &str) {
        let stripe = self.stripe(name);
        let _writing = stripe.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.tenants.remove(name);
        stripe.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Has whatever is being read at this moment read again.
    pub(super) fn doubt_readings(&self) {
        for stripe in &self.stripes {
            let _writing = stripe.writing.lock().unwrap_or_else(PoisonError::into_inner);
            stripe.epoch.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn stripe(&self, name: &str) -> &Stripe {
        let hash = self.hasher.hash_one(name);
        &self.stripes[(hash % STRIPES as u64) as usize]
    }
}
