#![doc = include_str!("../README.md")]

mod codes;
mod request;
mod settlement;
mod tasks;

pub use codes::{CodeService, SendCodeError, SentCode, VerifyCodeError};
pub use request::CodeRequest;
pub use settlement::Settlement;
pub use tasks::Tasks;
