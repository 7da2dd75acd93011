#![doc = include_str!("../README.md")]

mod auth;
mod config;
mod header;
mod mail;
mod oauth;
mod pool;
mod presets;
mod replies;
mod session;
mod smtp;
mod wire;

pub use config::{Auth, AuthType, CustomHeader, SmtpConfig, Tls, TlsMinVersion};
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use smtp::{CONNECTOR, Smtp};
