//! Never more connections to a host than there are requests to it under way.
//!
//! hyper opens a connection whenever none is idle at the moment a request wants one, and goes on opening it when another
//! becomes idle before it stands. Under load a request often comes an instant before the connection of the one before it is
//! back in the pool, and so connections pile up that nothing needed. Here a new connection waits while one that will do
//! is on its way back or already being opened; most such requests have it within microseconds.

use std::{
    collections::HashMap,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use tower_layer::Layer;
use tower_service::Service;
use url::{Position, Url};

/// How long after its last use a connection is believed to be on its way back. One that the server closes without a word
/// never comes, and costs whoever waits for it this long at most.
const COMES_BACK_WITHIN: Duration = Duration::from_millis(50);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

tokio::task_local! {
    /// The exchange that the current task is in: the client opens connections from within it.
    static CURRENT: Arc<Exchange>;
}

/// What is known of the connections of one client, by host.
#[derive(Default)]
pub(super) struct Connections(Mutex<HashMap<Box<str>, Arc<Host>>>);

impl Connections {
    /// A request to the host of `url` begins.
    pub(super) fn begin(&self, url: &Url) -> Arc<Exchange> {
        let origin = &url[Position::BeforeScheme..Position::AfterPort];
        let mut hosts = locked(&self.0);
        let host = match hosts.get(origin) {
            Some(host) => Arc::clone(host),
            None => {
                // Hosts come from configurations, of which there may be many in a process's life.
                hosts.retain(|_, host| !host.is_quiet());
                Arc::clone(hosts.entry(origin.into()).or_default())
            }
        };
        host.counts().under_way += 1;
        Arc::new(Exchange { host, stage: Mutex::new(Stage::Waiting) })
    }
}

#[derive(Default)]
struct Host {
    counts: Mutex<Counts>,
    /// Something has changed that a waiting connection may go by.
    changed: Notify,
}

#[derive(Default)]
struct Counts {
    /// Requests that have begun and not ended.
    under_way: usize,
    /// Those of them that have a connection.
    served: usize,
    /// Connections being opened.
    opening: usize,
    /// Connections that nothing uses: idle, or about to be. The server may have closed some.
    free: usize,
    /// When the last of these became free.
    freed_at: Option<Instant>,
}

impl Counts {
    fn free_one(&mut self) {
        self.free += 1;
        self.freed_at = Some(Instant::now());
    }

    /// Whether the connections free and being opened are fewer than the requests that have none.
    fn too_few(&self) -> bool {
        self.opening + self.free < self.under_way.saturating_sub(self.served)
    }

    fn free_are_back_by(&self) -> Option<Instant> {
        self.freed_at.map(|at| at + COMES_BACK_WITHIN)
    }
}

impl Host {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    fn is_quiet(&self) -> bool {
        let counts = self.counts();
        let back = counts.free_are_back_by().is_none_or(|by| by <= Instant::now());
        counts.under_way == 0 && counts.opening == 0 && back
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has no connection yet.
    Waiting,
    /// It is being written, or was.
    Served,
    /// It has ended.
    Ended,
}

/// A request, from its beginning to the end of its answer.
pub(super) struct Exchange {
    host: Arc<Host>,
    stage: Mutex<Stage>,
}

impl Exchange {
    /// Runs `exchange`, whose connections are opened on its behalf.
    pub(super) async fn scope<F: Future>(self: &Arc<Self>, exchange: F) -> F::Output {
        // Dropped half-way, it has ended as well.
        let _ended = Ended(self);
        CURRENT.scope(Arc::clone(self), exchange).await
    }

    /// It has a connection.
    pub(super) fn served(&self) {
        let mut stage = locked(&self.stage);
        if *stage == Stage::Waiting {
            *stage = Stage::Served;
            let mut counts = self.host.counts();
            counts.served += 1;
            counts.free = counts.free.saturating_sub(1);
            drop(counts);
            self.host.changed.notify_waiters();
        }
    }

    /// Its answer has come whole, and its connection can be used again.
    pub(super) fn leaves_connection(&self) {
        self.served();
        self.end(true);
    }

    fn end(&self, leaves_connection: bool) {
        let mut stage = locked(&self.stage);
        let mut counts = self.host.counts();
        match *stage {
            Stage::Ended => return,
            Stage::Waiting => {}
            Stage::Served => counts.served -= 1,
        }
        counts.under_way -= 1;
        if leaves_connection {
            counts.free_one();
        }
        *stage = Stage::Ended;
        drop(counts);
        self.host.changed.notify_waiters();
    }

    /// Waits until this exchange needs a connection of its own; none when it got another meanwhile.
    async fn opens(&self) -> Option<Opening> {
        let mut patience = self.host.counts().free_are_back_by();
        loop {
            let mut changed = pin!(self.host.changed.notified());
            changed.as_mut().enable();
            if *locked(&self.stage) != Stage::Waiting {
                return None;
            }
            {
                let mut counts = self.host.counts();
                if patience.is_some_and(|until| until <= Instant::now()) {
                    counts.free = 0;
                    patience = None;
                }
                if counts.too_few() {
                    counts.opening += 1;
                    return Some(Opening { host: Arc::clone(&self.host), opened: false });
                }
            }
            match patience {
                Some(until) => drop(timeout_at(until, changed).await),
                // What it waits for is being opened: that ends one way or the other.
                None => {
                    changed.await;
                    patience = self.host.counts().free_are_back_by();
                }
            }
        }
    }
}

struct Ended<'e>(&'e Exchange);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end(false);
    }
}

/// A connection being opened.
struct Opening {
    host: Arc<Host>,
    opened: bool,
}

impl Drop for Opening {
    fn drop(&mut self) {
        let mut counts = self.host.counts();
        counts.opening -= 1;
        if self.opened {
            counts.free_one();
        }
        drop(counts);
        self.host.changed.notify_waiters();
    }
}

/// Makes the client's connector open only the connections that are needed.
#[derive(Clone)]
pub(super) struct AsNeeded;

impl<S> Layer<S> for AsNeeded {
    type Service = OpensAsNeeded<S>;

    fn layer(&self, connector: S) -> OpensAsNeeded<S> {
        OpensAsNeeded(connector)
    }
}

#[derive(Clone)]
pub(super) struct OpensAsNeeded<S>(S);

impl<S, R> Service<R> for OpensAsNeeded<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, destination: R) -> Self::Future {
        // The one that is ready goes; its clone stays.
        let next = self.0.clone();
        let mut connector = std::mem::replace(&mut self.0, next);
        // The task that asks is the request's; the one that waits may be another.
        let exchange = CURRENT.try_with(Arc::clone);
        Box::pin(async move {
            let Ok(exchange) = exchange else { return connector.call(destination).await };
            let Some(mut opening) = exchange.opens().await else {
                return Err("the request has another connection".into());
            };
            let connection = connector.call(destination).await;
            opening.opened = connection.is_ok();
            connection
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
