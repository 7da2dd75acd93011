#![doc = include_str!("../README.md")]

mod aws_ses;
mod config;
mod credentials;
mod errors;
mod http;
mod sending;

pub use aws_ses::{AwsSes, CONNECTOR};
pub use config::{AwsSesConfig, AwsSesTemplate};
