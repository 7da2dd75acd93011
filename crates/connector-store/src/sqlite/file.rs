//! The database's file, before SQLite opens it.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use connector_registry::StoreError;

use crate::OpenStoreError;

/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The endings of the write-ahead log and its index, which are there while the database is open.
const LOGS: [&str; 2] = ["-wal", "-shm"];

/// The length of the header, in bytes.
const HEADER: usize = 100;

/// Whether there is a database at `path`. An empty file is none yet: it is what a process leaves that was killed as it
/// made one.
///
/// # Errors
/// There is a file that is no database, or that ends too early: SQLite would see that only later, or not at all.
pub(crate) fn check(path: &Path) -> Result<bool, OpenStoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(cause) => return Err(cannot("read", path, &cause).into()),
    };
    let bytes = file.metadata().map_err(|cause| cannot("read", path, &cause))?.len();
    if bytes == 0 {
        return Ok(false);
    }
    let mut header = Vec::with_capacity(HEADER);
    file.by_ref().take(HEADER as u64).read_to_end(&mut header).map_err(|cause| cannot("read", path, &cause))?;
    if !header.starts_with(&MAGIC[..MAGIC.len().min(header.len())]) {
        return Err(OpenStoreError::NotADatabase { path: path.to_owned() });
    }
    let truncated = |expected| OpenStoreError::Truncated { path: path.to_owned(), bytes, expected };
    let Ok(header) = <[u8; HEADER]>::try_from(header) else { return Err(truncated(HEADER as u64)) };
    // What is in the write-ahead log is not in the file yet.
    let logged = std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    match length(&header) {
        Some(expected) if bytes < expected && !logged => Err(truncated(expected)),
        _ => Ok(true),
    }
}

/// How long a file with this header is, in bytes, where the header knows.
fn length(header: &[u8; HEADER]) -> Option<u64> {
    let number = |at: usize| header[at..at + 4].iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let page_size = match u64::from(header[16]) << 8 | u64::from(header[17]) {
        1 => 65536,
        size => size,
    };
    // The page count is that of the change it was written with; an old SQLite did not write it.
    (number(24) == number(92)).then(|| number(28) * page_size)
}

/// The file of this name and ending, beside the database.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whether a process has it open, or was killed while it had.
pub(super) fn is_open(path: &Path) -> bool {
    LOGS.iter().any(|ending| beside(path, ending).exists())
}

/// Removes what SQLite put beside a database whose schema it could not read: it leaves that there, though nobody can use it.
pub(super) fn leave(path: &Path) {
    if std::fs::metadata(beside(path, LOGS[0])).is_ok_and(|log| log.len() == 0) {
        for ending in LOGS {
            // It does no harm where it stays.
            let _ = std::fs::remove_file(beside(path, ending));
        }
    }
}

/// Waits until no other process brings the tables up to date, and keeps others from it until dropped.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let path = beside(path, ".lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    file.and_then(|file| file.lock().map(|()| file)).map_err(|cause| cannot("locked", &path, &cause))
}

/// Makes the file, unless it is there, for its owner only: what SQLite puts beside it gets the same permissions.
pub(super) fn make(path: &Path) -> Result<(), StoreError> {
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop).map_err(|cause| cannot("made", path, &cause))
}

fn cannot(action: &str, path: &Path, cause: &io::Error) -> StoreError {
    let path = path.display();
    StoreError::Unusable(format!("{path} cannot be {action}: check it and its folder ({cause})").into())
}
