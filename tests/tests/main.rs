//! End-to-end tests: real servers on loopback, one file a subject.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod adding_a_connector;
mod admin_ui;
mod book;
mod command;
mod exim;
mod lasting;
mod peers;
mod pool;
mod readme;
mod releases;
mod second_opinions;
mod smtplib;
mod text;

/// What Logto requires templates for, each made by `template`.
fn every_usage(template: impl FnMut(&'static str) -> serde_json::Value) -> Vec<serde_json::Value> {
    ["SignIn", "Register", "ForgotPassword", "Generic"].into_iter().map(template).collect()
}
