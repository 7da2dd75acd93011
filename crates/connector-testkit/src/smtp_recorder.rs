//! A loopback SMTP server that records its conversations and answers from a script, or only counts: a sink.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rustls::ServerConfig;
use tokio::sync::watch;

use crate::server::{Server, accept, wait_until};
use crate::smtp_auth::SmtpCredentials;
use crate::smtp_script::SmtpScript;
use crate::smtp_session;

/// How a [`SmtpRecorder`] listens and answers.
#[derive(Default)]
pub struct SmtpRecorderOptions {
    /// The certificate for STARTTLS or implicit TLS; none: STARTTLS is answered with 454.
    pub tls: Option<ServerConfig>,
    /// What is offered and answered.
    pub script: SmtpScript,
}

/// How a sink listens: a server for benchmarks, which takes everything and keeps nothing but counts.
#[derive(Default)]
pub struct SinkOptions {
    /// The certificate for STARTTLS or implicit TLS.
    pub tls: Option<ServerConfig>,
    /// TLS from the first byte.
    pub implicit_tls: bool,
    /// What is offered.
    pub capabilities: Vec<String>,
}

/// How far a session's protection got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TlsReached {
    /// In clear to the end.
    #[default]
    None,
    /// STARTTLS was done.
    StartTls,
    /// TLS from the first byte.
    Implicit,
}

impl TlsReached {
    /// The word the reference recordings use.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "starttls",
            Self::Implicit => "implicit",
        }
    }
}

/// One connection's conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmtpSession {
    /// How far the protection got.
    pub tls: TlsReached,
    /// The server name of the TLS hello.
    pub server_name: Option<String>,
    /// Why the TLS handshake failed, as the server saw it.
    pub tls_error: Option<String>,
    /// Both sides in order: `C: …` and `S: …`; a message is `C: (message)` and `C: .`, a dropped connection `S: (closes)`.
    pub lines: Vec<String>,
    /// The credentials of each AUTH exchange that got so far.
    pub credentials: Vec<SmtpCredentials>,
    /// The messages that came to their final dot, whatever the reply was.
    pub messages: Vec<RecordedMail>,
    /// Bytes that came in clear behind STARTTLS, before the handshake: a client must not send any.
    pub bytes_behind_starttls: usize,
    /// Whether QUIT was said.
    pub quit: bool,
    /// Whether the connection is still open.
    pub open: bool,
}

impl SmtpSession {
    /// The lines with the host's own name in EHLO written as the reference recordings write it.
    #[must_use]
    pub fn lines_hiding(&self, own_name: &str) -> Vec<String> {
        let said = format!("C: EHLO {own_name}");
        let hidden = |line: &String| if *line == said { "C: EHLO (own name)".to_owned() } else { line.clone() };
        self.lines.iter().map(hidden).collect()
    }

    /// The client's lines alone, without `C: `.
    #[must_use]
    pub fn commands(&self) -> Vec<&str> {
        self.lines.iter().filter_map(|line| line.strip_prefix("C: ")).collect()
    }
}

/// A message with its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedMail {
    /// What stood behind `MAIL FROM:`, parameters included.
    pub mail_from: String,
    /// What stood behind each accepted `RCPT TO:`, parameters included.
    pub rcpt_to: Vec<String>,
    /// The message, with the stuffed dots taken out.
    pub source: Vec<u8>,
    /// The message as it was on the wire, up to the line of the final dot.
    pub wire: Vec<u8>,
    /// The reply to the final dot; none when the connection was dropped or left silent instead.
    pub reply: Option<String>,
    /// Which connection brought it, from 0.
    pub connection: usize,
    /// How the connection was protected.
    pub tls: TlsReached,
}

impl RecordedMail {
    /// Whether the server took responsibility for it.
    #[must_use]
    pub fn accepted(&self) -> bool {
        self.reply.as_deref().is_some_and(|reply| reply.starts_with('2'))
    }
}

/// What the sessions share with the recorder.
pub(crate) struct Shared {
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) script: Mutex<SmtpScript>,
    pub(crate) sessions: watch::Sender<Vec<SmtpSession>>,
    pub(crate) closing: watch::Sender<u64>,
    /// What is said to idle clients before their connections are closed.
    pub(crate) farewell: Mutex<Option<String>>,
    /// What is closed is reset instead.
    pub(crate) resets: AtomicBool,
    /// Only count.
    pub(crate) sink: bool,
    pub(crate) accepted: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Shared {
    pub(crate) fn record(&self, connection: usize, change: impl FnOnce(&mut SmtpSession)) {
        self.sessions.send_modify(|sessions| change(&mut sessions[connection]));
    }
}

/// The server: on 127.0.0.1, on a thread of its own, until it is dropped.
pub struct SmtpRecorder {
    server: Server,
    shared: Arc<Shared>,
}

impl SmtpRecorder {
    /// Starts a recorder on a free port.
    #[allow(clippy::unused_async, reason = "leaves the kit free to wait for something here")]
    pub async fn start(options: SmtpRecorderOptions) -> Self {
        Self::launch(options.tls, options.script, false)
    }

    /// Starts a sink on a free port. It has no lines and no messages to show, only counts.
    #[allow(clippy::unused_async, reason = "leaves the kit free to wait for something here")]
    pub async fn sink(options: SinkOptions) -> Self {
        let script = SmtpScript {
            capabilities: options.capabilities,
            implicit_tls: options.implicit_tls,
            ..SmtpScript::default()
        };
        Self::launch(options.tls, script, true)
    }

    fn launch(tls: Option<ServerConfig>, script: SmtpScript, sink: bool) -> Self {
        let shared = Arc::new(Shared {
            tls: tls.map(Arc::new),
            script: Mutex::new(script),
            sessions: watch::Sender::new(Vec::new()),
            closing: watch::Sender::new(0),
            farewell: Mutex::new(None),
            resets: AtomicBool::new(false),
            sink,
            accepted: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        });
        let serving = Arc::clone(&shared);
        let server = Server::start(move |listener| async move {
            while let Some(stream) = accept(&listener).await {
                let shared = Arc::clone(&serving);
                let mut connection = 0;
                shared.sessions.send_modify(|sessions| {
                    connection = sessions.len();
                    sessions.push(SmtpSession { open: true, ..SmtpSession::default() });
                });
                tokio::spawn(async move {
                    smtp_session::run(stream, connection, &shared).await;
                    shared.record(connection, |session| session.open = false);
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

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.sessions.borrow().len()
    }

    /// How many of them are open now.
    #[must_use]
    pub fn open_connections(&self) -> usize {
        self.shared.sessions.borrow().iter().filter(|session| session.open).count()
    }

    /// The sessions in the order of their connections, unfinished ones included.
    #[must_use]
    pub fn sessions(&self) -> Vec<SmtpSession> {
        self.shared.sessions.borrow().clone()
    }

    /// The messages of all sessions that came to their final dot, connection by connection.
    #[must_use]
    pub fn messages(&self) -> Vec<RecordedMail> {
        self.shared.sessions.borrow().iter().flat_map(|session| session.messages.clone()).collect()
    }

    /// The one message there was.
    ///
    /// # Panics
    ///
    /// When there was none, or more than one.
    #[must_use]
    pub fn only_message(&self) -> RecordedMail {
        let mut messages = self.messages();
        assert_eq!(messages.len(), 1, "one message expected in these sessions: {:#?}", self.sessions());
        messages.remove(0)
    }

    /// How many messages were answered with 2xx: with a sink too.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many bytes these messages had on the wire: with a sink too.
    #[must_use]
    pub fn accepted_bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Replaces the script. What has been recorded stays.
    pub fn set_script(&self, script: SmtpScript) {
        *self.shared.script.lock().unwrap() = script;
    }

    /// Closes every open connection that waits for its client, as an idle timeout does, after saying `farewell`
    /// (a 421, or nothing), and waits until none is open.
    ///
    /// # Panics
    ///
    /// When one is still open after ten seconds.
    pub async fn close_connections(&self, farewell: Option<&str>) {
        self.end_connections(farewell, false).await;
    }

    /// Resets every open connection that waits for its client, as a firewall does that has forgotten it, and waits until
    /// none is open.
    ///
    /// # Panics
    ///
    /// When one is still open after ten seconds.
    pub async fn reset_connections(&self) {
        self.end_connections(None, true).await;
    }

    async fn end_connections(&self, farewell: Option<&str>, reset: bool) {
        *self.shared.farewell.lock().unwrap() = farewell.map(str::to_owned);
        self.shared.resets.store(reset, Ordering::Relaxed);
        self.shared.closing.send_modify(|times| *times += 1);
        self.wait_for_open_connections(0).await;
    }

    /// Waits until exactly this many connections are open.
    ///
    /// # Panics
    ///
    /// When it does not come to that within ten seconds.
    pub async fn wait_for_open_connections(&self, count: usize) {
        let what = format!("{count} open connections");
        wait_until(&self.shared.sessions, &what, |sessions| {
            sessions.iter().filter(|session| session.open).count() == count
        })
        .await;
    }

    /// Waits until `condition` holds for the sessions so far; `what` is said when it never does.
    ///
    /// # Panics
    ///
    /// When it does not within ten seconds.
    pub async fn wait_for(&self, what: &str, mut condition: impl FnMut(&[SmtpSession]) -> bool) {
        wait_until(&self.shared.sessions, what, |sessions| condition(sessions)).await;
    }

    /// Waits until this many messages have come to their final dot and been answered. Not for a sink.
    ///
    /// # Panics
    ///
    /// When they have not within ten seconds.
    pub async fn wait_for_messages(&self, count: usize) {
        let what = format!("{count} messages");
        self.wait_for(&what, |sessions| sessions.iter().map(|session| session.messages.len()).sum::<usize>() >= count)
            .await;
    }
}
