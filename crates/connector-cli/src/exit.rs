//! Exit codes, after sysexits.h, and which error ends in which.

use std::process::ExitCode;

use connector_kit::{Delivery, Error, ErrorKind};

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Sent, valid, or done.
    Ok = 0,
    /// The command line is wrong.
    Usage = 64,
    /// The configuration or the message is wrong, or cannot be read.
    BadInput = 65,
    /// Refused for good: trying again will not help.
    Refused = 69,
    /// The result could not be written.
    CannotWrite = 74,
    /// Not sent; trying again may help.
    TryLater = 75,
    /// The message may have been sent.
    Unknown = 76,
    /// The provider does not accept the credentials.
    NotAuthorised = 77,
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
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
