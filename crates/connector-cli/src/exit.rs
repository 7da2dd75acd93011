//! Exit codes, after sysexits.h, and which error ends in which.

use std::{error::Error as StdError, process::ExitCode};

use connector_kit::{Delivery, Error, ErrorKind};
use connector_registry::{self as registry, StoreError};
use connector_store::{KeyError, OpenError, OpenStoreError, ResealError, SealError};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Sent, valid, or done.
    Ok = 0,
    /// The command line is wrong.
    Usage = 64,
    /// The configuration, the message or the code is wrong or cannot be read, or does not go with what is stored.
    BadInput = 65,
    /// Refused for good: trying again will not help.
    Refused = 69,
    /// The result could not be written, or the store's disk failed: it is full, read-only, damaged.
    InputOutput = 74,
    /// Not sent, not done; trying again may help.
    TryLater = 75,
    /// The message may have been sent.
    Unknown = 76,
    /// The provider does not accept the credentials.
    NotAuthorised = 77,
    /// The store and its key are not set up as they must be: the wrong key, none, a newer version's database.
    Config = 78,
}

impl Exit {
    /// How a failed send ends.
    pub fn of(error: &Error) -> Self {
        match error.kind() {
            // Before anything else: whoever tries again now may send twice.
            _ if error.delivery() == Delivery::Unknown => Self::Unknown,
            _ if error.is_retryable() => Self::TryLater,
            ErrorKind::InvalidConfig | ErrorKind::InvalidMessage | ErrorKind::TemplateNotFound => Self::BadInput,
            ErrorKind::Unauthorized => Self::NotAuthorised,
            _ => Self::Refused,
        }
    }

    /// How a failure between a tenant and its connector ends.
    pub fn of_registry(error: &registry::Error) -> Self {
        use registry::Error as E;
        match error {
            E::Send(error) | E::InvalidConfig(error) => Self::of(error),
            E::Import { cause, .. } => Self::of_registry(cause),
            E::InvalidTenant { .. } | E::InvalidLanguage(_) => Self::Usage,
            E::Contended { .. } | E::ChangedMeanwhile { .. } | E::Store(_) => Self::TryLater,
            E::StoreUnusable(cause) => Self::of_unusable_store(cause.as_ref()),
            E::PartlyImported { cause, .. } => match &**cause {
                StoreError::Unavailable(_) | StoreError::Outdated { .. } => Self::TryLater,
                StoreError::Unusable(cause) => Self::of_unusable_store(cause.as_ref()),
                _ => Self::BadInput,
            },
            // What is stored is not what the command needs.
            _ => Self::BadInput,
        }
    }

    /// How it ends when a store does not open.
    pub fn of_unopened_store(error: &OpenStoreError) -> Self {
        use OpenStoreError as E;
        match error {
            E::UnknownScheme { .. } | E::InvalidUrl { .. } => Self::Usage,
            E::Store(StoreError::Unavailable(_)) => Self::TryLater,
            E::Key(error) => Self::of_key(error),
            E::Store(_) | E::NotADatabase { .. } | E::Truncated { .. } => Self::InputOutput,
            _ => Self::Config,
        }
    }

    /// How it ends when there is no usable master key.
    pub fn of_key(error: &KeyError) -> Self {
        match error {
            KeyError::File { action: "made", .. } => Self::InputOutput,
            _ => Self::Config,
        }
    }

    /// How it ends when the store of codes cannot be used, for this `cause`.
    pub fn of_code_store(cause: Option<&StoreError>) -> Self {
        match cause {
            Some(StoreError::Unavailable(_)) => Self::TryLater,
            Some(StoreError::Unusable(cause)) => Self::of_unusable_store(cause.as_ref()),
            _ => Self::InputOutput,
        }
    }

    /// How it ends when an open store cannot be used: what is sealed under another key, or a disk that fails.
    fn of_unusable_store(cause: &(dyn StdError + 'static)) -> Self {
        let of_keys = cause.is::<OpenError>() || cause.is::<SealError>() || cause.is::<ResealError>();
        if of_keys { Self::Config } else { Self::InputOutput }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_store_that_does_not_open_says_whose_turn_it_is() {
        let newer = OpenStoreError::NewerVersion { migration: 9 };
        let broken = OpenStoreError::NotADatabase { path: "a.sqlite".into() };
        let full = OpenStoreError::Store(StoreError::Unusable("the disk is full".into()));
        let away = OpenStoreError::Store(StoreError::Unavailable("nobody answers".into()));
        let url = OpenStoreError::InvalidUrl { fault: "it has no scheme".to_owned() };
        let exits = [newer, broken, full, away, url].map(|error| Exit::of_unopened_store(&error) as u8);
        assert_eq!(exits, [78, 74, 74, 75, 64]);
    }

    #[test]
    fn an_open_store_that_fails_says_so_too() {
        let unusable = |cause: Box<dyn StdError + Send + Sync>| registry::Error::StoreUnusable(cause.into());
        let sealed = OpenError::NotAuthentic {
            tenant: "acme".to_owned(),
            configuration: registry::Uuid::nil(),
            pointer: "/apiKey".to_owned(),
        };
        assert_eq!(Exit::of_registry(&unusable(Box::new(sealed))) as u8, 78);
        assert_eq!(Exit::of_registry(&unusable("the database is read-only".into())) as u8, 74);
        assert_eq!(
            Exit::of_registry(&registry::Error::Store(Arc::from(Box::<dyn StdError + Send + Sync>::from(
                "nobody answers"
            )))) as u8,
            75
        );
        assert_eq!(Exit::of_registry(&registry::Error::Contended { tenant: "acme".to_owned() }) as u8, 75);
    }
}
