#![doc = include_str!("../README.md")]

mod config;
mod logto_email;

pub use config::LogtoEmailConfig;
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use logto_email::{CONNECTOR, LogtoEmail};
