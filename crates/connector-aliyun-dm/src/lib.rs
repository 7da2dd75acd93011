#![doc = include_str!("../README.md")]

mod aliyun_dm;
mod config;
mod signature;

pub use aliyun_dm::{AliyunDm, CONNECTOR};
pub use config::{AliyunDmConfig, AliyunDmTemplate, Region};
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
