//! The store's tests, as one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod at_once;
mod children;
mod codes;
mod contract;
mod damaged;
mod destinations;
mod histories;
mod kept;
mod key_sources;
mod key_text;
mod master_keys;
mod migrations;
mod news;
mod pasted;
mod places;
mod rotation;
mod round_trips;
mod rule;
mod sealed_config;
mod sealing;
mod secrecy;
mod server;

use connector_registry::Secret;
use connector_store::{KeyError, KeyRing, KeySource, generate_key};

fn key() -> String {
    generate_key().unwrap().expose().to_owned()
}

async fn load(text: &str) -> Result<KeyRing, KeyError> {
    KeyRing::load(KeySource::Given(Secret::new(text))).await
}

async fn ring(text: &str) -> KeyRing {
    load(text).await.unwrap()
}

/// The error that loading `source` comes to, having made sure that it does not show `hidden`.
async fn refused(source: KeySource, hidden: &str) -> KeyError {
    let error = KeyRing::load(source).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains(hidden), "{error}");
    error
}
