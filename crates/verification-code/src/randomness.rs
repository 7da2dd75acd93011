//! Where randomness comes from.

use std::error::Error as StdError;

/// Gives random bytes that nobody can foretell.
pub trait Randomness: Send + Sync {
    /// Fills `bytes`, each of them independent and every value equally likely.
    ///
    /// # Errors
    /// When there is no randomness to be had.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessError>;
}

/// The operating system's randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandomness;

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessError> {
        getrandom::fill(bytes).map_err(RandomnessError::new)
    }
}

/// There was no randomness to be had, or none that is random.
#[derive(Debug, thiserror::Error)]
#[error("no randomness for a code: {0}")]
pub struct RandomnessError(Box<dyn StdError + Send + Sync>);

impl RandomnessError {
    /// With its cause.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}
