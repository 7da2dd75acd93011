#![doc = include_str!("../README.md")]

mod active;
mod catalog;
mod change;
mod difference;
mod error;
mod language;
mod memory;
mod registry;
mod requested;
mod sign_in;
mod store;
mod template_set;
mod templates;
mod tenant_name;
mod timestamp;

pub use active::ActiveConnector;
pub use catalog::{Catalog, DuplicateId, UnknownConnector};
pub use change::{Action, Actor, Change, Edit, Entry, Expects, HistoryEntry};
/// What all connectors share, in the version that this crate is built on: it need not be a dependency of its own.
pub use connector_kit as kit;
pub use connector_kit::{ConnectorFactory, ContentType, EmailTemplate, Secret, UsageType};
pub use difference::{Difference, FieldDifference};
pub use error::Error;
pub use language::{InvalidLanguage, LanguageTag};
pub use memory::MemoryStore;
pub use registry::{
    Activated, Candidate, ConfigurationExport, Export, ExportedSecrets, Follower, Imported, Promotion, Proposal,
    Registry, Removed, TenantExport,
};
pub use sign_in::{
    Dependent, Identifier, Mfa, PasswordExpiration, SecondaryIdentifier, SignIn, SignInMethod, SignInSettings, SignUp,
};
pub use store::{
    Changed, Committed, ConnectorStore, Draft, Record, Saved, SealedConfig, Status, StoreError, TenantSettings,
    TenantState,
};
pub use template_set::{TENANT_TEMPLATES, TENANT_TEMPLATES_SIZE};
pub use templates::LocalizedTemplate;
pub use tenant_name::tenant_name;
pub use timestamp::rfc3339;
pub use uuid::Uuid;
