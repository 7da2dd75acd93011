//! Reading once for all who wait for the same.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// What is being read, by its name.
pub(super) struct Readings<T> {
    under_way: Mutex<HashMap<String, Arc<Turns<T>>>>,
}

/// The readings of one name, one after the other.
struct Turns<T> {
    /// How many have begun.
    begun: AtomicU64,
    /// The latest that has ended: which one it was, and what came of it. Held by whoever reads.
    ended: tokio::sync::Mutex<Option<(u64, T)>>,
}

impl<T: Clone> Readings<T> {
    pub(super) fn new() -> Self {
        Self { under_way: Mutex::default() }
    }

    /// What is there `already`, or else what comes of `read`. While somebody reads the same name, it is waited for; all
    /// who wait share the next reading, which began after they came, whether it fails or not.
    pub(super) async fn share(&self, name: &str, already: impl Fn() -> Option<T>, read: impl Future<Output = T>) -> T {
        let waiting = self.wait(name);
        let turns = &waiting.turns;
        let before = turns.begun.load(Ordering::Acquire);
        let mut ended = turns.ended.lock().await;
        if let Some(there) = already() {
            return there;
        }
        match &*ended {
            Some((number, outcome)) if *number > before => outcome.clone(),
            _ => {
                let number = turns.begun.fetch_add(1, Ordering::AcqRel) + 1;
                let outcome = read.await;
                *ended = Some((number, outcome.clone()));
                outcome
            }
        }
    }

    fn wait<'r>(&'r self, name: &'r str) -> Waiting<'r, T> {
        let mut under_way = self.under_way();
        let turns = under_way.get(name).cloned().unwrap_or_else(|| {
            let turns = Arc::new(Turns { begun: AtomicU64::new(0), ended: tokio::sync::Mutex::default() });
            under_way.insert(name.to_owned(), Arc::clone(&turns));
            turns
        });
        Waiting { readings: self, name, turns }
    }
}

impl<T> Readings<T> {
    fn under_way(&self) -> MutexGuard<'_, HashMap<String, Arc<Turns<T>>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who reads, or waits for another to have read.
struct Waiting<'r, T> {
    readings: &'r Readings<T>,
    name: &'r str,
    turns: Arc<Turns<T>>,
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let mut under_way = self.readings.under_way();
        // The map's and this one: nobody else waits, and nobody can begin to while the map is held.
        if Arc::strong_count(&self.turns) == 2 {
            under_way.remove(self.name);
        }
    }
}
