//! SQLite: one file, and everything a machine's processes share is in it.

mod codes;
mod commit;
mod errors;
mod file;
mod keys;
mod news;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use connector_registry::{Changed, StoreError};
use sqlx::{
    Connection as _, Error, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::broadcast::Sender;

use crate::{
    OpenStoreError,
    change::SealedChange,
    database::{Database, Reseal},
    migrations::{Progress, Script, migrator, seen_through},
    rows::{HistoryRow, KeyRows, Outcome, RecordRow, Resealed, SealedRow, StateRow, StatusRow, answer},
};

use writer::Writer;

pub(crate) use file::{beside, check as is_database};

const SCRIPTS: &[Script] = &[
    (1, "tables", include_str!("../../migrations/sqlite/0001_tables.sql")),
    (2, "codes", include_str!("../../migrations/sqlite/0002_codes.sql")),
    (3, "guesses", include_str!("../../migrations/sqlite/0003_guesses.sql")),
];
const APPLIED: &str = "_sqlx_migrations";

/// How long a change waits for those of other processes.
const BUSY: Duration = Duration::from_secs(10);

/// How long the changes of this process wait where none of them gets anywhere.
const STANDSTILL: Duration = Duration::from_secs(20);

/// How many reads may be under way at once.
const READERS: u32 = 4;

/// One row: what sending needs to know of a tenant.
const STATE: &str = "\
SELECT json_object(
    'revision', t.revision,
    'sign_in', t.sign_in,
    'fallback_language', t.fallback_language,
    'active', json((
        SELECT json_object(
            'id', c.id, 'connector', c.connector, 'config', c.config, 'secrets', c.secrets, 'destinations', c.destinations, 'saved_at', c.saved_at,
            'activated_at', c.activated_at, 'tested_at', c.tested_at, 'revision', c.revision)
        FROM configurations c WHERE c.tenant = t.name AND c.id = t.active)),
    'templates', json((
        SELECT json_group_array(json_object(
            'language', l.language, 'usage_type', l.usage_type, 'template', l.template))
        FROM templates l WHERE l.tenant = t.name)))
FROM tenants t WHERE t.name = ?1";

const STATUS: &str = "\
SELECT json_object(
    'revision', t.revision,
    'active', json((
        SELECT json_object(
            'id', c.id, 'connector', c.connector, 'saved_at', c.saved_at, 'activated_at', c.activated_at,
            'tested_at', c.tested_at, 'revision', c.revision)
        FROM configurations c WHERE c.tenant = t.name AND c.id = t.active)),
    'kept', json((
        SELECT json_group_array(json_object(
            'id', c.id, 'connector', c.connector, 'saved_at', c.saved_at, 'activated_at', c.activated_at,
            'tested_at', c.tested_at, 'revision', c.revision) ORDER BY c.revision DESC, c.saved_at DESC, c.seq DESC)
        FROM configurations c WHERE c.tenant = t.name AND c.id IS NOT t.active)))
FROM tenants t WHERE t.name = ?1";

const CONFIGURATION: &str = "\
SELECT json_object(
    'id', id, 'connector', connector, 'config', config, 'secrets', secrets, 'destinations', destinations, 'saved_at', saved_at,
    'activated_at', activated_at, 'tested_at', tested_at, 'revision', revision)
FROM configurations WHERE tenant = ?1 AND id = ?2";

const HISTORY: &str = "\
SELECT json_object(
    'revision', revision, 'at', at, 'made_by', made_by, 'action', action, 'configuration', configuration,
    'connector', connector, 'details', details)
FROM history WHERE tenant = ?1 AND revision < ?2 ORDER BY revision DESC LIMIT ?3";

pub(crate) struct Sqlite {
    path: PathBuf,
    /// Changes of this process wait for each other here, not in the file.
    writer: Writer,
    readers: SqlitePool,
    /// Whether a statement failed since the writer was last taken. SQLite may then have undone the transaction by itself (as
    /// with a full disk), of which its connection in sqlx does not hear: that one is not used again.
    failed: Arc<AtomicBool>,
    news: Option<news::Watcher>,
}

fn options(path: &Path) -> SqliteConnectOptions {
    use sqlx::ConnectOptions as _;
    // Every commit is on the disk when it returns.
    let options = SqliteConnectOptions::new().filename(path).synchronous(SqliteSynchronous::Full);
    options.foreign_keys(true).busy_timeout(BUSY).disable_statement_logging()
}

impl Sqlite {
    /// Opens the file, without making or changing anything, and says how far it is.
    pub(crate) async fn connect(path: &Path) -> Result<(Self, Progress), OpenStoreError> {
        let exists = file::check(path)?;
        let options = options(path).create_if_missing(!exists);
        let writer = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let failed = Arc::new(AtomicBool::new(false));
        let doubtful = Arc::clone(&failed);
        let writer = writer.before_acquire(move |_, _| {
            let sound = !doubtful.swap(false, Ordering::AcqRel);
            Box::pin(async move { Ok(sound) })
        });
        let writer = writer.acquire_timeout(STANDSTILL).connect_lazy_with(options.clone());
        let writer = Writer::new(writer, STANDSTILL);
        let readers = SqlitePoolOptions::new().max_connections(READERS).max_lifetime(None).acquire_timeout(BUSY);
        let readers = readers.connect_lazy_with(options.pragma("query_only", "true"));
        let sqlite = Self { path: path.to_owned(), writer, readers, failed, news: None };
        if !exists {
            return Ok((sqlite, Progress::Fresh));
        }
        let was_open = file::is_open(path);
        let known = sqlite.is_migrated().await;
        let is_unreadable = known.as_ref().is_err_and(errors::is_damaged);
        let progress = match known {
            Ok(known) => sqlite.progress(known).await,
            Err(error) => Err(sqlite.error(&error).into()),
        };
        match progress {
            Ok(progress) => Ok((sqlite, progress)),
            Err(error) => {
                sqlite.close().await;
                if is_unreadable && !was_open {
                    file::leave(path);
                }
                Err(error)
            }
        }
    }

    /// Whether migrations are noted in it: the first that is read, for which all of the schema is.
    async fn is_migrated(&self) -> Result<bool, Error> {
        let known = "SELECT count(*) > 0 FROM sqlite_schema WHERE name = '_sqlx_migrations'";
        sqlx::query_scalar(known).fetch_one(&self.readers).await
    }

    async fn progress(&self, is_migrated: bool) -> Result<Progress, OpenStoreError> {
        if !is_migrated {
            return Ok(Progress::Fresh);
        }
        let applied = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations WHERE success");
        let applied: Option<i64> = applied.fetch_one(&self.readers).await.map_err(|error| self.error(&error))?;
        Progress::of(applied, SCRIPTS)
    }

    /// Begins to tell of the changes that other processes make.
    pub(crate) async fn follow(&mut self, news: Sender<Changed>) -> Result<(), StoreError> {
        let connection = SqliteConnection::connect_with(&options(&self.path).pragma("query_only", "true")).await;
        let watch = news::Watch::begin(connection.map_err(|error| self.error(&error))?).await;
        let watch = watch.map_err(|error| self.error(&error))?;
        self.news = Some(news::Watcher::new(watch, options(&self.path), news));
        Ok(())
    }

    fn error(&self, error: &Error) -> StoreError {
        self.failed.store(true, Ordering::Release);
        errors::store_error(&self.path, error)
    }

    /// The rows, each one JSON text.
    async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        query: sqlx::query::QueryScalar<'_, sqlx::Sqlite, String, sqlx::sqlite::SqliteArguments>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = query.fetch_all(&self.readers).await.map_err(|error| self.error(&error))?;
        rows.iter().map(|row| answer(row)).collect()
    }
}

#[async_trait]
impl Database for Sqlite {
    async fn migrate(&self) -> Result<(), OpenStoreError> {
        let path = self.path.clone();
        seen_through(move || async move {
            let _turn = file::lock(&path)?;
            let error = |error: &Error| errors::store_error(&path, error);
            // Readers then never wait for writers. The file remembers it.
            file::make(&path)?;
            let options = options(&path).journal_mode(SqliteJournalMode::Wal);
            let mut connection = SqliteConnection::connect_with(&options).await.map_err(|cause| error(&cause))?;
            let done = migrator(SCRIPTS, APPLIED).run(&mut connection).await;
            let closed = connection.close().await;
            done.map_err(|cause| crate::migrations::error(cause, error))?;
            Ok(closed.map_err(|cause| error(&cause))?)
        })
        .await
    }

    async fn tenant(&self, tenant: &str) -> Result<Option<StateRow>, StoreError> {
        Ok(self.rows(sqlx::query_scalar(STATE).bind(tenant)).await?.pop())
    }

    async fn status(&self, tenant: &str) -> Result<Option<StatusRow>, StoreError> {
        Ok(self.rows(sqlx::query_scalar(STATUS).bind(tenant)).await?.pop())
    }

    async fn configuration(&self, tenant: &str, id: &str) -> Result<Option<RecordRow>, StoreError> {
        Ok(self.rows(sqlx::query_scalar(CONFIGURATION).bind(tenant).bind(id)).await?.pop())
    }

    async fn commit(&self, tenant: &str, change: &SealedChange) -> Result<Outcome, StoreError> {
        commit::commit(&self.writer, tenant, change).await.map_err(|fault| fault.into_error(|error| self.error(error)))
    }

    async fn history(&self, tenant: &str, before: i64, limit: i64) -> Result<Vec<HistoryRow>, StoreError> {
        self.rows(sqlx::query_scalar(HISTORY).bind(tenant).bind(before).bind(limit)).await
    }

    async fn tenants(&self, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        let names = sqlx::query_scalar("SELECT name FROM tenants WHERE name > ?1 ORDER BY name LIMIT ?2");
        names.bind(after).bind(limit).fetch_all(&self.readers).await.map_err(|error| self.error(&error))
    }

    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        let names = serde_json::Value::from(tenants).to_string();
        let revisions =
            sqlx::query_as("SELECT name, revision FROM tenants WHERE name IN (SELECT value FROM json_each(?1))");
        let revisions: Vec<(String, i64)> =
            revisions.bind(names).fetch_all(&self.readers).await.map_err(|error| self.error(&error))?;
        Ok(revisions.into_iter().map(|(name, revision)| (name, revision.unsigned_abs())).collect())
    }

    async fn keys(&self) -> Result<KeyRows, StoreError> {
        keys::all(&self.readers).await.map_err(|error| self.error(&error))
    }

    async fn make_current(&self, id: &str, check_value: &str, first: bool) -> Result<(), StoreError> {
        keys::make_current(&self.writer, id, check_value, first).await.map_err(|error| self.error(&error))
    }

    async fn sealed_under(&self, id: &str) -> Result<u64, StoreError> {
        keys::sealed_under(&self.readers, id).await.map_err(|error| self.error(&error))
    }

    async fn reseal_some(&self, from: &str, to: &str, reseal: &Reseal<'_>) -> Result<u64, StoreError> {
        keys::reseal_some(&self.writer, from, to, reseal)
            .await
            .map_err(|fault| fault.into_error(|error| self.error(error)))
    }

    async fn sealed_after(&self, tenant: &str, id: &str) -> Result<Vec<SealedRow>, StoreError> {
        let rows = keys::sealed_after(&self.readers, tenant, id).await.map_err(|error| self.error(&error))?;
        rows.iter().map(|row| answer(row)).collect()
    }

    async fn replace_sealed(&self, row: &SealedRow, sealed: &Resealed, under: &str) -> Result<bool, StoreError> {
        keys::replace_sealed(&self.writer, row, sealed, under).await.map_err(|error| self.error(&error))
    }

    async fn retire(&self, id: &str) -> Result<(), StoreError> {
        keys::retire(&self.writer, id).await.map_err(|error| self.error(&error))
    }

    async fn close(&self) {
        if let Some(watcher) = &self.news {
            watcher.end().await;
        }
        self.readers.close().await;
        // The last one to be closed clears the write-ahead log away.
        self.writer.close().await;
    }
}
