//! How often: the arithmetic of limits and attempts, without clock or store.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Take, Timestamp};

/// So many sends in any window of so many seconds.
///
/// The window slides: it ends at the moment that is asked about. A send leaves it exactly `window_seconds` after it was
/// counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limit {
    /// Sends: 1 to 10,000.
    pub sends: u32,
    /// The length of the window, in seconds: 1 to 86,400.
    pub window_seconds: u32,
}

impl Limit {
    /// The length of the window.
    #[must_use]
    pub const fn window(self) -> Duration {
        Duration::from_secs(self.window_seconds as u64)
    }

    /// Until when a send counts.
    #[must_use]
    pub fn counts_until(self, sent_at: Timestamp) -> Timestamp {
        sent_at.after(self.window())
    }

    /// How long to wait before one more send; none when it may be made at once.
    ///
    /// `oldest` is the oldest of the latest [`sends`](Self::sends) sends, and none when there were fewer: as long as it
    /// is in the window, the window is full. One from the future counts as made now, so that no wait is longer than the
    /// window.
    #[must_use]
    pub fn wait(self, now: Timestamp, oldest: Option<Timestamp>) -> Option<Duration> {
        let wait = self.counts_until(oldest?.min(now)).until(now);
        (!wait.is_zero()).then_some(wait)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sends, seconds) = (self.sends, self.window_seconds);
        let (codes, every) =
            (if sends == 1 { "code" } else { "codes" }, if seconds == 1 { "second" } else { "seconds" });
        write!(f, "{sends} {codes} in {seconds} {every}")
    }
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LimitKind {
    /// Sends to one recipient.
    Recipient,
    /// Sends asked for from one ip address, or from one /64 network where it is IPv6.
    Ip,
    /// Sends asked for from one network: an IPv4 /24 or an IPv6 /48.
    Network,
    /// Sends of one tenant.
    Tenant,
    /// What one network (as in [`Network`](Self::Network)) may use of the tenant's sends.
    Share,
    /// What one holder of addresses, an IPv4 /16 or an IPv6 /32, may use of the tenant's sends.
    HoldersShare,
    /// Guesses at one recipient's codes.
    Guesses,
}

impl LimitKind {
    /// Those that count sends.
    pub const SENDS: &'static [Self] =
        &[Self::Recipient, Self::Ip, Self::Network, Self::Tenant, Self::Share, Self::HoldersShare];
}

impl fmt::Display for LimitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recipient | Self::Guesses => "recipient",
            Self::Ip => "ip address",
            Self::Network | Self::Share | Self::HoldersShare => "network",
            Self::Tenant => "tenant",
        })
    }
}

/// A limit fired: nothing was issued, and nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no more codes for this {kind} yet ({limit}): try again in {retry_after:?}")]
pub struct Limited {
    /// Which limit fired. Where several did, the one that takes longest.
    pub kind: LimitKind,
    /// What it allows.
    pub limit: Limit,
    /// How long to wait, to the millisecond: then no limit fires, unless others have sent more until then.
    pub retry_after: Duration,
}

impl Limited {
    /// What fires, if anything, when each of `takes` is asked for: with each stands the oldest of its latest sends, as
    /// [`Limit::wait`] wants it. Of equal waits the first one is named.
    pub fn longest<'a>(now: Timestamp, takes: impl IntoIterator<Item = (&'a Take, Option<Timestamp>)>) -> Option<Self> {
        let fired = takes.into_iter().filter_map(|(take, oldest)| {
            let retry_after = take.limit.wait(now, oldest)?;
            Some(Self { kind: take.kind, limit: take.limit, retry_after })
        });
        fired.reduce(|longest, other| if other.retry_after > longest.retry_after { other } else { longest })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// The oldest of the latest `sends`.
    fn oldest(log: &[i64], sends: u32) -> Option<Timestamp> {
        let nth = log.len().checked_sub(usize::try_from(sends).unwrap())?;
        Some(at(log[nth]))
    }

    #[test]
    fn a_send_leaves_the_window_to_the_millisecond() {
        let limit = Limit { sends: 1, window_seconds: 60 };
        assert_eq!(limit.wait(at(0), None), None);
        assert_eq!(limit.wait(at(0), Some(at(0))), Some(Duration::from_secs(60)));
        assert_eq!(limit.wait(at(59_999), Some(at(0))), Some(Duration::from_millis(1)));
        assert_eq!(limit.wait(at(60_000), Some(at(0))), None);
    }

    #[test]
    fn no_window_ever_holds_more_and_every_wait_is_exact() {
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let limit = Limit { sends: random.u32(1..8), window_seconds: random.u32(1..20) };
            let window = i64::from(limit.window_seconds) * 1_000;
            let (mut now, mut log) = (0, Vec::new());
            for _ in 0..200 {
                now += random.i64(0..window / 2);
                let counted = log.iter().filter(|sent| **sent > now - window).count();
                let wait = limit.wait(at(now), oldest(&log, limit.sends));
                assert_eq!(
                    wait.is_some(),
                    counted >= usize::try_from(limit.sends).unwrap(),
                    "it says no when full only"
                );
                if let Some(wait) = wait {
                    let wait = i64::try_from(wait.as_millis()).unwrap();
                    assert!(limit.wait(at(now + wait - 1), oldest(&log, limit.sends)).is_some(), "a moment too early");
                    assert_eq!(limit.wait(at(now + wait), oldest(&log, limit.sends)), None, "then it may be sent");
                    if random.bool() {
                        continue;
                    }
                    now += wait;
                }
                log.push(now);
            }
            for end in &log {
                let within = log.iter().filter(|sent| **sent > end - window && **sent <= *end).count();
                assert!(within <= usize::try_from(limit.sends).unwrap());
            }
        }
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_open_the_window_nor_lengthen_the_wait() {
        let limit = Limit { sends: 1, window_seconds: 60 };
        assert_eq!(limit.wait(at(0), Some(at(5_000))), Some(Duration::from_secs(60)));
        assert_eq!(limit.wait(at(i64::MIN), Some(at(i64::MAX))), Some(Duration::from_secs(60)));
    }
}
