//! Sessions, opened as needed, kept for the next message and closed when idle.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connector_kit::{DialOptions, Dialer, Error, ErrorKind, Redactor, Secret, SendContext, TlsClient, TlsStream};
use deadpool::managed::{Manager, Metrics, Object, Pool, QueueMode, RecycleError, RecycleResult, WeakPool};
use lettre::transport::smtp::extension::ClientId;
use tokio::{net::TcpStream, task::JoinHandle};

use crate::{
    oauth::TokenSource,
    replies::Failure,
    session::{Lasting, Session},
    wire::Wire,
};

/// Sessions at most. Postfix takes 50 from one client by default (`smtpd_client_connection_count_limit`), several
/// instances of a service share that, and a session sends hundreds of messages a second.
const MOST_SESSIONS: usize = 20;
/// How long a session may idle. Servers close after minutes; quotas of connections count while it is open.
pub(crate) const IDLE_MOST: Duration = Duration::from_secs(30);
const SWEEP_EVERY: Duration = Duration::from_secs(10);

/// What to look at when the server does not want the access token.
const TOKEN_REFUSED: &str = "the server refuses the access token: is it for auth.user's mailbox, and has it the provider's scope \
                             for SMTP?";

/// How to open a session.
pub(crate) struct Server {
    pub(crate) dialer: Dialer,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) dial: DialOptions,
    pub(crate) implicit_tls: bool,
    pub(crate) require_tls: bool,
    pub(crate) ignore_tls: bool,
    pub(crate) tls: TlsClient,
    pub(crate) tls_name: String,
    pub(crate) client: ClientId,
    pub(crate) greeting_timeout: Duration,
    pub(crate) reply_timeout: Duration,
    pub(crate) login: Login,
    pub(crate) lasting: Lasting,
}

/// How to sign in.
pub(crate) enum Login {
    None,
    Password { user: String, password: Secret },
    Token { user: String, source: Box<TokenSource> },
}

impl Server {
    /// Opens a session; once more where the server refuses an access token that may have been revoked meanwhile.
    pub(crate) async fn open(&self, context: &SendContext) -> Result<Session, Error> {
        match self.open_with_token(context).await {
            Err(Refused { token: Some(token), error }) => match &self.login {
                Login::Token { source, .. } if source.renew(&token).await => {
                    self.open_with_token(context).await.map_err(|refused| refused.error)
                }
                _ => Err(error),
            },
            other => other.map_err(|refused| refused.error),
        }
    }

    async fn open_with_token(&self, context: &SendContext) -> Result<Session, Refused> {
        let mut session = self.connect().await?;
        let starts_tls = !self.implicit_tls && !self.ignore_tls;
        // Asked for even where it is not offered, if it is required: the offer can be cut out on the way.
        if starts_tls && (self.require_tls || session.offers_starttls()) {
            self.start_tls(&mut session).await?;
        }
        match &self.login {
            Login::None => {}
            Login::Password { user, password } => {
                self.warn_if_clear(&session);
                let login = session.log_in(user, password).await;
                login.map_err(|failure| failure.into_error(&self.host, &session.hide(Redactor::default())))?;
            }
            Login::Token { user, source } => {
                self.warn_if_clear(&session);
                let token = source.token(context).await?;
                session.log_in_by_token(user, &token, &self.host, self.port).await.map_err(|failure| {
                    let refused = failure.is_refusal_of_credentials();
                    let error = failure.into_error(&self.host, &session.hide(Redactor::default()));
                    let error = if refused { error.with_hint(TOKEN_REFUSED) } else { error };
                    Refused { token: refused.then_some(token), error }
                })?;
            }
        }
        Ok(session)
    }

    async fn connect(&self) -> Result<Session, Error> {
        let stream = self.dialer.connect(&self.host, self.port, &self.dial).await?;
        let wire = if self.implicit_tls { Wire::encrypted(self.encrypt(stream).await?) } else { Wire::plain(stream) };
        let opened = Session::open(wire, &self.client, self.greeting_timeout, self.reply_timeout).await;
        opened.map_err(|failure| self.error(failure))
    }

    async fn start_tls(&self, session: &mut Session) -> Result<(), Error> {
        let wire = session.ask_for_tls().await.map_err(|failure| self.error(failure))?;
        let Some(stream) = wire.take_plain() else {
            let what = format!("{}: STARTTLS: the server said more in clear than it was asked for", self.host);
            return Err(Error::new(ErrorKind::InvalidResponse, what)
                .not_sent()
                .with_hint("somebody between here and the server may be tampering with the connection"));
        };
        wire.put_encrypted(self.encrypt(stream).await?);
        session.say_hello(&self.client).await.map_err(|failure| self.error(failure))
    }

    /// TLS counts as connecting.
    async fn encrypt(&self, stream: TcpStream) -> Result<TlsStream, Error> {
        let limit = self.dial.connect_timeout.unwrap_or(Duration::MAX);
        let handshake = self.dialer.start_tls(stream, &self.tls_name, &self.tls);
        let outcome = tokio::time::timeout(limit, handshake).await.unwrap_or_else(|_| {
            Err(Error::new(ErrorKind::Unavailable, format!("{}: no TLS handshake within {limit:?}", self.host))
                .not_sent())
        });
        outcome.map_err(|error| match error.hint() {
            None if self.implicit_tls => {
                error.with_hint("does the port expect TLS from the first byte? With STARTTLS, secure must be false")
            }
            _ => error,
        })
    }

    fn warn_if_clear(&self, session: &Session) {
        if !session.is_encrypted() {
            tracing::warn!(host = self.host, "signing in over an unencrypted connection; requireTLS would refuse this");
        }
    }

    fn error(&self, failure: Failure) -> Error {
        failure.into_error(&self.host, &Redactor::default())
    }
}

/// A session that did not come about, and the access token that the server would not take, if that was why.
struct Refused {
    token: Option<Secret>,
    error: Error,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { token: None, error }
    }
}

/// The pool gives out places for sessions, empty at first: whoever needs one opens it, since opening belongs to a send.
impl Manager for Server {
    type Type = Option<Session>;
    type Error = Infallible;

    async fn create(&self) -> Result<Option<Session>, Infallible> {
        Ok(None)
    }

    async fn recycle(&self, place: &mut Option<Session>, _: &Metrics) -> RecycleResult<Infallible> {
        match place.as_ref().is_some_and(|session| session.is_fit() && !session.is_over(&self.lasting)) {
            true => Ok(()),
            false => Err(RecycleError::message("never opened, over, closed by the server, or left in mid-dialogue")),
        }
    }
}

/// The sessions of one connector.
#[derive(Clone)]
pub(crate) struct Sessions {
    pool: Pool<Server>,
    /// Ends with the runtime that it runs in; the next send then starts another.
    sweeper: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Sessions {
    pub(crate) fn new(server: Server) -> Result<Self, Error> {
        // The session used last is taken first, so that those not needed any more become idle.
        let pool = Pool::builder(server).max_size(MOST_SESSIONS).queue_mode(QueueMode::Lifo).build();
        let pool = pool.map_err(|cause| Error::new(ErrorKind::InvalidConfig, cause.to_string()))?;
        Ok(Self { pool, sweeper: Arc::default() })
    }

    /// A session that has served before, or an empty place for a new one.
    pub(crate) async fn get(&self) -> Result<Object<Server>, Error> {
        self.keep_sweeping();
        let place = self.pool.get().await;
        place.map_err(|cause| Error::new(ErrorKind::Unavailable, cause.to_string()).not_sent())
    }

    fn keep_sweeping(&self) {
        let mut sweeper = self.sweeper.lock().unwrap_or_else(PoisonError::into_inner);
        if sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            *sweeper = Some(tokio::spawn(sweep(self.pool.weak())));
        }
    }

    /// Closes every session that idles: after one of them turned out to be gone, the others are likely gone too.
    pub(crate) fn drop_idle(&self) {
        self.pool.retain(|_, _| false);
    }

    pub(crate) fn server(&self) -> &Server {
        self.pool.manager()
    }
}

/// Closes what has idled or lasted too long, for as long as the pool exists.
async fn sweep(pool: WeakPool<Server>) {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        let lasting = pool.manager().lasting;
        pool.retain(|session, _| session.as_ref().is_some_and(|session| !session.is_over(&lasting)));
    }
}
