//! The databases' tables, made and brought up to date. Migrations only go forward; a published one is never edited.

use std::{borrow::Cow, future::Future};

use connector_registry::StoreError;
use sqlx::{
    SqlSafeStr as _,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
};

use crate::OpenStoreError;

/// What a migration is numbered, called and consists of.
pub(crate) type Script = (i64, &'static str, &'static str);

/// The migrations of one database, with where it notes those that it has had.
pub(crate) fn migrator(scripts: &[Script], table: &'static str) -> Migrator {
    let migration = |(version, name, sql): &Script| {
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    let mut migrator = Migrator::with_migrations(scripts.iter().map(migration).collect());
    migrator.dangerous_set_table_name(table);
    migrator
}

/// How far a database is, by the migrations that it has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It is empty.
    Fresh,
    /// It is of an earlier version.
    Behind,
    /// It is of this version.
    Current,
}

impl Progress {
    /// # Errors
    /// The database is of a newer version.
    pub(crate) fn of(applied: Option<i64>, scripts: &[Script]) -> Result<Self, OpenStoreError> {
        let last = scripts.last().map_or(0, |(version, ..)| *version);
        match applied {
            None => Ok(Self::Fresh),
            Some(applied) if applied > last => Err(OpenStoreError::NewerVersion { migration: applied }),
            Some(applied) if applied == last => Ok(Self::Current),
            Some(_) => Ok(Self::Behind),
        }
    }
}

/// What a migration's failure means. Another process may have brought the database further meanwhile.
pub(crate) fn error(error: MigrateError, store_error: impl Fn(&sqlx::Error) -> StoreError) -> OpenStoreError {
    match error {
        MigrateError::VersionMissing(migration) => OpenStoreError::NewerVersion { migration },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => store_error(&error).into(),
        other => OpenStoreError::Store(StoreError::Unusable(Box::new(other))),
    }
}

/// Runs `migrate` on a thread of its own, where it is seen through even if nobody waits for it any longer.
pub(crate) async fn seen_through<F>(migrate: impl FnOnce() -> F + Send + 'static) -> Result<(), OpenStoreError>
where
    F: Future<Output = Result<(), OpenStoreError>>,
{
    let runtime = tokio::runtime::Handle::current();
    let done = tokio::task::spawn_blocking(move || runtime.block_on(migrate())).await;
    done.map_err(|cause| StoreError::Unusable(Box::new(cause)))?
}
