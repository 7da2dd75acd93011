#![doc = include_str!("../README.md")]

mod config;
mod sendgrid;

pub use config::{Region, SendGridConfig, SendGridTemplate};
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use sendgrid::{CONNECTOR, SendGrid};
