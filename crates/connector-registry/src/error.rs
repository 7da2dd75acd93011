//! What can go wrong between a tenant and its connector, and what to do then.

use std::{error::Error as StdError, sync::Arc};

use connector_kit::Problem;
use uuid::Uuid;

use crate::{
    Dependent, Imported, InvalidLanguage, StoreError, TENANT_TEMPLATES, TENANT_TEMPLATES_SIZE, UnknownConnector,
};

/// A change or a send that failed. A clone is for those who waited for the same.
#[derive(Debug, Clone, thiserror::Error)]
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
    /// Nothing was ever stored for the tenant.
    #[error("tenant `{tenant}` does not exist: set a connector up for it first, or check the name")]
    UnknownTenant {
        /// The tenant.
        tenant: String,
    },
    /// No tenant can be called that.
    #[error("the tenant's name {fault}")]
    InvalidTenant {
        /// What is wrong with it.
        fault: &'static str,
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
    /// The tenant has no such template of its own.
    #[error(
        "tenant `{tenant}` has no template for {usage_type} in `{language}`: list its templates to see which there are"
    )]
    UnknownTemplate {
        /// The tenant.
        tenant: String,
        /// The language tag.
        language: String,
        /// The usage type.
        usage_type: String,
    },
    /// A template of the tenant's own is too long, or a second one for its language and usage type. Nothing was changed.
    #[error("tenant `{tenant}`, the template for {usage_type} in `{language}` is not valid: {}", all(problems))]
    InvalidTemplate {
        /// The tenant.
        tenant: String,
        /// The template's language, as it was given.
        language: String,
        /// Its usage type.
        usage_type: String,
        /// What is wrong with it, by fields such as `/content`.
        problems: Vec<Problem>,
    },
    /// The tenant would have more templates of its own than it may. Nothing was changed.
    #[error(
        "tenant `{tenant}` can have at most {TENANT_TEMPLATES} templates of its own, and {} MiB of them: remove some first",
        TENANT_TEMPLATES_SIZE / (1024 * 1024)
    )]
    TooManyTemplates {
        /// The tenant.
        tenant: String,
    },
    /// A text that is no language tag.
    #[error(transparent)]
    InvalidLanguage(#[from] InvalidLanguage),
    /// Sign-in relies on the connector that is to be removed.
    #[error(
        "tenant `{tenant}` relies on its connector: without it {} would stop working. Change to another one instead, turn \
         that off first, or force it",
        listed(dependents)
    )]
    ReliedOn {
        /// The tenant.
        tenant: String,
        /// What would break.
        dependents: Vec<Dependent>,
    },
    /// Sign-in is to rely on email, and there is no connector.
    #[error("tenant `{tenant}` has no active connector, which {} needs: set one up first", listed(dependents))]
    NeedsConnector {
        /// The tenant.
        tenant: String,
        /// What needs it.
        dependents: Vec<Dependent>,
    },
    /// Others kept changing the tenant meanwhile. Nothing was changed.
    #[error("tenant `{tenant}` is being changed by others all the time: nothing was changed, try again")]
    Contended {
        /// The tenant.
        tenant: String,
    },
    /// What was looked at before the change has changed since. Nothing was changed.
    #[error("tenant `{tenant}` was changed meanwhile: nothing was stored, look at it again")]
    ChangedMeanwhile {
        /// The tenant.
        tenant: String,
    },
    /// An export of a format that this version cannot read. Nothing was changed.
    #[error(
        "the export is of format {format}, and this version reads format 1: use the version that made it, or a newer one"
    )]
    UnknownFormat {
        /// Its format.
        format: u32,
    },
    /// An export has the same tenant twice. Nothing was changed.
    #[error("the export has tenant `{tenant}` twice: leave out one of the two")]
    DuplicateTenant {
        /// The tenant.
        tenant: String,
    },
    /// An export has a configuration that cannot be taken over. Nothing was changed.
    #[error("tenant `{tenant}`, configuration {id}: {cause}")]
    Import {
        /// The tenant.
        tenant: String,
        /// The configuration.
        id: Uuid,
        /// What is wrong with it.
        #[source]
        cause: Box<Error>,
    },
    /// Some tenants of an export were imported before one could not be. Importing it again does the rest.
    #[error(
        "only part of the export was imported, {}: {}{}. Import it again for the rest; what is there already stays",
        names(imported.iter().map(|imported| &imported.tenant)), not_imported(tenant, cause), also_left(left)
    )]
    PartlyImported {
        /// What was imported.
        imported: Vec<Imported>,
        /// The tenant that could not be imported. After [`StoreError::Unavailable`] it may have been all the same.
        tenant: String,
        /// Those whose turn never came.
        left: Vec<String>,
        /// Why.
        #[source]
        cause: Arc<StoreError>,
    },
    /// The configuration cannot work. Nothing was stored, and what was active still is.
    #[error("{0}; correct it and try again")]
    InvalidConfig(#[source] connector_kit::Error),
    /// The connector did not send the message.
    #[error(transparent)]
    Send(#[from] connector_kit::Error),
    /// The store could not be reached. Whether a change took place may be unknown.
    #[error("the store of configurations failed: {0}; check the status before trying again")]
    Store(#[source] Arc<dyn StdError + Send + Sync>),
    /// The store cannot do it until somebody mends what is wrong. Nothing was changed.
    #[error("the store of configurations cannot be used: {0}")]
    StoreUnusable(#[source] Arc<dyn StdError + Send + Sync>),
}

fn all(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn listed(dependents: &[Dependent]) -> String {
    dependents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn names<'a>(tenants: impl IntoIterator<Item = &'a String>) -> String {
    tenants.into_iter().map(|tenant| format!("`{tenant}`")).collect::<Vec<_>>().join(", ")
}

fn not_imported(tenant: &str, cause: &StoreError) -> String {
    match cause {
        StoreError::Outdated { .. } => {
            format!("tenant `{tenant}` was changed by others meanwhile, and not by the import")
        }
        StoreError::Unavailable(cause) => {
            format!("the store failed at tenant `{tenant}`, which may be imported or not ({cause})")
        }
        other => format!("tenant `{tenant}` was not imported ({other})"),
    }
}

fn also_left(left: &[String]) -> String {
    if left.is_empty() { String::new() } else { format!("; not imported either: {}", names(left)) }
}

impl Error {
    pub(crate) fn of_store(tenant: &str, cause: StoreError) -> Self {
        let tenant = tenant.to_owned();
        match cause {
            StoreError::UnknownTenant => Self::UnknownTenant { tenant },
            StoreError::AlreadyActive { id, connector } => Self::AlreadyActive { tenant, id, connector },
            StoreError::NoneActive => Self::NoActiveConnector { tenant },
            StoreError::Outdated { .. } => Self::Contended { tenant },
            StoreError::UnknownConfiguration { id } => Self::UnknownConfiguration { tenant, id },
            StoreError::UnknownTemplate { language, usage_type } => {
                Self::UnknownTemplate { tenant, language, usage_type }
            }
            StoreError::Unavailable(cause) => Self::Store(cause.into()),
            StoreError::Unusable(cause) => Self::StoreUnusable(cause.into()),
        }
    }
}
