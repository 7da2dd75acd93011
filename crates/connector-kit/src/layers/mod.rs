//! Layers around a connector. From the outside in: [`Shield`], [`Deadline`], [`Retry`], [`AtOnce`], the connector.
//!
//! The order matters. The shield carries on what its caller drops; the deadline bounds all attempts and the waits between them together; the retry sees the
//! deadline and waits only where the wait still fits; an attempt takes its turn, and a wait holds up nobody.

mod at_once;
mod deadline;
mod retry;
mod shield;

use std::time::Duration;

pub use at_once::AtOnce;
pub use deadline::Deadline;
pub use retry::Retry;
pub use shield::Shield;

use crate::EmailConnector;

/// How long and how often to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SendPolicy {
    /// The total deadline of a send: every attempt and wait included.
    pub max_time: Duration,
    /// Attempts at most, the first included.
    pub max_attempts: u32,
    /// Attempts under way at once at most; others wait their turn, within their deadline.
    pub max_at_once: usize,
}

impl Default for SendPolicy {
    /// 3 attempts within 15 seconds, 100 attempts at once.
    fn default() -> Self {
        Self { max_time: Duration::from_secs(15), max_attempts: 3, max_at_once: 100 }
    }
}

/// A connector with all layers around it.
pub type Layered<C> = Shield<Deadline<Retry<AtOnce<C>>>>;

/// `connector` with all layers around it: deadline, retry, a bound on what is under way at once, and a shield that sees a
/// send through which has begun, even if its caller stops waiting for it.
pub fn layered<C: EmailConnector + 'static>(connector: C, policy: SendPolicy) -> Layered<C> {
    let connector = AtOnce::new(connector, policy.max_at_once);
    Shield::new(Deadline::new(Retry::new(connector, policy.max_attempts), policy.max_time))
}
