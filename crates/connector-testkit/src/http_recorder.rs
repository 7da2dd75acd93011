//! A loopback HTTP server that records what it is asked, byte for byte, and answers from a script.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use crate::http_answer::{Answer, Fault};
use crate::http_request::RecordedRequest;
use crate::http_wire::{Then, read_request, write_answer};
use crate::server::{Server, accept, wait_until};
use crate::wire::{Filled, Wire};

/// How a [`HttpRecorder`] listens and answers.
#[derive(Default)]
pub struct RecorderOptions {
    /// The certificate of an HTTPS server; none: plain HTTP.
    pub tls: Option<ServerConfig>,
    /// The answers in turn, the last one repeated; none: always `200` with an empty body.
    pub answers: Vec<Answer>,
}

type Responder = Arc<dyn Fn(&RecordedRequest) -> Answer + Send + Sync>;

enum Script {
    InTurn { answers: Vec<Answer>, next: usize },
    By(Responder),
}

impl Script {
    fn in_turn(answers: Vec<Answer>) -> Self {
        Self::InTurn { answers, next: 0 }
    }

    /// The fault of the answer whose turn it is, and whether to use that answer up.
    fn take_fault(&mut self, wanted: impl Fn(Fault) -> bool) -> Option<Fault> {
        let Self::InTurn { answers, next } = self else { return None };
        let fault = answers.get(*next)?.fault;
        if !wanted(fault) {
            return None;
        }
        *next = (*next + 1).min(answers.len() - 1);
        Some(fault)
    }

    fn take(&mut self, request: &RecordedRequest) -> Answer {
        match self {
            Self::InTurn { answers, next } => {
                let answer = answers.get(*next).cloned().unwrap_or_default();
                *next = (*next + 1).min(answers.len().saturating_sub(1));
                answer
            }
            Self::By(responder) => responder(request),
        }
    }
}

#[derive(Default)]
struct Seen {
    requests: Vec<RecordedRequest>,
    /// Of all requests, those a sink does not keep included.
    count: usize,
    accepted: usize,
    open: usize,
    errors: Vec<String>,
}

struct Shared {
    tls: Option<Arc<ServerConfig>>,
    script: Mutex<Script>,
    seen: watch::Sender<Seen>,
    closing: watch::Sender<u64>,
    /// What is closed is reset instead.
    resets: AtomicBool,
    held: Semaphore,
    body_bytes: AtomicU64,
    /// Only count.
    sink: bool,
}

/// The server: on 127.0.0.1, on a thread of its own, until it is dropped.
pub struct HttpRecorder {
    server: Server,
    shared: Arc<Shared>,
}

impl HttpRecorder {
    /// Starts listening on a free port.
    #[allow(clippy::unused_async, reason = "leaves the kit free to wait for something here")]
    pub async fn start(options: RecorderOptions) -> Self {
        Self::launch(options, false)
    }

    /// Starts a sink on a free port: a server for benchmarks, which counts requests and keeps none.
    #[allow(clippy::unused_async, reason = "leaves the kit free to wait for something here")]
    pub async fn sink(options: RecorderOptions) -> Self {
        Self::launch(options, true)
    }

    fn launch(options: RecorderOptions, sink: bool) -> Self {
        let shared = Arc::new(Shared {
            tls: options.tls.map(Arc::new),
            script: Mutex::new(Script::in_turn(options.answers)),
            seen: watch::Sender::new(Seen::default()),
            closing: watch::Sender::new(0),
            resets: AtomicBool::new(false),
            held: Semaphore::new(0),
            body_bytes: AtomicU64::new(0),
            sink,
        });
        let serving = Arc::clone(&shared);
        let server = Server::start(move |listener| async move {
            while let Some(stream) = accept(&listener).await {
                let shared = Arc::clone(&serving);
                let mut connection = 0;
                shared.seen.send_modify(|seen| {
                    connection = seen.accepted;
                    seen.accepted += 1;
                    seen.open += 1;
                });
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, connection, &shared).await {
                        shared.seen.send_modify(|seen| seen.errors.push(error.to_string()));
                    }
                    shared.seen.send_modify(|seen| seen.open -= 1);
                });
            }
        });
        Self { server, shared }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// `http` or `https`, 127.0.0.1 and the port, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.shared.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port())
    }

    /// The complete requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.seen.borrow().requests.clone()
    }

    /// How many complete requests there were: with a sink too.
    #[must_use]
    pub fn request_count(&self) -> usize {
        self.shared.seen.borrow().count
    }

    /// The one request there was.
    ///
    /// # Panics
    ///
    /// When there was none, or more than one.
    #[must_use]
    pub fn only_request(&self) -> RecordedRequest {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "one request expected, these came: {requests:#?}");
        requests.remove(0)
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.seen.borrow().accepted
    }

    /// How many of them are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.seen.borrow().open
    }

    /// What went wrong on the client's side: refused certificates, malformed or unfinished requests.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        self.shared.seen.borrow().errors.clone()
    }

    /// How many bytes of bodies were handed to the network.
    #[must_use]
    pub fn body_bytes_sent(&self) -> u64 {
        self.shared.body_bytes.load(Ordering::Relaxed)
    }

    /// Replaces the script. What has been recorded stays.
    pub fn set_answers(&self, answers: Vec<Answer>) {
        *self.shared.script.lock().unwrap() = Script::in_turn(answers);
    }

    /// Answers each request with what this returns, instead of in turn: for servers with several paths. Faults of
    /// new connections are not available then.
    pub fn respond_with(&self, responder: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap() = Script::By(Arc::new(responder));
    }

    /// Forgets the requests (and their count) and errors so far; connections stay and keep their numbers.
    pub fn clear(&self) {
        self.shared.seen.send_modify(|seen| {
            seen.requests.clear();
            seen.count = 0;
            seen.errors.clear();
        });
    }

    /// Lets so many held answers go.
    pub fn release(&self, answers: usize) {
        self.shared.held.add_permits(answers);
    }

    /// Closes every open connection that waits for its client, as an idle timeout does, and waits until none is open.
    ///
    /// # Panics
    ///
    /// When one is still open after ten seconds.
    pub async fn close_connections(&self) {
        self.end_connections(false).await;
    }

    /// Resets every open connection that waits for its client, as a firewall does that has forgotten it, and waits until
    /// none is open.
    ///
    /// # Panics
    ///
    /// When one is still open after ten seconds.
    pub async fn reset_connections(&self) {
        self.end_connections(true).await;
    }

    async fn end_connections(&self, reset: bool) {
        self.shared.resets.store(reset, Ordering::Relaxed);
        self.shared.closing.send_modify(|times| *times += 1);
        wait_until(&self.shared.seen, "all connections to close", |seen| seen.open == 0).await;
    }

    /// Waits until this many requests have come in.
    ///
    /// # Panics
    ///
    /// When they have not after ten seconds.
    pub async fn wait_for_requests(&self, count: usize) {
        let what = format!("{count} requests");
        wait_until(&self.shared.seen, &what, |seen| seen.count >= count).await;
    }

    /// Waits until this many connections have been accepted.
    ///
    /// # Panics
    ///
    /// When they have not after ten seconds.
    pub async fn wait_for_connections(&self, count: usize) {
        let what = format!("{count} connections");
        wait_until(&self.shared.seen, &what, |seen| seen.accepted >= count).await;
    }

    /// Waits until exactly this many connections are open.
    ///
    /// # Panics
    ///
    /// When it does not come to that within ten seconds.
    pub async fn wait_for_open_connections(&self, count: usize) {
        let what = format!("{count} open connections");
        wait_until(&self.shared.seen, &what, |seen| seen.open == count).await;
    }
}

async fn converse(stream: TcpStream, connection: usize, shared: &Shared) -> io::Result<()> {
    let mut wire = Wire::new(stream, shared.closing.subscribe());
    let on_accept = |fault| matches!(fault, Fault::StallTls | Fault::ResetTls);
    let fault = shared.script.lock().unwrap().take_fault(on_accept);
    match fault {
        Some(Fault::StallTls) => {
            wire.stall().await;
            return Ok(());
        }
        Some(_) => {
            wire.reset();
            return Ok(());
        }
        None => {}
    }
    if let Some(config) = &shared.tls {
        wire = wire
            .secure(Arc::clone(config))
            .await
            .map_err(|error| io::Error::new(error.kind(), format!("TLS handshake: {error}")))?;
    }
    loop {
        if wire.buffer.is_empty() {
            match wire.fill().await? {
                Filled::Data => {}
                Filled::Closing if shared.resets.load(Ordering::Relaxed) => {
                    wire.reset();
                    return Ok(());
                }
                Filled::End | Filled::Closing => {
                    wire.close().await;
                    return Ok(());
                }
            }
        }
        let reset = shared.script.lock().unwrap().take_fault(|fault| fault == Fault::ResetBeforeRead);
        if reset.is_some() {
            wire.reset();
            return Ok(());
        }
        let Some(incoming) = read_request(&mut wire, connection).await? else { return Ok(()) };
        let answer = shared.script.lock().unwrap().take(&incoming.request);
        shared.seen.send_modify(|seen| {
            seen.count += 1;
            if !shared.sink {
                seen.requests.push(incoming.request.clone());
            }
        });
        if answer.held {
            let released = wire.stall_until(async { shared.held.acquire().await.unwrap().forget() }).await;
            if !released {
                return Ok(());
            }
        }
        match write_answer(&mut wire, &answer, &incoming, &shared.body_bytes).await {
            Ok(Then::Continue) => {}
            Ok(Then::Close) => {
                wire.close().await;
                return Ok(());
            }
            Ok(Then::Reset) => {
                wire.reset();
                return Ok(());
            }
            // The client need not read an answer to its end.
            Ok(Then::Drop) | Err(_) => return Ok(()),
        }
    }
}
