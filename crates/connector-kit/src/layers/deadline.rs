//! The total deadline of a send.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::{Instant, timeout_at};

use super::Progress;
use crate::{Delivery, EmailConnector, Error, ErrorKind, Message, Receipt};

/// As good as never.
const FAR: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Ends a send that takes too long, and says whether the message may have been accepted.
#[derive(Debug)]
pub struct Deadline<C> {
    inner: C,
    max_time: Duration,
}

impl<C> Deadline<C> {
    /// Bounds every send through `inner` by `max_time`.
    #[must_use]
    pub fn new(inner: C, max_time: Duration) -> Self {
        Self { inner, max_time }
    }
}

#[async_trait]
impl<C: EmailConnector> EmailConnector for Deadline<C> {
    async fn send(&self, message: &Message) -> Result<Receipt, Error> {
        let now = Instant::now();
        // A limit beyond what a clock can tell is none; tokio takes this for far enough, too.
        let deadline = now.checked_add(self.max_time).unwrap_or_else(|| now + FAR);
        let progress = Progress::until(deadline);
        let send = progress.clone().scope(self.inner.send(message));
        timeout_at(deadline, send).await.unwrap_or_else(|_| {
            let host = progress.host().unwrap_or_else(|| "the provider".into());
            let what = match progress.delivery() {
                Delivery::NotSent => "the message could not be handed over",
                Delivery::Unknown => "no answer came",
            };
            let text = format!("{host}: {what} within {} s", self.max_time.as_secs_f64());
            Err(Error::new(ErrorKind::Unavailable, text)
                .delivery_is(progress.delivery())
                .with_attempts(progress.attempts().max(1)))
        })
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        tokio::time::timeout(self.max_time, self.inner.usage(from)).await.unwrap_or_else(|_| {
            let text = format!("the provider: no answer came within {} s", self.max_time.as_secs_f64());
            Err(Error::new(ErrorKind::Unavailable, text))
        })
    }
}
