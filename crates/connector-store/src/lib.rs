#![doc = include_str!("../README.md")]

mod change;
mod code_keys;
mod code_rows;
mod database;
mod keys;
mod migrations;
mod open;
mod open_error;
mod postgres;
mod rotation;
mod rows;
mod sealing;
mod sqlite;
mod store;

pub use keys::{KeyError, KeyId, KeyRing, KeySource, NotAKeyId, UnknownKey, generate_key};
pub use open_error::OpenStoreError;
pub use rotation::Rotation;
pub use sealing::{OpenError, Place, ResealError, SealError, key_ids, open_config, reseal, seal_config};
pub use store::Store;
