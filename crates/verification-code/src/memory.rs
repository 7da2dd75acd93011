//! A store that lives as long as the process: for tests, for trying things out, and for hosts of one process.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    Attempted, Attempts, CodeId, CodeStore, Digest, Issuance, Limited, NewCode, StoreError, StoredCode, Subject, Take,
    Timestamp, Withdrawal,
};

/// Keeps codes in memory.
#[derive(Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    codes: HashMap<Digest, Row>,
    /// By name, in the order in which they were counted.
    sends: HashMap<Digest, VecDeque<Send>>,
}

#[derive(Default)]
struct Row {
    code: Option<StoredCode>,
    expires_at: Timestamp,
    attempts: Attempts,
}

struct Send {
    id: CodeId,
    at: Timestamp,
    until: Timestamp,
}

impl Row {
    fn take_code(&mut self, id: CodeId) -> bool {
        let taken = self.code.take_if(|code| code.id == id).is_some();
        if taken {
            self.expires_at = Timestamp::default();
        }
        taken
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now && self.attempts.until <= now
    }
}

impl State {
    /// The subject's row, brought under its current name.
    fn row(&mut self, subject: &Subject) -> &mut Row {
        for former in subject.former() {
            if let Some(row) = self.codes.remove(former) {
                let kept = self.codes.entry(*subject.current()).or_default();
                if row.expires_at > kept.expires_at || kept.is_over(Timestamp::default()) {
                    *kept = row;
                }
            }
        }
        self.codes.entry(*subject.current()).or_default()
    }

    /// The oldest of the latest sends, as many as the limit allows.
    fn oldest(&self, take: &Take) -> Option<Timestamp> {
        let counted = take.subject.names().iter().filter_map(|name| self.sends.get(name)).flatten();
        let mut times: Vec<Timestamp> = counted.map(|send| send.at).collect();
        times.sort_unstable();
        Some(times[times.len().checked_sub(usize::try_from(take.limit.sends).ok()?)?])
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
        let NewCode { subject, now, expires_at, takes, .. } = *code;
        let mut state = self.state();
        if let Some(limited) = Limited::longest(now, takes.iter().map(|take| (take, state.oldest(take)))) {
            return Ok(Issuance::Limited(limited));
        }
        for take in takes {
            let sends = state.sends.entry(*take.subject.current()).or_default();
            // What no longer counts goes as more comes in, so that a busy tenant's log does not grow.
            while sends.front().is_some_and(|send| send.until <= now) {
                sends.pop_front();
            }
            sends.push_back(Send { id: code.code.id, at: now, until: take.limit.counts_until(now) });
        }
        *state.row(subject) = Row { code: Some(code.code.clone()), expires_at, attempts: Attempts::default() };
        Ok(Issuance::Stored)
    }

    async fn attempt(
        &self,
        _tenant: &str,
        subject: &Subject,
        now: Timestamp,
        window: Duration,
    ) -> Result<Attempted, StoreError> {
        let mut state = self.state();
        let row = state.row(subject);
        row.attempts = row.attempts.next(now, window, row.expires_at);
        let code = row.code.as_ref().filter(|_| now < row.expires_at).cloned();
        Ok(Attempted { attempts: row.attempts, code })
    }

    async fn consume(&self, _tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        Ok(self.state().row(subject).take_code(id))
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        let mut state = self.state();
        state.row(withdrawal.subject).take_code(withdrawal.id);
        for name in withdrawal.takes.iter().flat_map(|take| take.subject.names()) {
            if let Some(sends) = state.sends.get_mut(name) {
                sends.retain(|send| send.id != withdrawal.id);
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
        state.codes.retain(|_, row| !goes(row.is_over(now)));
        state.sends.retain(|_, sends| {
            sends.retain(|send| !goes(send.until <= now));
            !sends.is_empty()
        });
        Ok(u64::from(max - left))
    }
}
