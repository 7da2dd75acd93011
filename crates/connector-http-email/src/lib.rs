#![doc = include_str!("../README.md")]

mod config;
mod http_email;
mod signature;

pub use config::HttpEmailConfig;
pub use http_email::{CONNECTOR, HttpEmail};
