//! Reading once for all who wait for the same.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

/// What is being read, by its name.
pub(super) struct Readings<T> {
    under_way: Mutex<HashMap<String, Arc<Turns<T>>>>,
}

/// The readings of one name, one after the other.
struct Turns<T> {
    /// How many read or wait. Changed only while the map is held.
    waiting: AtomicUsize,
    /// How many have begun.
    begun: AtomicU64,
    /// The latest that has ended: which one it was, and what came of it. Held by whoever reads.
    ended: tokio::sync::Mutex<Option<(u64, T)>>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self { waiting: AtomicUsize::new(0), begun: AtomicU64::new(0), ended: tokio::sync::Mutex::default() }
    }
}

impl<T: Clone> Readings<T> {
    pub(super) fn new() -> Self {
        Self { under_way: Mutex::default() }
    }

    /// What is there `already`, or else what comes of `read`. While somebody reads the same name, it is waited for; all
    /// who wait share the next reading, which began after they came, whether it fails or not.
    pub(super) async fn share(&self, name: &str, already: impl Fn() -> Option<T>, read: impl Future<Output = T>) -> T {
        let (turns, _leaves) = self.wait(name);
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

    /// The readings of this name, and what takes them off the map once the last who waits for them is gone.
    fn wait<'r>(&'r self, name: &'r str) -> (Arc<Turns<T>>, Waiting<'r, T>) {
        let mut under_way = self.under_way();
        let turns = under_way.entry(name.to_owned()).or_default();
        turns.waiting.fetch_add(1, Ordering::AcqRel);
        (Arc::clone(turns), Waiting { readings: self, name })
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
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        let mut under_way = self.readings.under_way();
        // Counted while the map is held, as whoever comes is: of two who leave at once, one is the last.
        let last = under_way.get(self.name).is_some_and(|turns| turns.waiting.fetch_sub(1, Ordering::AcqRel) == 1);
        if last {
            under_way.remove(self.name);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nothing_is_kept_once_nobody_waits() {
        let readings = Arc::new(Readings::new());
        for name in 0..500 {
            let together = Arc::new(tokio::sync::Barrier::new(4));
            let waiters: Vec<_> = (0..4)
                .map(|_| {
                    let (readings, together) = (Arc::clone(&readings), Arc::clone(&together));
                    tokio::spawn(async move {
                        together.wait().await;
                        readings.share(&name.to_string(), || None, async { name }).await
                    })
                })
                .collect();
            for waiter in waiters {
                assert_eq!(waiter.await.unwrap(), name);
            }
        }
        assert_eq!(readings.under_way().len(), 0);
    }
}
