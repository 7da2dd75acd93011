//! One-time codes by mail: sent and settled, and verified.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use backon::{ExponentialBuilder, Retryable};
use connector_kit::{Delivery, MailboxFault, Receipt, SendContext};
use connector_registry::{ConnectorStore, Error as RegistryError, Registry};
use tokio::{sync::oneshot, time::Instant};
use verification_code::{
    Code, CodeStore, Delivery as Recipient, Error as CodeError, Issued, Scope, Verdict, VerificationCodes,
};

use crate::{CodeRequest, Settlement, Tasks};

/// How often what has expired is deleted, at most.
const PRUNED_EVERY: Duration = Duration::from_secs(60);
/// Calls to delete it, each of up to 1,000 rows: more than any minute leaves behind.
const PRUNINGS: u32 = 1_000;
/// How long to wait before a code is taken back once more, and how often. What is not taken back locks somebody out.
const SETTLED_AFTER: Duration = Duration::from_millis(100);
const SETTLEMENTS: usize = 4;

/// Sends codes through the active connectors of `registry`, and verifies them. Cheap to clone.
pub struct CodeService<S, C> {
    inner: Arc<Inner<S, C>>,
}

struct Inner<S, C> {
    registry: Registry<S>,
    codes: VerificationCodes<C>,
    tasks: Tasks,
    pruned: Mutex<Option<Instant>>,
}

impl<S: ConnectorStore, C: CodeStore> CodeService<S, C> {
    /// Over these connectors and codes; sends are among `tasks`.
    #[must_use]
    pub fn new(registry: Registry<S>, codes: VerificationCodes<C>, tasks: Tasks) -> Self {
        Self { inner: Arc::new(Inner { registry, codes, tasks, pruned: Mutex::new(None) }) }
    }

    /// Issues a code, delivers it through the tenant's active connector and settles it by [`Settlement`]. Once a minute at
    /// most, it deletes what has expired, as does [`verify`](Self::verify).
    ///
    /// It is seen through even if the returned future is dropped; the outcome is logged then.
    ///
    /// # Errors
    /// [`SendCodeError`] says how far it came.
    pub async fn send(&self, request: &CodeRequest) -> Result<SentCode, SendCodeError> {
        let recipient = request.recipient().map_err(SendCodeError::InvalidRecipient)?;
        let (answer, answered) = oneshot::channel();
        let (inner, request) = (Arc::clone(&self.inner), request.clone());
        self.inner.tasks.spawn(async move {
            let outcome = inner.send(&request, &recipient).await;
            let store_failed = matches!(outcome, Err(SendCodeError::NotIssued(CodeError::Store(_))));
            let prunes = !store_failed && inner.is_due_to_prune();
            if let Err(outcome) = answer.send(outcome) {
                log(&request, &outcome);
            }
            if prunes {
                inner.prune().await;
            }
        });
        // Without an answer it has panicked, or the runtime is ending.
        answered.await.unwrap_or(Err(SendCodeError::Lost))
    }

    /// Verifies what was typed. A code that is right is used up.
    ///
    /// # Errors
    /// When the recipient is no address, or the store of codes fails.
    pub async fn verify(&self, request: &CodeRequest, typed: &str) -> Result<Verdict, VerifyCodeError> {
        let recipient = request.recipient()?;
        let verdict = self.inner.codes.verify_from(&scope(request, &recipient), typed, request.ip).await?;
        if self.inner.is_due_to_prune() {
            let inner = Arc::clone(&self.inner);
            self.inner.tasks.spawn(async move { inner.prune().await });
        }
        Ok(verdict)
    }
}

fn scope<'a>(request: &'a CodeRequest, recipient: &'a str) -> Scope<'a> {
    Scope { tenant: &request.tenant, usage_type: request.usage_type.as_str(), recipient }
}

/// Says what became of a code that nobody waits for any more.
fn log(request: &CodeRequest, outcome: &Result<SentCode, SendCodeError>) {
    let CodeRequest { tenant, usage_type, .. } = request;
    let usage_type = usage_type.as_str();
    match outcome {
        Ok(sent) => tracing::info!(tenant, usage_type, connector = sent.connector, "sent a code; its caller is gone"),
        Err(cause) => {
            let delivery = cause.delivery().as_str();
            tracing::warn!(tenant, usage_type, delivery, %cause, "a code was not sent; its caller is gone");
        }
    }
}

impl<S: ConnectorStore, C: CodeStore> Inner<S, C> {
    async fn send(&self, request: &CodeRequest, recipient: &str) -> Result<SentCode, SendCodeError> {
        // Where nothing is set up, nothing is issued.
        let active = self.registry.active(&request.tenant).await.map_err(SendCodeError::NotReady)?;
        let connector = active.connector().to_owned();
        let scope = scope(request, recipient);
        let issued = self.codes.issue(&scope, request.ip, Recipient::Real).await.map_err(SendCodeError::NotIssued)?;
        let receipt = self.deliver(request, &issued, connector.clone()).await?;
        Ok(SentCode { connector, receipt, expires_at: issued.expires_at(), lifetime: issued.lifetime() })
    }

    async fn deliver(
        &self,
        request: &CodeRequest,
        issued: &Issued,
        connector: String,
    ) -> Result<Receipt, SendCodeError> {
        let message = request.message(issued.code().map(Code::expose).unwrap_or_default());
        let context = SendContext::new();
        // Until a connector has begun.
        context.mark_not_sent();
        let mut delivery = Box::pin(self.registry.send_in(&request.tenant, &message, &context));
        let delivered = tokio::select! {
            // Nothing begins once they are stopped.
            biased;
            () = self.tasks.stopped() => None,
            delivered = &mut delivery => Some(delivered),
        };
        match delivered {
            Some(Ok(receipt)) => Ok(receipt),
            Some(Err(cause)) => {
                let settlement = match &cause {
                    RegistryError::Send(error) => Settlement::of(error),
                    // It did not come to a send.
                    _ => Settlement::Withdraw,
                };
                self.settle(issued, settlement).await;
                Err(SendCodeError::NotDelivered { connector, cause })
            }
            None => {
                let known = context.cancel();
                // Where it may have been sent, it is carried on, and its outcome is logged.
                drop(delivery);
                if known == Delivery::NotSent {
                    self.settle(issued, Settlement::Withdraw).await;
                }
                Err(SendCodeError::Stopped { connector, delivery: known })
            }
        }
    }

    async fn settle(&self, issued: &Issued, settlement: Settlement) {
        let settle = async || match settlement {
            Settlement::Keep => Ok(()),
            Settlement::Revoke => self.codes.revoke(issued).await,
            Settlement::Withdraw => self.codes.withdraw(issued).await,
        };
        let waits =
            ExponentialBuilder::default().with_min_delay(SETTLED_AFTER).with_max_times(SETTLEMENTS).with_jitter();
        if let Err(cause) = settle.retry(waits).await {
            tracing::warn!(%cause, "a code that was not sent could not be taken back");
        }
    }
}

impl<S, C: CodeStore> Inner<S, C> {
    /// Whether expired codes are to be deleted: true once in [`PRUNED_EVERY`].
    fn is_due_to_prune(&self) -> bool {
        let mut pruned = self.pruned.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = pruned.is_none_or(|last| last.elapsed() >= PRUNED_EVERY);
        if is_due {
            *pruned = Some(Instant::now());
        }
        is_due
    }

    /// Deletes expired codes, until none is left or the tasks are stopped.
    async fn prune(&self) {
        for _ in 0..PRUNINGS {
            if self.tasks.is_stopped() {
                return;
            }
            match self.codes.prune().await {
                Ok(0) => return,
                Ok(_) => {}
                Err(cause) => {
                    tracing::warn!(%cause, "expired codes could not be deleted");
                    return;
                }
            }
        }
    }
}

impl<S, C> Clone for CodeService<S, C> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<S, C> fmt::Debug for CodeService<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CodeService").field("tasks", &self.inner.tasks).finish_non_exhaustive()
    }
}

/// A code that was sent.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SentCode {
    /// The id of the connector that sent it.
    pub connector: String,
    /// What the connector says of it.
    pub receipt: Receipt,
    /// When the code expires.
    pub expires_at: SystemTime,
    /// How long it is good for, from its issue on.
    pub lifetime: Duration,
}

/// A code that was not sent, or perhaps not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendCodeError {
    /// The recipient is no address.
    #[error(transparent)]
    InvalidRecipient(MailboxFault),
    /// There is no connector to send it through, or none that can be used.
    #[error(transparent)]
    NotReady(RegistryError),
    /// A limit fired, or the store of codes failed.
    #[error(transparent)]
    NotIssued(CodeError),
    /// It was issued, but the delivery failed. It is settled.
    #[error("{cause}")]
    NotDelivered {
        /// The id of the connector.
        connector: String,
        /// Why it failed.
        #[source]
        cause: RegistryError,
    },
    /// [`Tasks::stop`] ended its delivery. It is settled.
    #[error("the delivery was stopped")]
    Stopped {
        /// The id of the connector.
        connector: String,
        /// Whether it may have been sent all the same.
        delivery: Delivery,
    },
    /// Its task ended before its outcome was known.
    #[error("the delivery ended before its outcome was known")]
    Lost,
}

impl SendCodeError {
    /// Whether the code may have been sent all the same.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self {
            Self::InvalidRecipient(_) | Self::NotReady(_) | Self::NotIssued(_) => Delivery::NotSent,
            Self::NotDelivered { cause: RegistryError::Send(error), .. } => error.delivery(),
            Self::NotDelivered { .. } => Delivery::NotSent,
            Self::Stopped { delivery, .. } => *delivery,
            Self::Lost => Delivery::Unknown,
        }
    }
}

/// What was typed could not be verified.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyCodeError {
    /// The recipient is no address.
    #[error(transparent)]
    InvalidRecipient(#[from] MailboxFault),
    /// The store of codes failed.
    #[error(transparent)]
    Codes(#[from] CodeError),
}
