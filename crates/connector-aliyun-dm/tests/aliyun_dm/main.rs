//! The Direct Mail connector's tests, as one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod answers;
mod conformance;
mod provider;
mod reference;
mod requests;
// The signature is no part of the crate's surface; its tests are part of this binary all the same.
#[path = "../../src/signature.rs"]
mod signature;
