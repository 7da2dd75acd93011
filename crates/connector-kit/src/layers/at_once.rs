//! How many sends are with the provider at once.

use std::time::SystemTime;

use async_trait::async_trait;
use tokio::sync::Semaphore;

use crate::{EmailConnector, Error, Message, Receipt, SendContext};

/// Lets so many attempts begin at once; others wait their turn, in order, and then cost little more than their message. A
/// provider that is slow holds neither memory nor connections without bound.
#[derive(Debug)]
pub struct AtOnce<C> {
    inner: C,
    turns: Semaphore,
}

impl<C> AtOnce<C> {
    /// Lets at most `most` attempts through `inner` be under way; 0 counts as 1.
    #[must_use]
    pub fn new(inner: C, most: usize) -> Self {
        Self { inner, turns: Semaphore::new(most.clamp(1, Semaphore::MAX_PERMITS)) }
    }
}

#[async_trait]
impl<C: EmailConnector> EmailConnector for AtOnce<C> {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        // Those that wait are served first: a turn is only free when nobody waits for it.
        let _turn = match self.turns.try_acquire() {
            Ok(turn) => Ok(turn),
            // Never closed, so there will be a turn.
            Err(_) => context.waits_for_turn(self.turns.acquire()).await,
        };
        self.inner.send(message, context).await
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        self.inner.usage(from).await
    }
}
