//! Imports: a file that somebody hands in is taken as a whole, or refused as a whole.

use connector_kit::SendPolicy;
use connector_registry::{Actor, Catalog, Export, MemoryStore, Registry};

use crate::offline;

/// Reads `data` as an export, and imports it twice into an empty store.
pub fn run(data: &[u8]) {
    import(data);
}

/// The same, and says whether it was imported.
pub fn import(data: &[u8]) -> bool {
    let Ok(export) = serde_json::from_slice::<Export>(data) else { return false };
    if export.tenants.len() > 20 {
        return false;
    }
    let context = offline::context(offline::NoAnswer);
    let registry = Registry::new(Catalog::builtin(), context, SendPolicy::default(), MemoryStore::new());
    offline::runtime().block_on(async {
        let by = Actor::new("fuzz", "fuzz");
        let is_imported = registry.import(export.clone(), &by).await.is_ok();
        if is_imported {
            registry.import(export, &by).await.expect("what was imported can be imported again");
        }
        is_imported
    })
}
