//! The tests of the connector for Logto's email service, as one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod answers;
mod conformance;
mod provider;
mod reference;
mod requests;
mod tokens;
