//! Verification codes as their users see them, over the store in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod secrecy;
mod settings;

use std::sync::Arc;

use verification_code::{HashKey, HashKeys, InvalidKey, MemoryStore, suite};

#[tokio::test(flavor = "multi_thread")]
async fn the_store_in_memory_does_as_every_store_must() {
    suite::run(&Arc::new(MemoryStore::new()), str::to_owned).await;
}

#[test]
fn a_key_that_protects_nothing_is_refused() {
    let error = HashKey::new("2030-01", [7; 31]).unwrap_err();
    assert_eq!(error.to_string(), "the hash key `2030-01` has 31 bytes: give it 32 random ones at least");
    assert_eq!(HashKey::new("", [7; 32]).unwrap_err(), InvalidKey::Id { bytes: 0 });
    assert_eq!(HashKey::new("k".repeat(65), [7; 32]).unwrap_err(), InvalidKey::Id { bytes: 65 });
    let keys = HashKeys::new(HashKey::new("a", [7; 32]).unwrap());
    let error = keys.with_former(HashKey::new("a", [8; 32]).unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "two hash keys have the id `a`: give each its own");
}
