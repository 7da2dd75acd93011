#![doc = include_str!("../README.md")]

mod config;
mod http_email;
mod signature;

pub use config::HttpEmailConfig;
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use http_email::{CONNECTOR, HttpEmail};
