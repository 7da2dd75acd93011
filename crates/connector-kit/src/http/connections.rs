//! Never more connections to a host than there are requests to it under way.
//!
//! hyper opens a connection whenever none is idle at the moment a request wants one, and goes on opening it when another
//! becomes idle before it stands. Under load a request often comes an instant before the connection of the one before it is
//! back in the pool, and so connections pile up that nothing needed. Here a new connection waits while one that will do
//! is on its way back or already being opened; most such requests have it within microseconds.

use std::{
    collections::HashMap,
    future::{pending, poll_fn},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    sync::Notify,
    task::yield_now,
    time::{Instant, sleep_until},
};
use tower_layer::Layer;
use tower_service::Service;
use url::{Position, Url};

/// How long free connections are believed to be on their way back while none comes. One that the server closes without a
/// word never does, and costs whoever waits for it this long.
const COMES_BACK_WITHIN: Duration = Duration::from_millis(250);
/// How often the tasks that bring a connection back, or put it to use, get their turn before the wait for it is given up: on a
/// busy machine the time may have passed without any of them running.
const TURNS: usize = 32;

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
    pub(super) fn begin(&self, url: &Url) -> UnderWay {
        let origin = &url[Position::BeforeScheme..Position::AfterPort];
        let mut hosts = locked(&self.0);
        let host = match hosts.get(origin) {
            Some(host) => Arc::clone(host),
            None => {
                // Hosts come from configurations, of which there may be many in a process's life.
                hosts.retain(|_, host| !host.is_quiet());
                let name = url.host_str().unwrap_or_default().into();
                let host = Arc::new(Host { name, counts: Mutex::default(), look: Notify::new() });
                hosts.insert(origin.into(), Arc::clone(&host));
                host
            }
        };
        host.counts().under_way += 1;
        UnderWay(Arc::new(Exchange { host, stage: Mutex::new(Stage::Waiting), moved_on: Notify::new() }))
    }
}

struct Host {
    name: Arc<str>,
    counts: Mutex<Counts>,
    /// One that waits should look: there may be room, or what it waits for may never come.
    look: Notify,
}

#[derive(Default)]
struct Counts {
    /// Requests that have begun and not ended.
    under_way: usize,
    /// Those of them that have a connection.
    served: usize,
    /// Connections being opened.
    opening: usize,
    /// Connections that nothing uses: idle, or about to be. The server may have closed some. Less than none for as long as a
    /// connection serves the next request while the task of the one before has yet to hear of its answer's end.
    free: isize,
    /// When one of them last became free or was taken.
    moved_at: Option<Instant>,
}

impl Counts {
    fn free_one(&mut self) {
        self.free += 1;
        self.moved_at = Some(Instant::now());
    }

    fn take_one(&mut self) {
        self.free -= 1;
        // Only who waits wants to know, and whoever comes to wait reckons from when the last became free.
        if self.waiting() > 0 {
            self.moved_at = Some(Instant::now());
        }
    }

    /// Requests that have no connection.
    fn waiting(&self) -> usize {
        self.under_way.saturating_sub(self.served)
    }

    /// Whether fewer connections are free or being opened than requests have none.
    fn has_room(&self) -> bool {
        self.opening + self.free.max(0).unsigned_abs() < self.waiting()
    }

    /// Until when the free connections are believed to be on their way back.
    fn free_until(&self) -> Option<Instant> {
        self.moved_at.filter(|_| self.free > 0).map(|at| at + COMES_BACK_WITHIN)
    }
}

impl Host {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        locked(&self.counts)
    }

    /// Changes the counts, and has one of those that wait look at them where it should.
    fn change(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts();
        change(&mut counts);
        if counts.has_room() || (counts.free > 0 && counts.waiting() > 0) {
            self.look.notify_one();
        }
    }

    fn is_quiet(&self) -> bool {
        let counts = self.counts();
        let back = counts.free_until().is_none_or(|until| until <= Instant::now());
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
    moved_on: Notify,
}

impl Exchange {
    /// Runs `exchange`, whose connections are opened on its behalf. (An `async fn` would hold it twice over.)
    pub(super) fn scope<F: Future>(self: &Arc<Self>, exchange: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(Arc::clone(self), exchange)
    }

    /// The name of the host.
    pub(super) fn host(&self) -> Arc<str> {
        Arc::clone(&self.host.name)
    }

    /// It has a connection.
    pub(super) fn served(&self) {
        let mut stage = locked(&self.stage);
        if *stage == Stage::Waiting {
            *stage = Stage::Served;
            self.moved_on.notify_waiters();
            self.host.change(|counts| {
                counts.served += 1;
                counts.take_one();
            });
        }
    }

    /// Its answer has come whole, and its connection can be used again.
    pub(super) fn leaves_connection(&self) {
        self.served();
        self.end(true);
    }

    fn end(&self, leaves_connection: bool) {
        let mut stage = locked(&self.stage);
        if *stage == Stage::Ended {
            return;
        }
        let was = std::mem::replace(&mut *stage, Stage::Ended);
        self.moved_on.notify_waiters();
        self.host.change(|counts| {
            counts.under_way -= 1;
            counts.served -= usize::from(was == Stage::Served);
            if leaves_connection {
                counts.free_one();
            } else if counts.under_way == 0 {
                counts.free = counts.free.max(0);
            }
        });
    }

    /// Waits until this exchange needs a connection of its own; none when it got another meanwhile.
    async fn opens(self: &Arc<Self>) -> Option<Opening> {
        let mut in_vain = false;
        loop {
            let mut moved_on = pin!(self.moved_on.notified());
            moved_on.as_mut().enable();
            if *locked(&self.stage) != Stage::Waiting {
                // It may be the one that was told to look.
                self.host.change(|_| ());
                return None;
            }
            let free_until = {
                let mut counts = self.host.counts();
                if in_vain && counts.free_until().is_some_and(|until| until <= Instant::now()) {
                    counts.free = 0;
                }
                if counts.has_room() {
                    counts.opening += 1;
                    if counts.has_room() {
                        self.host.look.notify_one();
                    }
                    return Some(Opening { exchange: Arc::clone(self), opened: false });
                }
                counts.free_until()
            };
            let none_came_back = async {
                match free_until {
                    Some(until) => sleep_until(until).await,
                    None => pending().await,
                }
                for _ in 0..TURNS {
                    yield_now().await;
                }
            };
            tokio::select! {
                () = moved_on => {}
                () = none_came_back => in_vain = true,
                () = self.host.look.notified() => {}
            }
        }
    }
}

/// An exchange that has ended when this is dropped, be it half-way.
pub(super) struct UnderWay(pub(super) Arc<Exchange>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.end(false);
    }
}

/// A connection being opened.
struct Opening {
    exchange: Arc<Exchange>,
    opened: bool,
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.exchange.host.change(|counts| {
            counts.opening -= 1;
            if self.opened {
                counts.free_one();
            }
        });
        // Connections are alike: should it have another by now, then this one is free in that one's stead.
        if self.opened {
            self.exchange.served();
        }
    }
}

/// Makes the client's connector open only the connections that are needed.
#[derive(Clone)]
pub(super) struct AsNeeded;

impl<S> Layer<S> for AsNeeded {
    type Service = OpensAsNeeded<S>;

    fn layer(&self, connector: S) -> OpensAsNeeded<S> {
        OpensAsNeeded(Arc::new(connector))
    }
}

/// The client clones its connector for every request, and uses few of the clones: shared, they cost nothing.
pub(super) struct OpensAsNeeded<S>(Arc<S>);

impl<S> Clone for OpensAsNeeded<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S, R> Service<R> for OpensAsNeeded<S>
where
    S: Service<R, Error = BoxError> + Clone + Send + Sync + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, destination: R) -> Self::Future {
        let connector = Arc::clone(&self.0);
        // The task that asks is the request's; the one that waits may be another.
        let exchange = CURRENT.try_with(Arc::clone);
        Box::pin(async move {
            let Ok(exchange) = exchange else { return open(&*connector, destination).await };
            let Some(mut opening) = exchange.opens().await else {
                return Err("the request has another connection".into());
            };
            let connection = open(&*connector, destination).await;
            opening.opened = connection.is_ok();
            connection
        })
    }
}

async fn open<S: Service<R> + Clone, R>(connector: &S, destination: R) -> Result<S::Response, S::Error> {
    let mut connector = connector.clone();
    poll_fn(|context| connector.poll_ready(context)).await?;
    connector.call(destination).await
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
