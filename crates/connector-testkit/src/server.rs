//! A loopback listener on a thread of its own, and bounded waiting for what happens there.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

/// No condition in a test takes this long: when it does, the test is wrong or the code under test hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server with its own thread and runtime, so that a test may block its own (a child process, a blocking client)
/// and still be answered. Dropping it stops the thread and everything spawned there.
pub(crate) struct Server {
    port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on a free loopback port and runs `serve` with the listener until this is dropped.
    pub(crate) fn start<S, F>(serve: S) -> Self
    where
        S: FnOnce(TcpListener) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let listener = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name(format!("recorder-{port}"))
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let serving = serve(TcpListener::from_std(listener).unwrap());
                    tokio::select! {
                        () = serving => {}
                        _ = stopped => {}
                    }
                });
            })
            .unwrap();
        Self { port, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic over there has already been printed; a second one here could abort the test run.
            let _ = thread.join();
        }
    }
}

/// Accepts until the listener fails for good; what goes wrong with one incoming connection is that connection's.
pub(crate) async fn accept(listener: &TcpListener) -> Option<tokio::net::TcpStream> {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Some(stream),
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => return None,
        }
    }
}

/// Waits until `condition` holds for what the recorder has seen so far.
///
/// # Panics
///
/// After ten seconds, saying what was waited for.
pub(crate) async fn wait_until<T>(state: &watch::Sender<T>, what: &str, condition: impl FnMut(&T) -> bool) {
    let mut receiver = state.subscribe();
    let waited = tokio::time::timeout(PATIENCE, receiver.wait_for(condition)).await;
    match waited {
        // What the recorder did last (closing a connection, say) has reached the client's sockets by now; yielding lets
        // a client on this runtime notice before the test goes on.
        Ok(Ok(_)) => {
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
        }
        Ok(Err(_)) => panic!("the recorder stopped while waiting for {what}"),
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}
