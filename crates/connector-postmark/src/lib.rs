#![doc = include_str!("../README.md")]

mod config;
mod postmark;

pub use config::{PostmarkConfig, PostmarkTemplate};
pub use postmark::{CONNECTOR, Postmark};
