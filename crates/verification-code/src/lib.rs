#![doc = include_str!("../README.md")]

mod code;
mod keys;
mod limits;
mod memory;
mod randomness;
mod scope;
mod service;
mod settings;
mod store;
#[cfg(feature = "suite")]
pub mod suite;
mod time;

pub use code::Code;
pub use keys::{HashKey, HashKeys, InvalidKey};
pub use limits::{Attempts, Limit, LimitKind, Limited};
pub use memory::MemoryStore;
pub use randomness::{Randomness, RandomnessError, SystemRandomness};
pub use scope::Scope;
pub use service::{Delivery, Error, Issued, Verdict, VerificationCodes};
pub use settings::{Alphabet, InvalidSettings, Problem, Settings};
pub use store::{
    Attempted, CodeId, CodeStore, Digest, Issuance, NewCode, StoreError, StoredCode, Subject, Take, Withdrawal,
};
pub use time::{Clock, SystemClock, Timestamp};
