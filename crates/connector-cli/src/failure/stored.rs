//! Failures around what is stored: of the registry, of codes, and of the store itself.

use std::{error::Error as _, path::Path, sync::Arc};

use connector_kit::{Error as SendError, ErrorKind};
use connector_registry::{Dependent, Error, StoreError};
use connector_service::{SendCodeError, VerifyCodeError};
use connector_store::{KeyError, OpenStoreError};
use serde_json::{Value, json};
use verification_code::{Error as CodeError, LimitKind, Limited, StoreError as CodeStoreError, UsedUp, Verdict};

use super::{Failure, INVALID_PARAMETERS};
use crate::exit::Exit;

/// Logto's code for what is neither the caller's fault nor the provider's.
const GENERAL: &str = "general";

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, message) = (Exit::of_registry(&error), error.to_string());
        let is = |code, kind| Self::plain(exit, code, kind, message.clone());
        match error {
            Error::Send(error) | Error::InvalidConfig(error) => error.into(),
            Error::Import { tenant, id, cause } => {
                Self::from(*cause).within(&format!("tenant `{tenant}`, configuration {id}"))
            }
            Error::NoActiveConnector { .. } => {
                is(GENERAL, "NoActiveConnector").hint("email-connectors setup sets one up")
            }
            Error::AlreadyActive { .. } => is(GENERAL, "AlreadyActive"),
            Error::UnknownTenant { .. } => is(INVALID_PARAMETERS, "UnknownTenant"),
            Error::InvalidTenant { .. } => is(INVALID_PARAMETERS, "InvalidTenant"),
            Error::UnknownConnector(_) => is(GENERAL, "UnknownConnector"),
            Error::UnknownConfiguration { .. } => {
                is(INVALID_PARAMETERS, "UnknownConfiguration").hint("email-connectors status lists them")
            }
            Error::NothingToRollBackTo { .. } => is(GENERAL, "NothingToRollBackTo"),
            Error::UnknownTemplate { .. } => {
                is(INVALID_PARAMETERS, "UnknownTemplate").hint("email-connectors templates list lists them")
            }
            Error::InvalidTemplate { problems, .. } => {
                let mut failure = is(INVALID_PARAMETERS, "InvalidTemplate");
                failure.0.error.problems = problems;
                failure
            }
            Error::TooManyTemplates { .. } => {
                is(INVALID_PARAMETERS, "TooManyTemplates").hint("email-connectors templates list lists them")
            }
            Error::InvalidLanguage(_) => is(INVALID_PARAMETERS, "InvalidLanguage"),
            Error::ReliedOn { dependents, .. } => is(GENERAL, "ReliedOn")
                .relied_on_by(&dependents)
                .hint("--force removes it all the same; email-connectors sign-in put turns off what relies on it"),
            Error::NeedsConnector { dependents, .. } => {
                is(GENERAL, "NeedsConnector").relied_on_by(&dependents).hint("email-connectors setup sets one up")
            }
            Error::Contended { .. } => is(GENERAL, "Contended").retryable(None),
            Error::ChangedMeanwhile { .. } => is(GENERAL, "ChangedMeanwhile").retryable(None),
            Error::UnknownFormat { .. } => is(INVALID_PARAMETERS, "UnknownFormat"),
            Error::DuplicateTenant { .. } => is(INVALID_PARAMETERS, "DuplicateTenant"),
            Error::PartlyImported { imported, tenant, left, cause } => {
                let became = |tenant: &str, status| json!({ "tenant": tenant, "status": status });
                let unknown = matches!(*cause, StoreError::Unavailable(_));
                let failed = became(&tenant, if unknown { "unknown" } else { "not_imported" });
                let done = imported.iter().map(|imported| became(&imported.tenant, "imported"));
                let left = left.iter().map(|tenant| became(tenant, "not_imported"));
                let tenants: Vec<Value> = done.chain([failed]).chain(left).collect();
                let failure = is(GENERAL, "PartlyImported").with("tenants", tenants);
                if exit == Exit::TryLater { failure.retryable(None) } else { failure }
            }
            Error::Store(_) => is(GENERAL, "StoreUnavailable").retryable(None),
            Error::StoreUnusable(_) => is(GENERAL, "StoreUnusable"),
            _ => is(GENERAL, ErrorKind::Unavailable.name()),
        }
    }
}

impl Failure {
    /// Nobody has said under which master key the store is.
    pub fn no_key() -> Self {
        let message = "only a SQLite store has its master key beside it: say where the key is, with --key-file, \
            EMAIL_CONNECTORS_KEY_FILE, EMAIL_CONNECTORS_KEY or EMAIL_CONNECTORS_KEY_COMMAND";
        let failure = Self::plain(Exit::Config, GENERAL, "StoreUnusable", message.to_owned());
        failure.hint("email-connectors keys generate makes one; a SQLite store is sqlite:PATH")
    }

    /// There is no store where somebody said that there is one.
    pub fn no_store(path: &Path) -> Self {
        let message = format!("there is no store at {}: check the path; nothing was made there", path.display());
        let failure = Self::plain(Exit::InputOutput, GENERAL, "StoreUnusable", message);
        failure.hint("email-connectors setup makes one")
    }

    /// Lists what needs a connector.
    fn relied_on_by(self, dependents: &[Dependent]) -> Self {
        self.with("dependents", json!(dependents))
    }

    /// What was typed is not the code; none when it is.
    pub fn of_verdict(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Right => None,
            Verdict::Wrong => {
                let message = "it is not the code, or there is none any more: check it, or have a new one sent";
                Some(Self::plain(Exit::BadInput, INVALID_PARAMETERS, "WrongCode", message.to_owned()))
            }
            Verdict::TooManyAttempts { used_up, retry_after } => {
                let (limit, message) = match used_up {
                    UsedUp::Attempts => ("attempts", "there were too many attempts: have a new code sent, or wait"),
                    UsedUp::Guesses => (
                        "guesses",
                        "there were too many wrong codes for this recipient: wait; a new code does not help",
                    ),
                };
                let failure = Self::plain(Exit::TryLater, ErrorKind::RateLimited.code(), "Limited", message.to_owned());
                Some(failure.with("limit", limit).retryable(Some(retry_after)))
            }
        }
    }
}

impl From<SendCodeError> for Failure {
    fn from(error: SendCodeError) -> Self {
        match error {
            SendCodeError::InvalidRecipient(fault) => Self::invalid_recipient(&fault),
            SendCodeError::NotReady(cause) => cause.into(),
            SendCodeError::NotIssued(cause) => cause.into(),
            SendCodeError::NotDelivered { connector, cause } => Self::from(cause).of(&connector),
            other => SendError::new(ErrorKind::Unavailable, other.to_string()).delivery_is(other.delivery()).into(),
        }
    }
}

impl From<VerifyCodeError> for Failure {
    fn from(error: VerifyCodeError) -> Self {
        match error {
            VerifyCodeError::InvalidRecipient(fault) => Self::invalid_recipient(&fault),
            VerifyCodeError::Codes(cause) => cause.into(),
            other => Self::plain(Exit::Refused, GENERAL, ErrorKind::Unavailable.name(), other.to_string()),
        }
    }
}

impl From<CodeError> for Failure {
    fn from(error: CodeError) -> Self {
        match error {
            CodeError::Limited(Limited { kind, limit, retry_after }) => {
                let message = format!("no more codes for this {kind} yet: {limit} are allowed");
                let failure = Self::plain(Exit::TryLater, ErrorKind::RateLimited.code(), "Limited", message);
                let name = match kind {
                    LimitKind::Recipient => "recipient",
                    LimitKind::Ip => "ip",
                    LimitKind::Network => "network",
                    LimitKind::Tenant => "tenant",
                    LimitKind::Share | LimitKind::HoldersShare => "share",
                    _ => "other",
                };
                failure.with("limit", name).retryable(Some(retry_after))
            }
            CodeError::Randomness(cause) => Self::unavailable(cause.to_string()),
            CodeError::Store(error) => Self::of_code_store(&error),
            other => Self::plain(Exit::Refused, GENERAL, ErrorKind::Unavailable.name(), other.to_string()),
        }
    }
}

impl Failure {
    /// The store of codes failed: only where it says so may it work later.
    fn of_code_store(error: &CodeStoreError) -> Self {
        let cause = error.source().and_then(|cause| cause.downcast_ref::<StoreError>());
        let exit = Exit::of_code_store(cause);
        let failure =
            |kind, then| Self::plain(exit, GENERAL, kind, format!("the store of verification codes {then}: {error}"));
        match cause {
            Some(StoreError::Unavailable(_)) => failure("StoreUnavailable", "failed").retryable(None),
            _ => failure("StoreUnusable", "cannot be used"),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => Error::Store(cause.into()).into(),
            StoreError::Unusable(cause) => Error::StoreUnusable(cause.into()).into(),
            other => Error::StoreUnusable(Arc::new(other)).into(),
        }
    }
}

impl From<OpenStoreError> for Failure {
    fn from(error: OpenStoreError) -> Self {
        let (exit, message) = (Exit::of_unopened_store(&error), error.to_string());
        let kind = match error {
            OpenStoreError::Store(error) => return error.into(),
            OpenStoreError::UnknownScheme { .. } | OpenStoreError::InvalidUrl { .. } => return Self::usage(message),
            _ => "StoreUnusable",
        };
        Self::plain(exit, GENERAL, kind, message)
    }
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        Self::plain(Exit::of_key(&error), GENERAL, "StoreUnusable", error.to_string())
    }
}
