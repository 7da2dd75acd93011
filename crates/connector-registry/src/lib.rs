#![doc = include_str!("../README.md")]

mod active;
mod catalog;
mod error;
mod memory;
mod registry;
mod store;

pub use active::ActiveConnector;
pub use catalog::{Catalog, DuplicateId, UnknownConnector};
pub use connector_kit::{ConnectorFactory, Secret};
pub use error::Error;
pub use memory::MemoryStore;
pub use registry::Registry;
pub use store::{ConnectorStore, Draft, Record, Removal, Snapshot, Status, StoreError};
pub use uuid::Uuid;
