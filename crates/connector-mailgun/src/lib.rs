#![doc = include_str!("../README.md")]

mod config;
mod mailgun;

pub use config::{Deliveries, Delivery, MailgunConfig};
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use mailgun::{CONNECTOR, Mailgun};
