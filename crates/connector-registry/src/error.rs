//! What can go wrong between a tenant and its connector, and what to do then.

use std::error::Error as StdError;

use uuid::Uuid;

use crate::{StoreError, UnknownConnector};

/// A change or a send that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The tenant has no active connector.
    #[error("tenant `{tenant}` has no active connector: set one up first")]
    NoActiveConnector {
        /// The tenant.
        tenant: String,
    },
    /// The tenant has an active connector, and can have only one.
    #[error("tenant `{tenant}` already has an active connector, `{connector}` ({id}): use change to replace it")]
    AlreadyActive {
        /// The tenant.
        tenant: String,
        /// The active configuration.
        id: Uuid,
        /// Its connector's id.
        connector: String,
    },
    /// The catalog has no such connector.
    #[error(transparent)]
    UnknownConnector(#[from] UnknownConnector),
    /// The tenant has no configuration of this id.
    #[error("tenant `{tenant}` has no configuration {id}: its status lists those there are")]
    UnknownConfiguration {
        /// The tenant.
        tenant: String,
        /// The id.
        id: Uuid,
    },
    /// The tenant has no earlier configuration.
    #[error("tenant `{tenant}` has no earlier configuration to roll back to: use change, or set one up")]
    NothingToRollBackTo {
        /// The tenant.
        tenant: String,
    },
    /// The configuration cannot work. Nothing was stored, and what was active still is.
    #[error("{0}; correct it and try again")]
    InvalidConfig(#[source] connector_kit::Error),
    /// The connector did not send the message.
    #[error(transparent)]
    Send(#[from] connector_kit::Error),
    /// The store failed. Whether a change took place may be unknown.
    #[error("the store of configurations failed: {0}; check the status before trying again")]
    Store(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    pub(crate) fn of_store(tenant: &str, cause: StoreError) -> Self {
        let tenant = tenant.to_owned();
        match cause {
            StoreError::AlreadyActive { id, connector } => Self::AlreadyActive { tenant, id, connector },
            StoreError::NoneActive => Self::NoActiveConnector { tenant },
            StoreError::UnknownConfiguration { id } => Self::UnknownConfiguration { tenant, id },
            StoreError::Unavailable(cause) => Self::Store(cause),
        }
    }
}
