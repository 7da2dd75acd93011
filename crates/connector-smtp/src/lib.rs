#![doc = include_str!("../README.md")]

mod config;
mod mail;
mod oauth;
mod pool;
mod presets;
mod replies;
mod session;
mod smtp;
mod wire;

pub use config::{Auth, AuthType, CustomHeader, SmtpConfig, Tls, TlsMinVersion};
pub use smtp::{CONNECTOR, Smtp};
