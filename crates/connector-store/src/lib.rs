#![doc = include_str!("../README.md")]

mod keys;
mod sealing;

pub use keys::{KeyError, KeyId, KeyRing, KeySource, NotAKeyId, UnknownKey, generate_key};
pub use sealing::{OpenError, Place, ResealError, SealError, SealedConfig, open_config, reseal, seal_config};
