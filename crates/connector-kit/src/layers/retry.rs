//! Trying again what was certainly not sent and may go through later.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable};
use tokio::time::Instant;

use crate::{Delivery, EmailConnector, Error, Message, Receipt, SendContext};

/// The first wait; it doubles from attempt to attempt, with jitter on top.
const FIRST_WAIT: Duration = Duration::from_millis(200);
/// The longest wait of our own choosing. A provider's Retry-After may be longer.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
const ARRIVED_BEFORE: &str = "the provider knows the message already, so an earlier attempt seems to have arrived: look into \
                              its log before sending it again";

/// Tries again after errors that are temporary, never after an unknown outcome.
///
/// A Retry-After is honoured where it ends before the deadline; where it does not, the error goes back to the caller
/// at once, with the wait in it.
#[derive(Debug)]
pub struct Retry<C> {
    inner: C,
    max_attempts: u32,
}

impl<C> Retry<C> {
    /// Makes at most `max_attempts` attempts through `inner`; 0 counts as 1.
    #[must_use]
    pub fn new(inner: C, max_attempts: u32) -> Self {
        Self { inner, max_attempts: max_attempts.max(1) }
    }
}

#[async_trait]
impl<C: EmailConnector> EmailConnector for Retry<C> {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let attempt = async || {
            context.start_attempt()?;
            let outcome = self.inner.send(message, context).await;
            let repeats = context.attempts() > 1 || message.idempotency_key.is_some();
            outcome.map_err(|error| if repeats { seen_before(error) } else { error })
        };
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(self.max_attempts as usize - 1)
            .with_jitter();
        let outcome = attempt
            .retry(waits)
            .when(Error::is_retryable)
            .adjust(|error, wait| {
                // None once the attempts are used up.
                let wait = wait?.max(error.retry_after().unwrap_or_default());
                // A wait beyond what the clock can count does not fit either.
                let ends = Instant::now().checked_add(wait);
                let fits = context.deadline().is_none_or(|deadline| ends.is_some_and(|end| end < deadline));
                fits.then_some(wait)
            })
            .notify(|error, wait| {
                // Only what was not sent is tried again.
                context.mark_not_sent();
                let status = error.provider().and_then(|answer| answer.status);
                tracing::warn!(kind = error.kind().name(), status, ?wait, "not sent, trying again");
            })
            .await;
        let attempts = context.attempts();
        match outcome {
            Ok(receipt) => Ok(Receipt { attempts, ..receipt }),
            Err(error) => Err(error.with_attempts(attempts)),
        }
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        self.inner.usage(from).await
    }
}

/// The error of an attempt before which the same message may have arrived: refused as a duplicate, it did.
fn seen_before(error: Error) -> Error {
    let says = error.to_string().to_ascii_lowercase();
    let says_so = || ["duplicate", "already", "idempoten"].iter().any(|word| says.contains(word));
    let is_duplicate = match error.provider().and_then(|answer| answer.status) {
        // The state that the request conflicts with is the earlier one's work (RFC 9110, 15.5.10).
        Some(409) => true,
        Some(400 | 412 | 422) => says_so(),
        _ => false,
    };
    if !is_duplicate || error.delivery() == Delivery::Unknown {
        return error;
    }
    error.delivery_is(Delivery::Unknown).with_hint(ARRIVED_BEFORE)
}
