//! A store that lives as long as the process: for tests, for trying things out, and for hosts of one process.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Attempt, Attempted, CodeId, CodeRow, CodeStore, Digest, Issuance, Limited, NewCode, PRUNED_AFTER, StoreError,
    Subject, Take, Timestamp, UsedUp, Withdrawal,
};

/// Rows of a log that are kept beyond what its limit needs, where nobody prunes.
const KEPT: usize = 1_000;

/// Keeps codes in memory.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    codes: HashMap<Digest, CodeRow>,
    /// By name, in the order in which they were counted.
    log: HashMap<Digest, VecDeque<Entry>>,
}

/// A send or a guess, counted for one limit.
struct Entry {
    id: CodeId,
    at: Timestamp,
    /// The time that it had, where that was in the future.
    former: Option<Timestamp>,
    /// For how long it counts.
    window: Duration,
}

impl Entry {
    fn correct(&mut self, now: Timestamp) {
        if let Some(former) = self.regained(now) {
            (self.at, self.former) = (former, None);
        } else if self.at > now {
            self.former = self.former.or(Some(self.at));
            self.at = now;
        }
    }

    /// The former time, if it gets that one back.
    fn regained(&self, now: Timestamp) -> Option<Timestamp> {
        self.former.filter(|former| *former <= now && *former >= self.at.after(self.window))
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.regained(now).unwrap_or(self.at).after(self.window) <= now
    }
}

impl State {
    /// The subject's row, brought under its current name.
    fn row(&mut self, subject: &Subject) -> &mut CodeRow {
        for former in subject.former() {
            if let Some(former) = self.codes.remove(former) {
                let row = self.codes.entry(*subject.current()).or_default();
                *row = std::mem::take(row).later(former);
            }
        }
        self.codes.entry(*subject.current()).or_default()
    }

    /// The oldest of the latest entries, as many as the limit allows, once the log is corrected.
    fn oldest(&mut self, take: &Take, now: Timestamp) -> Option<Timestamp> {
        let mut times = Vec::new();
        for name in take.subject.names() {
            let Some(entries) = self.log.get_mut(name) else { continue };
            entries.iter_mut().for_each(|entry| entry.correct(now));
            // What no longer counts must not do so again when its former time has come. The rest goes when it is pruned,
            // or when there is more of it than a limit could ever need.
            let most = usize::try_from(take.limit.sends).unwrap_or(usize::MAX).saturating_add(KEPT);
            let is_long = entries.len() > most;
            entries.retain(|entry| !(is_long || entry.former.is_some()) || !entry.is_over(now));
            times.extend(entries.iter().map(|entry| entry.at));
        }
        times.sort_unstable();
        Some(times[times.len().checked_sub(usize::try_from(take.limit.sends).ok()?)?])
    }

    fn log(&mut self, take: &Take, id: CodeId, now: Timestamp) {
        let entry = Entry { id, at: now, former: None, window: take.limit.window() };
        self.log.entry(*take.subject.current()).or_default().push_back(entry);
    }
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No method leaves anything half changed, so a panic elsewhere is no reason to fail here.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("codes", &self.state().codes.len()).finish()
    }
}

#[async_trait]
impl CodeStore for MemoryStore {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        let NewCode { subject, now, expires_at, asked_from, takes, .. } = *code;
        let mut state = self.state();
        let oldest: Vec<_> = takes.iter().map(|take| (take, state.oldest(take, now))).collect();
        if let Some(limited) = Limited::longest(now, oldest) {
            return Ok(Issuance::Limited(limited));
        }
        for take in takes {
            state.log(take, code.code.id, now);
        }
        let asked_from = asked_from.map(|client| *client.current());
        *state.row(subject) = CodeRow::issued(code.code.clone(), expires_at, asked_from);
        Ok(Issuance::Stored)
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        let Attempt { subject, now, lifetime, guess, .. } = *attempt;
        let mut state = self.state();
        let row = state.row(subject);
        row.correct(now, lifetime);
        if let Some(retry_after) = row.wait(attempt) {
            return Ok(Attempted::Refused { used_up: UsedUp::Attempts, retry_after });
        }
        if row.is_guessed_at(now) {
            let id = row.id();
            let oldest = state.oldest(guess, now);
            if let Some(retry_after) = guess.limit.wait(now, oldest) {
                return Ok(Attempted::Refused { used_up: UsedUp::Guesses, retry_after });
            }
            state.log(guess, id, now);
        }
        Ok(Attempted::Counted { code: state.row(subject).count(attempt) })
    }

    async fn consume(&self, _tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        Ok(self.state().row(subject).end(id))
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        let mut state = self.state();
        state.row(withdrawal.subject).end(withdrawal.id);
        for name in withdrawal.takes.iter().flat_map(|take| take.subject.names()) {
            if let Some(entries) = state.log.get_mut(name) {
                entries.retain(|entry| entry.id != withdrawal.id);
            }
        }
        Ok(())
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        let mut state = self.state();
        let mut left = max;
        let mut goes = |over: bool| {
            let goes = over && left > 0;
            left -= u32::from(goes);
            goes
        };
        let latest = now.after(PRUNED_AFTER);
        state.codes.retain(|_, row| {
            if !row.is_over(latest) {
                row.correct(now, PRUNED_AFTER);
            }
            !goes(row.is_over(now))
        });
        state.log.retain(|_, entries| {
            for entry in entries.iter_mut().filter(|entry| entry.at.after(entry.window) > latest) {
                entry.correct(now);
            }
            entries.retain(|entry| !goes(entry.is_over(now)));
            !entries.is_empty()
        });
        Ok(u64::from(max - left))
    }
}
