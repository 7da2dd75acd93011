//! One-time codes as both databases keep them.

use verification_code::{Attempted, Attempts, CodeId, Digest, StoreError, StoredCode, Subject, Timestamp};

/// A subject's row.
#[derive(Debug)]
pub(crate) struct CodeRow {
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) key_id: Option<String>,
    pub(crate) hash: Option<Vec<u8>>,
    pub(crate) expires_at: i64,
    pub(crate) attempts: i64,
    pub(crate) attempts_until: i64,
}

/// A row, in the order of [`CodeRow`].
pub(crate) type Columns = (Option<Vec<u8>>, Option<String>, Option<Vec<u8>>, i64, i64, i64);

impl From<Columns> for CodeRow {
    fn from((id, key_id, hash, expires_at, attempts, attempts_until): Columns) -> Self {
        Self { id, key_id, hash, expires_at, attempts, attempts_until }
    }
}

impl CodeRow {
    /// The row that stays where one was found under a former name, too.
    pub(crate) fn later(self, former: Self) -> Self {
        let is_empty = self.expires_at <= 0 && self.attempts_until <= 0;
        if former.expires_at > self.expires_at || is_empty { former } else { self }
    }

    /// What was counted, with the code if it is live.
    pub(crate) fn attempted(self, now: Timestamp) -> Result<Attempted, StoreError> {
        let count = u32::try_from(self.attempts).unwrap_or(u32::MAX);
        let attempts = Attempts { count, until: Timestamp::from_millis(self.attempts_until) };
        let code = match (self.id, self.key_id, self.hash) {
            (Some(id), Some(key_id), Some(hash)) if now.millis() < self.expires_at => Some(StoredCode {
                id: CodeId::try_from(&id[..]).map_err(StoreError::new)?,
                key_id,
                hash: Digest::try_from(&hash[..]).map_err(StoreError::new)?,
            }),
            _ => None,
        };
        Ok(Attempted { attempts, code })
    }
}

/// All names of a subject, as they are stored.
pub(crate) fn names(subject: &Subject) -> Vec<&[u8]> {
    subject.names().iter().map(|name| &name.as_bytes()[..]).collect()
}

/// How far down the list of sends the one is that decides on a limit.
pub(crate) fn place(sends: u32) -> i64 {
    i64::from(sends.saturating_sub(1))
}
