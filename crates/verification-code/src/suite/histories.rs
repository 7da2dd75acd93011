//! Random histories: many people, networks and clocks that jump, against the store in memory and against the bounds that
//! the crate's page states.
//!
//! Time, for a bound, is how far the clock has moved forward: what it moves back brings nothing.

use std::{
    cell::RefCell,
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{BEGINNING, HandClock, WRONG, key};
use crate::{
    Attempt, Attempted, CodeId, CodeStore, Delivery, Error, HashKeys, Issuance, Issued, Limit, LimitKind, MemoryStore,
    NewCode, Randomness, RandomnessError, Scope, Settings, StoreError, Subject, Timestamp, Verdict, VerificationCodes,
    Withdrawal,
};

/// How many histories are tried, and how long each is at most.
const HISTORIES: u32 = 48;
const STEPS: usize = 80;

/// Who asks: one client twice in two spellings, its neighbour in the /24, another /24 of its /16, another /16, two /64 of
/// one /48, another /48 of their /32, and one that is not known.
const CLIENTS: [&str; 9] = [
    "192.0.2.1",
    "2002:c000:201::7",
    "192.0.2.2",
    "192.0.3.1",
    "198.51.100.1",
    "2001:db8:1:1::1",
    "2001:db8:1:2::1",
    "2001:db8:2:1::1",
    "",
];
/// The client, the site, the holder.
const NETWORKS: [[u8; 3]; 9] =
    [[0, 0, 0], [0, 0, 0], [1, 0, 0], [2, 1, 0], [3, 2, 1], [4, 3, 2], [5, 3, 2], [6, 4, 2], [7, 5, 3]];
const RECIPIENTS: [&str; 3] = ["ada@example.com", "ben@example.com", "cy@example.com"];
const USAGES: [&str; 2] = ["SignIn", "Register"];
/// No window is longer.
const LONGEST: Duration = Duration::from_secs(60);

fn settings() -> Settings {
    let limit = |sends, window_seconds| Some(Limit { sends, window_seconds });
    Settings {
        attempts: 4,
        lifetime_seconds: 50,
        sends_per_recipient: limit(3, 40),
        sends_per_ip: limit(4, 60),
        sends_per_network: Some(Limit { sends: 6, window_seconds: 45 }).into(),
        sends_per_tenant: limit(16, 30),
        ..Settings::default()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Issue {
        to: usize,
        usage: usize,
        from: usize,
        decoy: bool,
    },
    Guess {
        to: usize,
        usage: usize,
        from: usize,
        right: bool,
    },
    /// The send that is so many back was not made after all, or was refused for its address.
    Withdraw {
        back: usize,
        refused: bool,
    },
    /// In milliseconds.
    Pass(u64),
    /// In seconds.
    Jump(i64),
    Prune,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (0..RECIPIENTS.len(), 0..USAGES.len(), 0..CLIENTS.len());
    let jumps = vec![-2_592_000, -700, -70, -30, -1, 1, 30, 70, 700, 2_592_000];
    prop_oneof![
        8 => (place(), prop::bool::weighted(0.1))
            .prop_map(|((to, usage, from), decoy)| Step::Issue { to, usage, from, decoy }),
        16 => (place(), prop::bool::weighted(0.1))
            .prop_map(|((to, usage, from), right)| Step::Guess { to, usage, from, right }),
        4 => (0..3_usize, prop::bool::weighted(0.3)).prop_map(|(back, refused)| Step::Withdraw { back, refused }),
        4 => (0..30_000_u64).prop_map(Step::Pass),
        2 => prop::sample::select(jumps).prop_map(Step::Jump),
        1 => Just(Step::Prune),
    ]
}

/// The same bytes for both stores.
struct Sequence(Mutex<u64>);

impl Randomness for Sequence {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessError> {
        let mut state = self.0.lock().unwrap();
        for byte in bytes {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = u8::try_from(*state >> 56).unwrap();
        }
        Ok(())
    }
}

/// The store, with an eye on whether a guess was compared.
struct Watched<S> {
    store: Arc<S>,
    compared: AtomicBool,
}

#[async_trait]
impl<S: CodeStore> CodeStore for Watched<S> {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.store.issue(code).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        let attempted = self.store.attempt(attempt).await?;
        self.compared.store(matches!(attempted, Attempted::Counted { code: Some(_) }), Ordering::SeqCst);
        Ok(attempted)
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        self.store.consume(tenant, subject, id).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        self.store.withdraw(withdrawal).await
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        self.store.prune(now, max).await
    }
}

/// A store with the codes over it, and what was issued and left.
struct Side<S> {
    watched: Arc<Watched<S>>,
    codes: VerificationCodes<Arc<Watched<S>>>,
    issued: Vec<Option<Issued>>,
}

impl<S: CodeStore> Side<S> {
    fn new(store: Arc<S>, clock: &Arc<HandClock>) -> Self {
        let watched = Arc::new(Watched { store, compared: AtomicBool::new(false) });
        let codes = VerificationCodes::new(Arc::clone(&watched), HashKeys::new(key("first")), settings()).unwrap();
        let clock = Arc::<HandClock>::clone(clock);
        let codes = codes.with_clock(clock).with_randomness(Arc::new(Sequence(Mutex::new(1))));
        Self { watched, codes, issued: Vec::new() }
    }

    async fn take(&mut self, tenant: &str, step: &Step) -> Answer {
        let scope = |to: usize, usage: usize| Scope { tenant, usage_type: USAGES[usage], recipient: RECIPIENTS[to] };
        match *step {
            Step::Issue { to, usage, from, decoy } => {
                let delivery = if decoy { Delivery::Decoy } else { Delivery::Real };
                match self.codes.issue(&scope(to, usage), ip(from), delivery).await {
                    Ok(issued) => {
                        self.issued.push(Some(issued));
                        Answer::Issued
                    }
                    Err(Error::Limited(limited)) => {
                        assert!(limited.retry_after <= limited.limit.window(), "{limited:?}");
                        Answer::Refused(limited.kind, limited.retry_after)
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            Step::Guess { to, usage, from, right } => {
                let code = self.issued.iter().rev().flatten().find_map(|issued| issued.code()).filter(|_| right);
                let typed = code.map_or(WRONG, |code| code.expose());
                let verdict = self.codes.verify_from(&scope(to, usage), typed, ip(from)).await.unwrap();
                if let Verdict::TooManyAttempts { retry_after, .. } = verdict {
                    assert!(retry_after <= LONGEST, "{retry_after:?}");
                }
                Answer::Verified(verdict, self.watched.compared.load(Ordering::SeqCst))
            }
            Step::Withdraw { back, refused } => {
                let Some(at) = self.issued.len().checked_sub(back + 1) else { return Answer::Nothing };
                let Some(issued) = &self.issued[at] else { return Answer::Nothing };
                if refused {
                    self.codes.revoke(issued).await.unwrap();
                    return Answer::Nothing;
                }
                self.codes.withdraw(issued).await.unwrap();
                self.issued[at] = None;
                Answer::Withdrawn(at)
            }
            Step::Prune => {
                while self.codes.prune().await.unwrap() > 0 {}
                Answer::Nothing
            }
            Step::Pass(_) | Step::Jump(_) => Answer::Nothing,
        }
    }
}

fn ip(client: usize) -> Option<IpAddr> {
    CLIENTS[client].parse().ok()
}

#[derive(Debug, PartialEq)]
enum Answer {
    Issued,
    Refused(LimitKind, Duration),
    /// And whether it was compared.
    Verified(Verdict, bool),
    Withdrawn(usize),
    Nothing,
}

/// What was sent and guessed, and how far the clock had moved until then.
#[derive(Default)]
struct Ledger {
    /// Every movement forward, in milliseconds.
    forward: Vec<u64>,
    sends: Vec<Sent>,
    guesses: Vec<(usize, usize)>,
    /// Of the last code of each recipient and usage type: who asked for it, how often it was compared, and how often with
    /// what another client typed.
    tried: [[(usize, u32, u32); 2]; 3],
}

struct Sent {
    at: usize,
    to: usize,
    from: usize,
    withdrawn: bool,
}

impl Ledger {
    fn note(&mut self, step: &Step, answer: &Answer) {
        let at = self.forward.len();
        match (step, answer) {
            (Step::Issue { to, usage, from, .. }, Answer::Issued) => {
                self.sends.push(Sent { at, to: *to, from: *from, withdrawn: false });
                self.tried[*to][*usage] = (*from, 0, 0);
            }
            (_, Answer::Withdrawn(which)) => self.sends[*which].withdrawn = true,
            (Step::Guess { to, usage, from, .. }, Answer::Verified(_, true)) => {
                self.guesses.push((at, *to));
                let (asked, all, strangers) = &mut self.tried[*to][*usage];
                let known = !CLIENTS[*asked].is_empty() && !CLIENTS[*from].is_empty();
                *all += 1;
                *strangers += u32::from(known && NETWORKS[*asked][0] != NETWORKS[*from][0]);
                assert!(*all <= 4 && *strangers <= 2, "{all} guesses at one code, {strangers} by strangers");
            }
            _ => {}
        }
    }

    /// No window holds more than is allowed.
    fn check(&self) {
        let sends = |counts: &dyn Fn(&Sent) -> bool| {
            let sent = self.sends.iter().filter(|sent| !sent.withdrawn && counts(sent));
            sent.map(|sent| sent.at).collect::<Vec<_>>()
        };
        let known = |sent: &Sent| !CLIENTS[sent.from].is_empty();
        for group in 0..8 {
            let guesses = self.guesses.iter().filter(|guess| guess.1 == group).map(|guess| guess.0);
            self.check_one(LimitKind::Guesses, &guesses.collect::<Vec<_>>());
            let same = |number: u8| usize::from(number) == group;
            self.check_one(LimitKind::Recipient, &sends(&|sent| sent.to == group));
            self.check_one(LimitKind::Ip, &sends(&|sent| known(sent) && same(NETWORKS[sent.from][0])));
            for kind in [LimitKind::Network, LimitKind::Share] {
                self.check_one(kind, &sends(&|sent| known(sent) && same(NETWORKS[sent.from][1])));
            }
            let of_holder = sends(&|sent| known(sent) && same(NETWORKS[sent.from][2]));
            self.check_one(LimitKind::HoldersShare, &of_holder);
        }
        self.check_one(LimitKind::Tenant, &sends(&|_| true));
    }

    fn check_one(&self, kind: LimitKind, times: &[usize]) {
        let Some(limit) = settings().limit(kind) else { return };
        let window = u64::from(limit.window_seconds) * 1_000;
        for span in times.windows(usize::try_from(limit.sends).unwrap() + 1) {
            let passed: u64 = self.forward[span[0]..span[span.len() - 1]].iter().sum();
            assert!(passed >= window, "{kind:?}: more than {limit} within {passed} ms");
        }
    }
}

/// In no history does more leave or is more compared than the crate's page says, and afterwards nobody is locked out for
/// longer than a window; the store answers as the one in memory does.
pub async fn keep_to_the_bounds<S: CodeStore>(store: &Arc<S>, tenant: impl FnMut(&str) -> String) {
    let handle = tokio::runtime::Handle::current();
    let tenant = RefCell::new((0_u32, tenant));
    let mut runner = TestRunner::new(Config { cases: HISTORIES, failure_persistence: None, ..Config::default() });
    let tried = tokio::task::block_in_place(|| {
        runner.run(&prop::collection::vec(step(), 1..STEPS), |steps| {
            // Shrinking runs a history again, for a tenant that was never used.
            let tenant = {
                let (number, tenant) = &mut *tenant.borrow_mut();
                *number += 1;
                tenant(&format!("histories_{number}"))
            };
            handle.block_on(replay(store, &tenant, &steps));
            Ok(())
        })
    });
    tried.unwrap();
}

async fn replay<S: CodeStore>(store: &Arc<S>, tenant: &str, steps: &[Step]) {
    let clock = Arc::new(HandClock::new(BEGINNING));
    let (mut side, mut model) = (Side::new(Arc::clone(store), &clock), Side::new(Arc::new(MemoryStore::new()), &clock));
    let mut ledger = Ledger::default();
    for step in steps {
        let passed = match *step {
            Step::Pass(millis) => Duration::from_millis(millis),
            Step::Jump(seconds) if seconds >= 0 => Duration::from_secs(seconds.unsigned_abs()),
            Step::Jump(seconds) => {
                clock.go_back(Duration::from_secs(seconds.unsigned_abs()));
                continue;
            }
            _ => Duration::ZERO,
        };
        clock.advance(passed);
        ledger.forward.push(u64::try_from(passed.as_millis()).unwrap());
        let (answer, expected) = (side.take(tenant, step).await, model.take(tenant, step).await);
        assert_eq!(answer, expected, "{step:?}");
        ledger.note(step, &answer);
    }
    ledger.check();
    for to in 0..RECIPIENTS.len() {
        is_served(&mut side, tenant, to, &clock).await;
    }
}

/// From a network that has sent nothing, with a clock that goes right: each wait is told, and it is over after a window, or
/// after a second one where something from long ago had its time come.
async fn is_served<S: CodeStore>(side: &mut Side<S>, tenant: &str, to: usize, clock: &HandClock) {
    let scope = Scope { tenant, usage_type: USAGES[0], recipient: RECIPIENTS[to] };
    let ip = Some(IpAddr::from([203, 0, 113, u8::try_from(to).unwrap()]));
    let mut waits = 0;
    loop {
        let retry_after = match side.codes.issue(&scope, ip, Delivery::Real).await {
            Ok(issued) => {
                let code = issued.code().unwrap().expose();
                match side.codes.verify_from(&scope, code, ip).await.unwrap() {
                    Verdict::Right => return,
                    Verdict::TooManyAttempts { retry_after, .. } => retry_after,
                    Verdict::Wrong => panic!("the code of a moment ago is wrong"),
                }
            }
            Err(Error::Limited(limited)) => limited.retry_after,
            Err(other) => panic!("{other}"),
        };
        waits += 1;
        assert!(retry_after <= LONGEST && waits <= 3, "locked out: wait {waits}, {retry_after:?}");
        clock.advance(retry_after);
    }
}
