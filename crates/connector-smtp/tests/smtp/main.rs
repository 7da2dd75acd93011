//! The SMTP connector's tests, as one binary. Every server in them is on 127.0.0.1.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod auth;
mod config;
mod conformance;
mod faults;
mod headers;
mod injection;
mod mail;
mod oauth;
mod pool;
mod reference;
mod replies;
mod secrets;
mod sessions;
mod support;
mod tls;
mod trust;
mod validation;
