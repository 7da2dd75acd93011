#![doc = include_str!("../README.md")]

mod aliyun_dm;
mod config;
mod signature;

pub use aliyun_dm::{AliyunDm, CONNECTOR};
pub use config::{AliyunDmConfig, AliyunDmTemplate, Region};
