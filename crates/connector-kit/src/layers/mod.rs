//! Layers around a connector. From the outside in: [`Deadline`], [`Retry`], the connector.
//!
//! The order matters. The deadline bounds all attempts and the waits between them together; the retry sees the
//! deadline and waits only where the wait still fits.

mod deadline;
mod progress;
mod retry;

use std::time::Duration;

pub use deadline::Deadline;
pub use progress::Progress;
pub use retry::Retry;

use crate::EmailConnector;

/// How long and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendPolicy {
    /// The total deadline of a send: every attempt and wait included.
    pub max_time: Duration,
    /// Attempts at most, the first included.
    pub max_attempts: u32,
}

impl Default for SendPolicy {
    /// 3 attempts within 15 seconds.
    fn default() -> Self {
        Self { max_time: Duration::from_secs(15), max_attempts: 3 }
    }
}

/// `connector` with retry and deadline around it.
pub fn layered<C: EmailConnector>(connector: C, policy: SendPolicy) -> Deadline<Retry<C>> {
    Deadline::new(Retry::new(connector, policy.max_attempts), policy.max_time)
}
