//! What every [`CodeStore`] must show: one suite, run by the tests of each.
//!
//! ```
//! use std::sync::Arc;
//! use verification_code::{MemoryStore, suite};
//!
//! # #[tokio::main]
//! # async fn main() {
//! let store = Arc::new(MemoryStore::new());
//! suite::run(&store, |case| format!("{case}-1")).await;
//! # }
//! ```
//!
//! A case panics where the store does not do as it should. It has a tenant and a clock of its own, so that all may share
//! one database, and may run at the same time; but those that prune by wrong clocks (`clocks::pruned_by_a_wrong_clock` and
//! `histories`) want it to themselves. The suite needs a tokio runtime of several threads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "these are tests, which fail by panicking")]

pub mod at_once;
pub mod clocks;
pub mod codes;
pub mod guesses;
pub mod histories;
pub mod limits;
pub mod networks;
pub mod pruning;
pub mod rotation;
pub mod unseen;

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use crate::{
    Clock, Code, CodeStore, Delivery, Error, HashKey, HashKeys, Issued, Limited, Scope, Settings, Timestamp,
    VerificationCodes,
};

/// Runs every case. `tenant` makes a tenant's name from a text of letters, digits and `_`, one that was never used before; where
/// tenants must be there before anything is stored for them, it puts them there.
pub async fn run<S: CodeStore>(store: &Arc<S>, mut tenant: impl FnMut(&str) -> String) {
    macro_rules! run {
        ($($module:ident: $($case:ident),+;)+) => {$($(
            let case = concat!(stringify!($module), "_", stringify!($case));
            let ground = Ground::new(Arc::clone(store), tenant(case), tenant(&format!("{case}_elsewhere")));
            $module::$case(&ground).await;
        )+)+};
    }
    run! {
        codes: right_once, lives_its_lifetime, a_new_one_ends_the_old, belongs_to_its_scope,
            belongs_to_its_recipient_however_written, typed_as_people_do;
        limits: per_recipient, per_ip, per_tenant, without_ip, turned_off, several_at_once, refused_changes_nothing,
            slides, withdrawn_gives_back, withdrawn_spares_the_newer, belong_to_their_tenant;
        guesses: withdrawals_do_not_bring_more, refused_addresses_count, they_do_not_tell, none_where_there_is_no_code;
        networks: a_site_has_its_limit, none_uses_up_the_tenant, every_spelling_is_one, strangers_leave_the_code_alone;
        clocks: ahead_locks_out_for_one_window, ahead_lengthens_no_life, behind_opens_nothing;
        unseen: decoy_answers_alike, decoy_is_never_right, nothing_there_answers_alike, attempts_are_counted_from_the_first,
            use_leaves_the_count, withdrawal_leaves_the_count, a_new_code_has_new_attempts;
        rotation: former_key_still_verifies, attempts_outlast_it, limits_outlast_it, a_new_one_ends_the_old,
            either_way_round, the_later_code_stays, a_forgotten_key_is_wrong, withdrawn_after_it;
        at_once: ten_thousand_right, no_more_wrong_ones_than_attempts, nothing_there_counts_too,
            no_more_sends_than_allowed, one_code_lives, consumed_by_one, withdrawn_and_verified;
        pruning: only_what_has_expired;
        clocks: pruned_by_a_wrong_clock;
    }
    histories::keep_to_the_bounds(store, tenant).await;
}

/// Where one case takes place.
#[derive(Debug)]
pub struct Ground<S> {
    store: Arc<S>,
    tenant: String,
    elsewhere: String,
    clock: Arc<HandClock>,
}

/// A clock that stands still until it is set.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    /// At this time.
    #[must_use]
    pub const fn new(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.millis()))
    }

    /// Lets so much time pass, to the millisecond.
    pub fn advance(&self, duration: Duration) {
        self.0.fetch_add(Self::millis(duration), Ordering::SeqCst);
    }

    /// Sets it back by so much.
    pub fn go_back(&self, duration: Duration) {
        self.0.fetch_sub(Self::millis(duration), Ordering::SeqCst);
    }

    fn millis(duration: Duration) -> i64 {
        i64::try_from(duration.as_millis()).expect("a test's time span")
    }
}

impl Clock for HandClock {
    fn now(&self) -> SystemTime {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst)).to_system_time()
    }
}

/// When cases begin: 2030-01-01T00:00:00.250Z, with milliseconds that a store may not lose.
const BEGINNING: Timestamp = Timestamp::from_millis(1_893_456_000_250);
const MILLISECOND: Duration = Duration::from_millis(1);
/// What no code of six digits is.
const WRONG: &str = "not it";
const USAGE: &str = "SignIn";
const ADA: &str = "ada@example.com";
const BEN: &str = "ben@example.com";

impl<S: CodeStore> Ground<S> {
    /// On this store, with two tenants that nothing was stored for: the one it is about, and another.
    pub fn new(store: Arc<S>, tenant: String, elsewhere: String) -> Self {
        Self { store, tenant, elsewhere, clock: Arc::new(HandClock::new(BEGINNING)) }
    }

    fn service(&self, settings: Settings) -> Arc<VerificationCodes<Arc<S>>> {
        self.service_with(HashKeys::new(key("first")), settings)
    }

    fn service_with(&self, keys: HashKeys, settings: Settings) -> Arc<VerificationCodes<Arc<S>>> {
        let clock = Arc::<HandClock>::clone(&self.clock);
        Arc::new(VerificationCodes::new(Arc::clone(&self.store), keys, settings).unwrap().with_clock(clock))
    }

    fn scope<'a>(&'a self, recipient: &'a str) -> Scope<'a> {
        Scope { tenant: &self.tenant, usage_type: USAGE, recipient }
    }

    fn pass(&self, duration: Duration) {
        self.clock.advance(duration);
    }

    fn go_back(&self, duration: Duration) {
        self.clock.go_back(duration);
    }
}

/// The key of this id.
fn key(id: &str) -> HashKey {
    HashKey::new(id, id.repeat(32)).unwrap()
}

/// Settings without limits, with short times.
fn unlimited() -> Settings {
    Settings {
        lifetime_seconds: 60,
        sends_per_recipient: None,
        sends_per_ip: None,
        sends_per_tenant: None,
        ..Settings::default()
    }
}

async fn issue<S: CodeStore>(codes: &VerificationCodes<S>, scope: &Scope<'_>) -> Issued {
    codes.issue(scope, None, Delivery::Real).await.unwrap()
}

/// Issues a code and returns it.
async fn issue_code<S: CodeStore>(codes: &VerificationCodes<S>, scope: &Scope<'_>) -> String {
    text(&issue(codes, scope).await).to_owned()
}

fn text(issued: &Issued) -> &str {
    issued.code().map(Code::expose).expect("a code that is delivered")
}

/// Which limit fired.
fn limited<T: std::fmt::Debug>(answer: Result<T, Error>) -> Limited {
    match answer {
        Err(Error::Limited(limited)) => limited,
        other => panic!("no limit fired: {other:?}"),
    }
}
