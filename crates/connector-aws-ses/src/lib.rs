#![doc = include_str!("../README.md")]

mod aws_ses;
mod clock;
mod config;
mod credentials;
mod errors;
mod http;
mod sending;

pub use aws_ses::{AwsSes, CONNECTOR};
pub use config::{AwsSesConfig, AwsSesTemplate};
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
