//! One-time codes as both databases keep them.

use verification_code::{CodeId, CodeRow, Digest, StoreError, StoredCode, Subject, Timestamp};

/// The columns of a subject's row, in the order of [`Columns`].
macro_rules! columns {
    () => {
        "id, key_id, hash, expires_at, asked_from, attempts, strangers, attempts_until, former_expires_at, \
         former_attempts_until"
    };
}
pub(crate) use columns;

/// A subject's row as it is stored.
pub(crate) type Columns =
    (Option<Vec<u8>>, Option<String>, Option<Vec<u8>>, i64, Option<Vec<u8>>, i64, i64, i64, Option<i64>, Option<i64>);

/// The row, or the default one where there is none.
pub(crate) fn read(columns: Option<Columns>) -> Result<CodeRow, StoreError> {
    let Some(columns) = columns else { return Ok(CodeRow::default()) };
    let (id, key_id, hash, expires_at, asked_from, attempts, strangers, attempts_until, former_expires, former_until) =
        columns;
    let at = Timestamp::from_millis;
    let count = |count| u32::try_from(count).unwrap_or(u32::MAX);
    let digest = |bytes: &[u8]| Digest::try_from(bytes).map_err(StoreError::new);
    let code = match (id, key_id, hash) {
        (Some(id), Some(key_id), Some(hash)) => {
            Some(StoredCode { id: CodeId::try_from(&id[..]).map_err(StoreError::new)?, key_id, hash: digest(&hash)? })
        }
        _ => None,
    };
    Ok(CodeRow {
        code,
        expires_at: at(expires_at),
        asked_from: asked_from.as_deref().map(digest).transpose()?,
        attempts: count(attempts),
        strangers: count(strangers),
        attempts_until: at(attempts_until),
        former: former_expires.map(at).zip(former_until.map(at)),
    })
}

/// The row as it is stored.
pub(crate) fn written(row: &CodeRow) -> Columns {
    let code = row.code.as_ref();
    (
        code.map(|code| code.id.as_bytes().to_vec()),
        code.map(|code| code.key_id.clone()),
        code.map(|code| code.hash.as_bytes().to_vec()),
        row.expires_at.millis(),
        row.asked_from.map(|client| client.as_bytes().to_vec()),
        row.attempts.into(),
        row.strangers.into(),
        row.attempts_until.millis(),
        row.former.map(|(expires_at, _)| expires_at.millis()),
        row.former.map(|(_, attempts_until)| attempts_until.millis()),
    )
}

/// All names of a subject, as they are stored.
pub(crate) fn names(subject: &Subject) -> Vec<&[u8]> {
    subject.names().iter().map(|name| &name.as_bytes()[..]).collect()
}

/// How far down the list of sends the one is that decides on a limit.
pub(crate) fn place(sends: u32) -> i64 {
    i64::from(sends.saturating_sub(1))
}
