#![doc = include_str!("../README.md")]

mod %snake%;
mod config;

pub use config::{%Camel%Config, %Camel%Template};
pub use %snake%::{%Camel%, CONNECTOR};
