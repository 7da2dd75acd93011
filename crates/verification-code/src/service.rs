//! Issuing and verifying: what happens in which order, and what is told.

use std::{
    fmt,
    net::IpAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    Attempt, Attempted, Clock, Code, CodeId, CodeStore, HashKeys, InvalidSettings, Issuance, LimitKind, Limited,
    NewCode, Randomness, RandomnessError, Scope, Settings, StoreError, StoredCode, Subject, SystemClock,
    SystemRandomness, Take, Timestamp, UsedUp, Withdrawal, keys::Label, typed,
};

/// Rows that one call of [`VerificationCodes::prune`] deletes at most, so that no transaction takes long.
const PRUNED_AT_ONCE: u32 = 1_000;

/// Issues and verifies codes. It holds nothing but its parts: any number of them, in any number of processes, may work
/// on one store.
pub struct VerificationCodes<S> {
    store: S,
    keys: HashKeys,
    settings: Settings,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
}

impl<S> VerificationCodes<S> {
    /// With the system's clock and randomness.
    ///
    /// # Errors
    /// [`InvalidSettings`], with every problem there is.
    pub fn new(store: S, keys: HashKeys, settings: Settings) -> Result<Self, InvalidSettings> {
        settings.check().map_err(InvalidSettings)?;
        Ok(Self { store, keys, settings, clock: Arc::new(SystemClock), randomness: Arc::new(SystemRandomness) })
    }

    /// With another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// With other randomness.
    #[must_use]
    pub fn with_randomness(self, randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness, ..self }
    }

    /// Its settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    fn now(&self) -> Timestamp {
        self.clock.now().into()
    }
}

impl<S: CodeStore> VerificationCodes<S> {
    /// Issues a code, which ends the former one of the same scope. Delivering it is the caller's part.
    ///
    /// `ip` is the address of the client that asks for the code: limits count by it and by its network, and part of the
    /// attempts is left to it alone ([`verify_from`](Self::verify_from)). For somebody who does not exist, ask for a [decoy](Delivery::Decoy): everything is the same, but there is no code to deliver.
    ///
    /// # Errors
    /// [`Error::Limited`] when a limit fired: nothing has changed then, and a former code is still good.
    /// [`Error::Randomness`], [`Error::Store`].
    pub async fn issue(&self, scope: &Scope<'_>, ip: Option<IpAddr>, delivery: Delivery) -> Result<Issued, Error> {
        let now = self.now();
        let expires_at = now.after(self.settings.lifetime());
        let alphabet = self.settings.alphabet.characters();
        let code = Code::draw(alphabet, self.settings.code_length, &*self.randomness)?;
        let mut id = [0; 16];
        self.randomness.fill(&mut id)?;
        let id = CodeId::from_bytes(id);
        let key = self.keys.current();
        let hash = scope.hash(key, delivery.label(), id, code.expose());
        let stored = StoredCode { id, key_id: key.id().to_owned(), hash };
        let subject = scope.code(&self.keys);
        let client = ip.map(|ip| scope.client(&self.keys, ip));
        let takes = self.takes(scope, ip);
        let new = NewCode {
            tenant: scope.tenant,
            subject: &subject,
            code: &stored,
            now,
            expires_at,
            asked_from: client.as_ref(),
            takes: &takes,
        };
        if let Issuance::Limited(limited) = self.store.issue(&new).await? {
            return Err(limited.into());
        }
        let code = matches!(delivery, Delivery::Real).then_some(code);
        let tenant = scope.tenant.to_owned();
        Ok(Issued { code, expires_at, sent: Sent { tenant, subject, id, issued_at: now, takes } })
    }

    /// [`verify_from`](Self::verify_from) without the address of the client.
    ///
    /// # Errors
    /// Its own.
    pub async fn verify(&self, scope: &Scope<'_>, typed: &str) -> Result<Verdict, Error> {
        self.verify_from(scope, typed, None).await
    }

    /// Verifies what was typed: in any script's digits, with white space, dashes and marks that do not show; the case of
    /// letters does not matter where the alphabet has each in only one. A code that is right is used up.
    ///
    /// `ip` is the address of the client that typed it. Where it is known for the code and for the attempt, clients that
    /// did not ask for the code have half of the attempts, together.
    ///
    /// The answers are the same, in the same order, whether there is a code, a decoy, or neither. Who has had too many
    /// attempts may try again with a new code, as long as the recipient's guesses are not used up.
    ///
    /// # Errors
    /// [`Error::Store`]. The attempt may have been counted, and a right code may be used up.
    pub async fn verify_from(&self, scope: &Scope<'_>, typed: &str, ip: Option<IpAddr>) -> Result<Verdict, Error> {
        let now = self.now();
        let subject = scope.code(&self.keys);
        let client = ip.map(|ip| scope.client(&self.keys, ip));
        let guess =
            Take { kind: LimitKind::Guesses, subject: scope.guesses(&self.keys), limit: self.settings.guesses() };
        let attempt = Attempt {
            tenant: scope.tenant,
            subject: &subject,
            now,
            lifetime: self.settings.lifetime(),
            attempts: self.settings.attempts,
            from: client.as_ref(),
            guess: &guess,
        };
        let live = match self.store.attempt(&attempt).await? {
            Attempted::Counted { code } => code,
            Attempted::Refused { used_up, retry_after } => {
                return Ok(Verdict::TooManyAttempts { used_up, retry_after });
            }
        };
        let typed = typed::read(self.settings.alphabet.characters(), typed);
        let known = live.as_ref().and_then(|code| self.keys.by_id(&code.key_id).map(|key| (code, key)));
        let Some((code, key)) = known else {
            // As much work as with a code.
            let _ = scope.hash(self.keys.current(), Label::Code, CodeId::from_bytes([0; 16]), &typed);
            return Ok(Verdict::Wrong);
        };
        let right = scope.is_hash(key, code.id, &typed, &code.hash);
        if right && self.store.consume(scope.tenant, &subject, code.id).await? {
            Ok(Verdict::Right)
        } else {
            Ok(Verdict::Wrong)
        }
    }

    /// Takes a send back that has certainly failed, and not for its address: its code ends, and recipient, network and
    /// tenant get their allowance back. Guesses that were made stay counted. One whose outcome is unknown must not be taken
    /// back, for the code may have arrived.
    ///
    /// # Errors
    /// [`Error::Store`]. It may be called again.
    pub async fn withdraw(&self, issued: &Issued) -> Result<(), Error> {
        self.end(issued, &issued.sent.takes).await
    }

    /// Ends the code of a send that was refused for its address. The send stays counted: else whoever has an address that
    /// is refused could have any number of codes.
    ///
    /// # Errors
    /// [`Error::Store`]. It may be called again.
    pub async fn revoke(&self, issued: &Issued) -> Result<(), Error> {
        self.end(issued, &[]).await
    }

    async fn end(&self, issued: &Issued, takes: &[Take]) -> Result<(), Error> {
        let Sent { tenant, subject, id, issued_at, .. } = &issued.sent;
        let withdrawal = Withdrawal { tenant, subject, id: *id, issued_at: *issued_at, takes };
        Ok(self.store.withdraw(&withdrawal).await?)
    }

    /// Deletes up to 1,000 rows of what has expired, and says how many. Call it every minute or so, again at once for
    /// as long as it returns 1,000. Nothing but space depends on it.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn prune(&self) -> Result<u64, Error> {
        Ok(self.store.prune(self.now(), PRUNED_AT_ONCE).await?)
    }

    /// What a send counts for.
    fn takes(&self, scope: &Scope<'_>, ip: Option<IpAddr>) -> Vec<Take> {
        let take = |kind: &LimitKind| {
            let limit = self.settings.limit(*kind)?;
            Some(Take { kind: *kind, subject: scope.sends(&self.keys, *kind, ip)?, limit })
        };
        LimitKind::SENDS.iter().filter_map(take).collect()
    }
}

impl<S> fmt::Debug for VerificationCodes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerificationCodes")
            .field("keys", &self.keys)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// Whether a code goes to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It will be delivered.
    Real,
    /// The person does not exist: it counts, expires and is tried like any other, nobody gets it, and nothing verifies.
    Decoy,
}

impl Delivery {
    const fn label(self) -> Label {
        match self {
            Self::Real => Label::Code,
            Self::Decoy => Label::Decoy,
        }
    }
}

/// A code that was issued.
#[derive(Debug)]
#[must_use = "its code has to be delivered, or it has to be withdrawn"]
pub struct Issued {
    code: Option<Code>,
    expires_at: Timestamp,
    sent: Sent,
}

/// What it takes to take a send back.
#[derive(Debug)]
struct Sent {
    tenant: String,
    subject: Subject,
    id: CodeId,
    issued_at: Timestamp,
    takes: Vec<Take>,
}

impl Issued {
    /// The code to deliver; none of a decoy.
    #[must_use]
    pub const fn code(&self) -> Option<&Code> {
        self.code.as_ref()
    }

    /// When it expires.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at.to_system_time()
    }

    /// How long it is good for, from its issue on.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.expires_at.until(self.sent.issued_at)
    }
}

/// What became of a code that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// It is the code, which is used up now.
    Right,
    /// It is not, or there is none any more.
    Wrong,
    /// There were too many attempts; it was not even compared.
    TooManyAttempts {
        /// Whether a new code helps.
        used_up: UsedUp,
        /// When the next one is counted, to the millisecond. Where attempts are used up, it is at once with a new code,
        /// unless the recipient's guesses are as well.
        retry_after: Duration,
    },
}

impl Verdict {
    /// Whether it is the code.
    pub const fn is_right(self) -> bool {
        matches!(self, Self::Right)
    }
}

/// A code that could not be issued, verified or taken back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A limit fired.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// There is no randomness for a code.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The store failed. Whether a change took place may be unknown.
    #[error("the store of verification codes failed: {0}; try again")]
    Store(#[from] StoreError),
}
