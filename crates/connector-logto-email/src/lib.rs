#![doc = include_str!("../README.md")]

mod config;
mod logto_email;

pub use config::LogtoEmailConfig;
pub use logto_email::{CONNECTOR, LogtoEmail};
