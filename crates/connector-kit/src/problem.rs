//! One fault of a configuration or a message, and where it is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// JSON pointer (RFC 6901) to the field at fault; empty for the document as a whole.
    pub pointer: String,
    /// What is wrong and what to do. Never shows the value, which may be secret.
    pub message: String,
}

impl Problem {
    /// A fault at `pointer`.
    #[must_use]
    pub fn new(pointer: impl Into<String>, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pointer = if self.pointer.is_empty() { "(root)" } else { &self.pointer };
        write!(f, "{pointer}: {}", self.message)
    }
}
