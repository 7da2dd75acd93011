//! What travels with a send: its deadline, its id, and whether anybody vouches that it was not sent.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError,
    atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};

use tokio::time::Instant;
use uuid::Uuid;

use crate::{Delivery, Error, ErrorKind, Message};

/// What travels with one send of one message, through layers, connector and HTTP client: passed on, never ambient, so that
/// a task which somebody spawns on the way has it too. Cheap to clone: all clones speak of the same send.
///
/// # Outcomes
///
/// What nothing is known of is unknown. A context starts with nothing known, and so does every attempt: a deadline that
/// strikes then says [`Delivery::Unknown`]. It says [`Delivery::NotSent`] only while somebody vouches for that by
/// [`mark_not_sent`](Self::mark_not_sent), until [`mark_written`](Self::mark_written) ends it. The layers vouch while a message
/// waits, the kit's own HTTP client while it connects.
///
/// # Giving up
///
/// What is told as not sent must stay so, even if a task goes on with it. A caller that gives a send up asks
/// [`cancel`](Self::cancel): when that says that it is not sent, nothing of it may be written any more, and `mark_written`
/// says so to the one that is about to.
///
/// # Examples
///
/// One context per message. A caller without wishes of its own makes a plain one:
///
/// ```
/// use std::time::Duration;
///
/// use connector_kit::{Delivery, SendContext};
/// use tokio::time::Instant;
///
/// let context = SendContext::new().with_deadline(Instant::now() + Duration::from_secs(5));
/// assert_eq!(context.delivery(), Delivery::Unknown);
/// context.mark_not_sent();
/// assert_eq!(context.clone().delivery(), Delivery::NotSent);
/// context.mark_written()?;
/// assert_eq!(context.delivery(), Delivery::Unknown);
/// # Ok::<(), connector_kit::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SendContext {
    send: Arc<State>,
    deadline: Option<Instant>,
}

#[derive(Debug, Default)]
struct State {
    /// One of the [`known`] states.
    known: AtomicU8,
    /// It waits for its first turn.
    queued: AtomicBool,
    attempts: AtomicU32,
    id: OnceLock<String>,
    host: Mutex<Option<Arc<str>>>,
    /// The message's send, where this is of another request on its way.
    aside_of: Option<Arc<State>>,
}

/// What is known of a send.
mod known {
    /// Nothing.
    pub(super) const NOTHING: u8 = 0;
    /// It is not sent as things stand.
    pub(super) const NOT_SENT: u8 = 1;
    /// It was given up while it was not sent; another attempt may begin.
    pub(super) const GIVEN_UP: u8 = 2;
    /// It was given up while it was not sent, for good.
    pub(super) const CANCELLED: u8 = 3;
}

impl SendContext {
    /// The context of a send that is about to begin, without a deadline.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets when the send must have ended. Of two deadlines the earlier counts.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.deadline.map_or(deadline, |earlier| earlier.min(deadline)));
        self
    }

    /// When the send must have ended, where a deadline is set.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What this send is to be recognised by, the same for all its attempts: the message's own idempotency key where it has
    /// one, else `msg_` and 32 hexadecimal digits that no other send has.
    #[must_use]
    pub fn idempotency_id<'a>(&'a self, message: &'a Message) -> &'a str {
        match message.idempotency_key.as_deref().filter(|key| !key.is_empty()) {
            Some(key) => key,
            None => self.send.id.get_or_init(|| format!("msg_{}", Uuid::new_v4().simple())),
        }
    }

    /// How many attempts have begun, this one included; 0 where nobody counts them.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.send.attempts.load(Ordering::Relaxed)
    }

    /// Vouches that the message is not sent as things stand: nothing of it has been written, or the provider has said no.
    pub fn mark_not_sent(&self) {
        self.send.turn(|known| (known == known::NOTHING).then_some(known::NOT_SENT));
    }

    /// From here on the provider may accept the message: the bytes that decide are about to be written, or something is
    /// about to begin that nobody vouches for.
    ///
    /// # Errors
    /// When the send was given up as not sent. Nothing of it may be written then.
    pub fn mark_written(&self) -> Result<(), Error> {
        let goes_on = |known| matches!(known, known::NOTHING | known::NOT_SENT).then_some(known::NOTHING);
        if self.send.turn(goes_on) { Ok(()) } else { Err(given_up()) }
    }

    /// Gives the send up where it is certainly not sent, so that it stays so: [`mark_written`](Self::mark_written) fails from
    /// then on. Says what holds; with [`Delivery::Unknown`], nothing has changed.
    pub fn cancel(&self) -> Delivery {
        self.send.turn(|known| (known != known::NOTHING).then_some(known::CANCELLED));
        self.delivery()
    }

    /// Runs what comes before anything of the message is written, such as fetching a token: it is not sent meanwhile.
    /// Afterwards as much is known as before.
    pub async fn before_sending<F: Future>(&self, work: F) -> F::Output {
        let vouches = self.send.turn(|known| (known == known::NOTHING).then_some(known::NOT_SENT));
        let output = work.await;
        if vouches {
            self.send.turn(|known| (known == known::NOT_SENT).then_some(known::NOTHING));
        }
        output
    }

    /// What to say of the message if the send ended now.
    #[must_use]
    pub fn delivery(&self) -> Delivery {
        match self.send.known.load(Ordering::Acquire) {
            known::NOTHING => Delivery::Unknown,
            _ => Delivery::NotSent,
        }
    }

    /// The context of another request on the way of this send, such as one for a token: with the same deadline, but what
    /// it marks does not count for the message.
    #[must_use]
    pub fn aside(&self) -> Self {
        let send = State { aside_of: Some(Arc::clone(&self.send)), ..State::default() };
        Self { send: Arc::new(send), deadline: self.deadline }
    }

    /// Names the host that is waited for, for the error of a deadline that strikes.
    pub fn waits_for(&self, host: impl Into<Arc<str>>) {
        self.send.waits_for(host.into());
    }

    pub(crate) fn host(&self) -> Option<Arc<str>> {
        self.send.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another attempt begins, of which nothing is known yet.
    ///
    /// # Errors
    /// When the send was cancelled.
    pub(crate) fn start_attempt(&self) -> Result<(), Error> {
        self.reopen()?;
        self.send.attempts.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Nothing is known any more, whatever became of what was begun before.
    ///
    /// # Errors
    /// When the send was cancelled.
    pub(crate) fn reopen(&self) -> Result<(), Error> {
        let goes_on = |known| (known != known::CANCELLED).then_some(known::NOTHING);
        if self.send.turn(goes_on) { Ok(()) } else { Err(given_up()) }
    }

    /// Gives up what was begun, as [`cancel`](Self::cancel) does, but for what may begin after it.
    pub(crate) fn give_up(&self) -> Delivery {
        self.send.turn(|known| (known == known::NOT_SENT).then_some(known::GIVEN_UP));
        self.delivery()
    }

    /// Whether the send was given up for good while it was not sent.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.send.known.load(Ordering::Acquire) == known::CANCELLED
    }

    /// Waits for a turn. The send has not begun meanwhile, unless it had before.
    pub(crate) async fn waits_for_turn<F: Future>(&self, turn: F) -> F::Output {
        self.send.queued.store(self.attempts() <= 1, Ordering::Release);
        let turn = self.before_sending(turn).await;
        self.send.queued.store(false, Ordering::Release);
        turn
    }

    /// Whether the send has not begun: it waits for its first turn.
    pub(crate) fn is_queued(&self) -> bool {
        self.send.queued.load(Ordering::Acquire)
    }
}

fn given_up() -> Error {
    Error::new(ErrorKind::Unavailable, "the send was given up before anything of it was written").not_sent()
}

impl State {
    /// Turns what is known into what `next` makes of it, if anything, in one step; says whether it did.
    fn turn(&self, next: impl FnMut(u8) -> Option<u8>) -> bool {
        self.known.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).is_ok()
    }

    fn waits_for(&self, host: Arc<str>) {
        if let Some(send) = &self.aside_of {
            send.waits_for(Arc::clone(&host));
        }
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = Some(host);
    }
}
