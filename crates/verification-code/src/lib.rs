#![doc = include_str!("../README.md")]

mod code;
mod keys;
mod limits;
mod memory;
mod network;
mod randomness;
mod row;
mod scope;
mod service;
mod settings;
mod store;
#[cfg(feature = "suite")]
pub mod suite;
mod time;
mod typed;

pub use code::Code;
pub use keys::{HashKey, HashKeys, InvalidKey};
pub use limits::{Limit, LimitKind, Limited};
pub use memory::MemoryStore;
pub use randomness::{Randomness, RandomnessError, SystemRandomness};
pub use row::CodeRow;
pub use scope::Scope;
pub use service::{Delivery, Error, Issued, Verdict, VerificationCodes};
pub use settings::{Alphabet, GuessLimit, InvalidSettings, NetworkLimit, Problem, Settings};
pub use store::{
    Attempt, Attempted, CodeId, CodeStore, Digest, Issuance, NewCode, PRUNED_AFTER, StoreError, StoredCode, Subject,
    Take, UsedUp, Withdrawal,
};
pub use time::{Clock, SystemClock, Timestamp};
