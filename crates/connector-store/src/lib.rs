#![doc = include_str!("../README.md")]

mod keys;
mod sealing;

pub use keys::{KeyError, KeyId, KeyRing, KeySource, UnknownKey, generate_key};
pub use sealing::{OpenError, Place, ResealError, SealError, key_ids, open_config, reseal, seal_config};
