#![doc = include_str!("../README.md")]

mod %snake%;
mod config;

/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use config::{%Camel%Config, %Camel%Template};
pub use %snake%::{%Camel%, CONNECTOR};
