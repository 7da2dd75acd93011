//! How far a send has come: what a deadline needs to tell "not sent" from "unknown".

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU32, Ordering},
};

use tokio::time::Instant;

use crate::Delivery;

tokio::task_local! {
    /// The progress of the send that the current task is in.
    static CURRENT: Progress;
}

/// How far the send in hand has come. Connectors mark it; layers read it.
///
/// It travels with the task, so a connector finds it by [`Progress::current`] however deep it is.
#[derive(Debug, Clone)]
pub struct Progress(Arc<State>);

#[derive(Debug)]
struct State {
    deadline: Option<Instant>,
    written: AtomicBool,
    attempts: AtomicU32,
    id: OnceLock<String>,
    host: Mutex<Option<Arc<str>>>,
    /// The send's own progress, where this is of something else on its way.
    of_send: Option<Progress>,
}

impl Progress {
    pub(super) fn until(deadline: Instant) -> Self {
        Self::starting(Some(deadline), None)
    }

    fn starting(deadline: Option<Instant>, of_send: Option<Self>) -> Self {
        let (written, attempts) = (AtomicBool::new(false), AtomicU32::new(0));
        let (id, host) = (OnceLock::new(), Mutex::new(None));
        Self(Arc::new(State { deadline, written, attempts, id, host, of_send }))
    }

    pub(super) fn scope<F: Future>(self, send: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, send)
    }

    /// The progress of the send in hand; a fresh one when no layer is around the connector.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_else(|_| Self::starting(None, None))
    }

    /// Runs something else than the send itself, such as a token request: what it marks does not count.
    pub async fn aside<F: Future>(work: F) -> F::Output {
        let send = Self::current();
        Self::starting(send.deadline(), Some(send)).scope(work).await
    }

    /// From here on the provider may have accepted the message: the bytes that decide it are about to be written.
    pub fn mark_written(&self) {
        self.0.written.store(true, Ordering::Release);
    }

    /// The provider has said no, or nothing was written: the message is not sent.
    pub fn mark_not_sent(&self) {
        self.0.written.store(false, Ordering::Release);
    }

    /// What to say of the message if the send ended now.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        if self.0.written.load(Ordering::Acquire) { Delivery::Unknown } else { Delivery::NotSent }
    }

    /// When the send must have ended, where a deadline is set.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// The id of the send in hand: `make` makes it once, and every attempt has the same.
    #[must_use]
    pub fn id(&self, make: impl FnOnce() -> String) -> String {
        self.0.id.get_or_init(make).clone()
    }

    /// Says which host is being waited for, for the error of a deadline that strikes.
    pub fn waits_for(&self, host: impl Into<Arc<str>>) {
        let host = host.into();
        if let Some(send) = &self.0.of_send {
            send.waits_for(Arc::clone(&host));
        }
        *self.0.host.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
    }

    pub(super) fn host(&self) -> Option<Arc<str>> {
        self.0.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn start_attempt(&self) {
        self.mark_not_sent();
        self.0.attempts.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }
}
