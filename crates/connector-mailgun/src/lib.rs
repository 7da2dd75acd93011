#![doc = include_str!("../README.md")]

mod config;
mod mailgun;

pub use config::{Deliveries, Delivery, MailgunConfig};
pub use mailgun::{CONNECTOR, Mailgun};
