//! What is under way, whether or not anybody waits for it.

use std::{fmt, future::Future};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument as _, instrument::WithSubscriber as _};

/// Tasks that go on when nobody waits for them any more. Cheap to clone: all clones are the same tasks.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopped: CancellationToken,
}

impl Tasks {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until none is under way. Call it before the runtime ends, which would end them anywhere.
    pub async fn finish(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Ends every delivery, now and from now on, and waits until all of them are settled by what is known: a message of
    /// which nothing was written counts as not sent, any other may have been.
    pub async fn stop(&self) {
        self.stopped.cancel();
        self.finish().await;
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(task.in_current_span().with_current_subscriber());
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Resolves once they are stopped.
    pub(crate) async fn stopped(&self) {
        self.stopped.cancelled().await;
    }
}

impl fmt::Debug for Tasks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tasks").field("under_way", &self.tracker.len()).finish_non_exhaustive()
    }
}
