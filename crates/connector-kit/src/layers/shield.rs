//! Seeing a send through that its caller has dropped.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use async_trait::async_trait;
use tokio::runtime::Handle;
use tracing::{Instrument, instrument::WithSubscriber};

use crate::{EmailConnector, Error, Message, Receipt, SendContext};

/// Keeps a send that has begun from being cancelled.
///
/// A web framework drops a request's future when the client disconnects. A send inside it that has begun is carried on in
/// a task of its own, within its deadline, and its outcome is logged. One that still waits for its first turn ends, and so
/// does one that was [cancelled](SendContext::cancel): nothing of it has left.
///
/// When the runtime itself shuts down, nothing can carry on. What was under way then is logged with what is known of it. To
/// have outcomes instead, wait for the sends to end before the runtime does.
#[derive(Debug)]
pub struct Shield<C> {
    inner: Arc<C>,
}

impl<C> Shield<C> {
    /// Sees every send through `inner` through. Bound it by a [`Deadline`](crate::Deadline) inside.
    #[must_use]
    pub fn new(inner: C) -> Self {
        Self { inner: Arc::new(inner) }
    }
}

#[async_trait]
impl<C: EmailConnector + 'static> EmailConnector for Shield<C> {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        // A task of its own can borrow nothing.
        let (inner, message, own) = (Arc::clone(&self.inner), message.clone(), context.clone());
        let send = Box::pin(async move { inner.send(&message, &own).await });
        Shielded { send: Some(send), context: context.clone() }.await
    }

    async fn usage(&self, from: SystemTime) -> Result<u64, Error> {
        self.inner.usage(from).await
    }
}

/// A send, until it is dropped.
struct Shielded<F: Future<Output = Result<Receipt, Error>> + Send + 'static> {
    /// None once it has ended.
    send: Option<Pin<Box<F>>>,
    context: SendContext,
}

impl<F: Future<Output = Result<Receipt, Error>> + Send + 'static> Future for Shielded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // Taken out meanwhile: a send that panics has ended.
        let Some(mut send) = self.send.take() else { return Poll::Pending };
        let poll = send.as_mut().poll(context);
        if poll.is_pending() {
            self.send = Some(send);
        }
        poll
    }
}

impl<F: Future<Output = Result<Receipt, Error>> + Send + 'static> Drop for Shielded<F> {
    fn drop(&mut self) {
        let Some(send) = self.send.take() else { return };
        if self.context.is_cancelled() {
            return;
        }
        if self.context.is_queued() {
            tracing::debug!("a message was cancelled while it waited for its turn; it is not sent");
            return;
        }
        let pending = Pending { context: self.context.clone(), has_ended: false };
        // Outside a runtime, as inside one that shuts down, this says what is known.
        let Ok(runtime) = Handle::try_current() else { return };
        let carried_on = async move { pending.ends(send.await) };
        drop(runtime.spawn(carried_on.in_current_span().with_current_subscriber()));
    }
}

/// A send that nobody waits for. Its outcome is logged, or that there will be none.
struct Pending {
    context: SendContext,
    has_ended: bool,
}

impl Pending {
    fn ends(mut self, outcome: Result<Receipt, Error>) {
        self.has_ended = true;
        match outcome {
            Ok(receipt) => {
                tracing::info!(attempts = receipt.attempts, "sent, after the caller had stopped waiting");
            }
            Err(error) => {
                let (kind, delivery) = (error.kind().name(), error.delivery().as_str());
                tracing::warn!(kind, delivery, %error, "failed, after the caller had stopped waiting");
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.has_ended {
            let delivery = self.context.delivery().as_str();
            tracing::warn!(delivery, "cut off: the runtime ended before the send did");
        }
    }
}
