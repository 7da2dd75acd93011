//! The total deadline of a send.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};

use crate::{Delivery, EmailConnector, Error, ErrorKind, Message, Receipt, SendContext};

/// As good as never.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Ends a send that takes too long, and says whether the message may have been accepted: it may, unless the send's
/// [`SendContext`] says that it was not sent.
#[derive(Debug)]
pub struct Deadline<C> {
    inner: C,
    max_time: Duration,
}

impl<C> Deadline<C> {
    /// Bounds every send through `inner` by `max_time`, and by the deadline of its context where that ends earlier.
    #[must_use]
    pub fn new(inner: C, max_time: Duration) -> Self {
        Self { inner, max_time }
    }
}

#[async_trait]
impl<C: EmailConnector> EmailConnector for Deadline<C> {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let now = Instant::now();
        // A limit beyond what a clock can tell is none; tokio takes this for far enough, too.
        let own = now.checked_add(self.max_time).unwrap_or_else(|| now + FAR);
        let (deadline, limit) = match context.deadline().filter(|callers| *callers < own) {
            // Rounded: the caller set it a moment ago.
            Some(callers) => (callers, Duration::from_millis(since(now, callers))),
            None => (own, self.max_time),
        };
        let context = context.clone().with_deadline(deadline);
        context.reopen()?;
        timeout_at(deadline, self.inner.send(message, &context)).await.unwrap_or_else(|_| {
            let host = context.host().unwrap_or_else(|| "the provider".into());
            // A connection may be at it in a task of its own: what is told as not sent here must stay so.
            let delivery = context.give_up();
            let what = match delivery {
                Delivery::NotSent => "the message could not be handed over",
                Delivery::Unknown => "no answer came",
            };
            let text = format!("{host}: {what} within {} s", limit.as_secs_f64());
            let error = Error::new(ErrorKind::Unavailable, text).delivery_is(delivery);
            Err(error.with_attempts(context.attempts().max(1)))
        })
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        tokio::time::timeout(self.max_time, self.inner.usage(from)).await.unwrap_or_else(|_| {
            let text = format!("the provider: no answer came within {} s", self.max_time.as_secs_f64());
            Err(Error::new(ErrorKind::Unavailable, text).not_sent())
        })
    }
}

/// Milliseconds from `now` to `deadline`, rounded.
fn since(now: Instant, deadline: Instant) -> u64 {
    let left = deadline.saturating_duration_since(now) + Duration::from_micros(500);
    u64::try_from(left.as_millis()).unwrap_or(u64::MAX)
}
