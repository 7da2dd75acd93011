//! What SQLite's errors mean for the store.

use std::path::Path;

use connector_registry::StoreError;
use sqlx::Error;

/// SQLite's primary result codes; what stands above the lowest byte says more of the same.
mod code {
    pub(super) const PERM: i32 = 3;
    pub(super) const BUSY: i32 = 5;
    pub(super) const LOCKED: i32 = 6;
    pub(super) const READONLY: i32 = 8;
    pub(super) const IOERR: i32 = 10;
    pub(super) const CORRUPT: i32 = 11;
    pub(super) const FULL: i32 = 13;
    pub(super) const CANTOPEN: i32 = 14;
    pub(super) const NOTADB: i32 = 26;
}

/// What `error` of the database at `path` means.
pub(super) fn store_error(path: &Path, error: &Error) -> StoreError {
    let path = path.display();
    let code = match error {
        Error::Database(_) => primary(error),
        // All connections are in use; each is for a short time.
        Error::PoolTimedOut => Some(code::BUSY),
        _ => None,
    };
    let unusable = |what: String| StoreError::Unusable(what.into());
    match code {
        Some(code::BUSY | code::LOCKED) => {
            StoreError::Unavailable(format!("the database {path} is busy with other changes: try again").into())
        }
        Some(code::READONLY | code::PERM) => unusable(format!(
            "the database {path} cannot be written to: give this user write permission on the file and its folder \
             ({error})"
        )),
        Some(code::FULL) => unusable(format!("the disk of the database {path} is full: make room on it")),
        Some(code::CANTOPEN) => unusable(format!(
            "the database {path} cannot be opened: check that its folder exists and that this user may write to both \
             ({error})"
        )),
        Some(code::NOTADB) => {
            unusable(format!("{path} is no SQLite database: check the path, or restore it from a copy"))
        }
        Some(code::CORRUPT) => unusable(format!("the database {path} is damaged: restore it from a copy ({error})")),
        Some(code::IOERR) => {
            unusable(format!("the disk of the database {path} cannot be read or written: check it ({error})"))
        }
        _ => unusable(format!("the database {path} did not do as it was asked: {error}")),
    }
}

/// Whether the database is damaged.
pub(super) fn is_damaged(error: &Error) -> bool {
    primary(error) == Some(code::CORRUPT)
}

/// SQLite's primary result code.
fn primary(error: &Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?.parse::<i32>().ok()?;
    Some(code & 0xff)
}
