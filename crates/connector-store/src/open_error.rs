//! Why a store does not open.

use std::path::PathBuf;

use connector_registry::StoreError;

use crate::{KeyError, KeyId};

/// Why a store does not open. Nothing was changed then. Never shows a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenStoreError {
    /// The URL names no database that there is a store for.
    #[error(
        "the store's URL begins with `{scheme}`, which is not known: write sqlite:PATH or postgres://USER@HOST/DATABASE"
    )]
    UnknownScheme {
        /// What it begins with.
        scheme: String,
    },
    /// The URL cannot be read.
    #[error("the store's URL cannot be read ({fault}): write sqlite:PATH or postgres://USER@HOST/DATABASE")]
    InvalidUrl {
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The database is of a newer version.
    #[error("the database was made by a newer version of email-connectors (migration {migration}): use that version")]
    NewerVersion {
        /// The newest of its migrations.
        migration: i64,
    },
    /// The file is something else.
    #[error("{path} is no SQLite database: check the path; the file was left as it is")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file ends too early.
    #[error(
        "the database {path} is truncated: it has {bytes} bytes and should have {expected}; restore it from a copy; the \
         file was left as it is"
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// How long it is, in bytes.
        bytes: u64,
        /// How long it says it is, in bytes.
        expected: u64,
    },
    /// The database needs master keys that are not there.
    #[error(
        "the secrets in the database are sealed under the master keys {}, and those given are {}: add the missing ones \
         to those given", list(.needed), list(.given)
    )]
    MissingKeys {
        /// The keys that the database needs.
        needed: Vec<String>,
        /// Those there are, the current one first.
        given: Vec<KeyId>,
    },
    /// A master key has the right id and is another key all the same.
    #[error("the master key {id} does not open what the database was sealed with: give the key it was made with")]
    WrongKey {
        /// The key's id.
        id: String,
    },
    /// There is a database without its key file.
    #[error(
        "the database {database} is there, and its key file {key_file} is not: put it back from a copy, as the stored \
         secrets cannot be read without it"
    )]
    NoKeyFile {
        /// The database.
        database: PathBuf,
        /// Where its key file should be.
        key_file: PathBuf,
    },
    /// There is no usable master key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The database does not do as it was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list<T: ToString>(ids: &[T]) -> String {
    ids.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}
