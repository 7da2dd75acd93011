//! The kit's tests, as one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod connections;
mod content;
mod delivery;
mod egress;
mod factory;
mod http;
mod layers;
mod limits;
mod mailbox;
mod oauth;
mod redact;
mod secrets;
mod shield;
mod template;
mod text;
mod work;
