//! What is kept for one subject, and what becomes of it: the rules of attempts, without clock or store.

use std::time::Duration;

use crate::{Attempt, CodeId, Digest, StoredCode, Timestamp};

/// What is kept for one [`Subject`](crate::Subject): its code and the attempts at it. By default there is neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CodeRow {
    /// The code; none where it was used or withdrawn, or where none was issued.
    pub code: Option<StoredCode>,
    /// When the code that was issued last expires. It stays when that code is used or withdrawn, so that the guesses that
    /// are counted do not tell.
    pub expires_at: Timestamp,
    /// The current name of the client that asked for that code, where it is known.
    pub asked_from: Option<Digest>,
    /// Attempts that were counted since that code was issued, or since [`until`](Self::attempts_until) of the ones before.
    pub attempts: u32,
    /// How many of them were made by other clients than the one that asked.
    pub strangers: u32,
    /// When the attempts are forgotten; in the past when none is counted.
    pub attempts_until: Timestamp,
    /// What [`expires_at`](Self::expires_at) and [`attempts_until`](Self::attempts_until) were before they were
    /// [corrected](Self::correct).
    pub former: Option<(Timestamp, Timestamp)>,
}

impl CodeRow {
    /// The row of a code that was just issued.
    #[must_use]
    pub fn issued(code: StoredCode, expires_at: Timestamp, asked_from: Option<Digest>) -> Self {
        Self { code: Some(code), expires_at, asked_from, ..Self::default() }
    }

    /// Corrects what a clock that was wrong has written: no code lives longer than `lifetime` from `now` on, and no
    /// attempts count longer. What was corrected by a clock a lifetime behind or more is restored by one that is right.
    pub fn correct(&mut self, now: Timestamp, lifetime: Duration) {
        let latest = now.after(lifetime);
        let ends = |(expires_at, attempts_until): (Timestamp, Timestamp)| expires_at.max(attempts_until);
        let end = ends((self.expires_at, self.attempts_until));
        if let Some(former) =
            self.former.filter(|former| ends(*former) <= latest && ends(*former) >= end.after(lifetime))
        {
            ((self.expires_at, self.attempts_until), self.former) = (former, None);
        } else if end > latest {
            self.former = self.former.or(Some((self.expires_at, self.attempts_until)));
            self.expires_at = self.expires_at.min(latest);
            self.attempts_until = self.attempts_until.min(latest);
        }
    }

    /// How long to wait where there were too many attempts for one more; none where it may be made.
    #[must_use]
    pub fn wait(&self, attempt: &Attempt<'_>) -> Option<Duration> {
        if self.attempts_until <= attempt.now {
            return None;
        }
        let full = self.attempts >= attempt.attempts
            || (self.is_stranger(attempt) && self.strangers >= Self::share_of_strangers(attempt.attempts));
        full.then(|| self.attempts_until.until(attempt.now))
    }

    /// Whether a code was issued less than its lifetime ago: an attempt is then a guess, even where the code was used or
    /// withdrawn since.
    #[must_use]
    pub fn is_guessed_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// The id to log a guess with: that of the code, or zeros where it was used or withdrawn.
    #[must_use]
    pub fn id(&self) -> CodeId {
        self.code.as_ref().map_or(CodeId::from_bytes([0; 16]), |code| code.id)
    }

    /// Counts an attempt, and returns the code to compare with, where one is live.
    pub fn count(&mut self, attempt: &Attempt<'_>) -> Option<StoredCode> {
        if self.attempts == 0 || self.attempts_until <= attempt.now {
            if self.attempts > 0 {
                // It has expired, and must not come back with new attempts when the clock is set back.
                self.code = None;
            }
            (self.attempts, self.strangers, self.former) = (0, 0, None);
            self.attempts_until = attempt.now.after(attempt.lifetime);
        }
        self.attempts = self.attempts.saturating_add(1);
        self.strangers = self.strangers.saturating_add(u32::from(self.is_stranger(attempt)));
        self.code.clone().filter(|_| self.is_guessed_at(attempt.now))
    }

    /// Takes the code of this id away, and says whether it was there.
    pub fn end(&mut self, id: CodeId) -> bool {
        self.code.take_if(|code| code.id == id).is_some()
    }

    /// Which of two rows of the same subject stays: the one whose code expires later; of equals the one that still has
    /// its code; then the one whose attempts count longer.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        let rank = |row: &Self| (row.expires_at, row.code.is_some(), row.attempts_until);
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// Whether nothing depends on it any more.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now && self.attempts_until <= now
    }

    /// Of so many attempts, those that clients may make together that did not ask for the code. The rest is left to the
    /// one that did: others cannot use up a person's attempts.
    const fn share_of_strangers(attempts: u32) -> u32 {
        if attempts < 2 { attempts } else { attempts / 2 }
    }

    /// Whether it is known that another client asked.
    fn is_stranger(&self, attempt: &Attempt<'_>) -> bool {
        let known = self.asked_from.as_ref().zip(attempt.from);
        known.is_some_and(|(asked, from)| !from.names().contains(asked))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;
    use crate::{Limit, LimitKind, Subject, Take};

    const LIFETIME: Duration = Duration::from_secs(600);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    fn name(byte: u8) -> Subject {
        Subject::new(Digest::from_bytes([byte; 32]), [])
    }

    fn code() -> StoredCode {
        let hash = Digest::from_bytes([9; 32]);
        StoredCode { id: CodeId::from_bytes([1; 16]), key_id: "a".to_owned(), hash }
    }

    fn take() -> Take {
        Take { kind: LimitKind::Guesses, subject: name(0), limit: Limit { sends: 50, window_seconds: 600 } }
    }

    /// Tries once, and says whether it was counted, or how long to wait.
    fn try_once(row: &mut CodeRow, now: Timestamp, attempts: u32, from: Option<&Subject>) -> Result<bool, Duration> {
        let (subject, guess) = (name(1), take());
        let attempt =
            Attempt { tenant: "acme", subject: &subject, now, lifetime: LIFETIME, attempts, from, guess: &guess };
        row.correct(now, LIFETIME);
        match row.wait(&attempt) {
            Some(wait) => Err(wait),
            None => Ok(row.count(&attempt).is_some()),
        }
    }

    #[test]
    fn strangers_leave_the_rest_to_whom_asked() {
        let (asker, strangers) = (name(7), [name(8), name(9)]);
        for attempts in 2..20 {
            let mut row = CodeRow::issued(code(), at(600), Some(*asker.current()));
            let mut tried = 0;
            for turn in 0..100 {
                tried += u32::from(try_once(&mut row, at(0), attempts, Some(&strangers[turn % 2])).is_ok());
            }
            assert_eq!(tried, attempts / 2);
            for _ in tried..attempts {
                assert_eq!(try_once(&mut row, at(1), attempts, Some(&asker)), Ok(true));
            }
            assert_eq!(try_once(&mut row, at(1), attempts, Some(&asker)), Err(Duration::from_secs(599)));
        }
        // One attempt cannot be shared.
        let mut row = CodeRow::issued(code(), at(600), Some(*asker.current()));
        assert_eq!(try_once(&mut row, at(0), 1, Some(&strangers[0])), Ok(true));
    }

    #[test]
    fn who_is_not_known_is_no_stranger() {
        let asker = name(7);
        for (asked_from, from) in [(None, None), (None, Some(&asker)), (Some(*asker.current()), None)] {
            let mut row = CodeRow::issued(code(), at(600), asked_from);
            let tried = (0..20).filter(|_| try_once(&mut row, at(0), 10, from).is_ok()).count();
            assert_eq!(tried, 10);
        }
    }

    #[test]
    fn a_former_name_of_the_asker_is_the_asker() {
        let mut row = CodeRow::issued(code(), at(600), Some(*name(7).current()));
        let renamed = Subject::new(*name(8).current(), [*name(7).current()]);
        let tried = (0..20).filter(|_| try_once(&mut row, at(0), 10, Some(&renamed)).is_ok()).count();
        assert_eq!(tried, 10);
    }

    #[test]
    fn no_code_is_tried_under_two_counts() {
        let mut random = fastrand::Rng::with_seed(11);
        for _ in 0..1_000 {
            // The clock jumps as it likes, and whoever issued may have had other settings.
            let mut row = CodeRow::issued(code(), at(random.i64(0..3_000)), None);
            let (mut now, mut compared) = (0, 0);
            for _ in 0..100 {
                now += random.i64(-700..700);
                compared += u32::from(try_once(&mut row, at(now), 5, None) == Ok(true));
            }
            assert!(compared <= 5, "{compared}");
        }
    }

    #[test]
    fn what_a_clock_ahead_has_written_lasts_one_lifetime() {
        let month = 30 * 86_400;
        let mut row = CodeRow::issued(code(), at(month + 600), None);
        for _ in 0..5 {
            assert_eq!(try_once(&mut row, at(month), 5, None), Ok(true));
        }
        assert_eq!(try_once(&mut row, at(10), 5, None), Err(LIFETIME));
        assert_eq!(try_once(&mut row, at(609), 5, None), Err(Duration::from_secs(1)));
        assert_eq!(try_once(&mut row, at(610), 5, None), Ok(false), "the code is over, and so is the count");
    }

    #[test]
    fn a_clock_behind_opens_no_more_attempts() {
        let mut row = CodeRow::issued(code(), at(1_000_600), None);
        for _ in 0..5 {
            assert_eq!(try_once(&mut row, at(1_000_000), 5, None), Ok(true));
        }
        for behind in [1, 599, 600, 3_600, 900_000] {
            let mut row = row.clone();
            assert!(try_once(&mut row, at(1_000_001 - behind), 5, None).is_err(), "{behind}");
            // Right again: still refused, or there is nothing left to guess.
            assert_ne!(try_once(&mut row, at(1_000_001), 5, None), Ok(true), "{behind}");
        }
        assert!(try_once(&mut row, at(1), 5, None).is_err());
        assert_eq!(try_once(&mut row, at(1_000_001), 5, None), Err(Duration::from_secs(599)), "as if nothing had been");
    }

    #[test]
    fn counting_does_not_tell_whether_there_is_a_code() {
        let (mut none, mut live) = (CodeRow::default(), CodeRow::issued(code(), at(599), None));
        for now in [0, 0, 300, 599, 600, 1_300] {
            let tries = [&mut none, &mut live].map(|row| try_once(row, at(now), 3, None).map(drop));
            assert_eq!(tries[0], tries[1], "{now}");
        }
    }
}
