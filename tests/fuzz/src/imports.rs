//! Imports: a file that somebody hands in is taken as a whole, or refused as a whole.

use connector_kit::SendPolicy;
use connector_registry::{Actor, Catalog, Export, MemoryStore, Registry};

use crate::offline;

/// Reads `data` as an export, and imports it twice into an empty store.
pub fn run(data: &[u8]) {
    let Ok(export) = serde_json::from_slice::<Export>(data) else { return };
    if export.tenants.len() > 20 {
        return;
    }
    let context = offline::context(offline::NoAnswer);
    let registry = Registry::new(Catalog::builtin(), context, SendPolicy::default(), MemoryStore::new());
    offline::runtime().block_on(async {
        let by = Actor::new("fuzz", "fuzz");
        if registry.import(export.clone(), &by).await.is_ok() {
            registry.import(export, &by).await.expect("what was imported can be imported again");
        }
    });
}
