//! The %Title% connector's tests, as one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod conformance;
mod provider;
mod requests;
