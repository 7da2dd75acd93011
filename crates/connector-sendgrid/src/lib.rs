#![doc = include_str!("../README.md")]

mod config;
mod sendgrid;

pub use config::{Region, SendGridConfig, SendGridTemplate};
pub use sendgrid::{CONNECTOR, SendGrid};
