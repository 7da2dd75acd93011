//! PostgreSQL: many processes and machines. Everything is in a schema of its own.

mod codes;
mod errors;
mod keys;
mod news;
mod url;

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use connector_registry::{Changed, Expects, StoreError};
use serde::de::DeserializeOwned;
use sqlx::{
    Connection as _, Error, PgConnection, PgPool,
    postgres::{PgArguments, PgConnectOptions, PgPoolOptions},
};
use tokio::{sync::broadcast::Sender, task::AbortHandle, time::timeout};

use crate::{
    OpenStoreError,
    change::{SealedChange, encode},
    database::{Database, Reseal},
    migrations::{Progress, Script, migrator, seen_through},
    rows::{HistoryRow, KeyRows, Outcome, RecordRow, Resealed, SealedRow, StateRow, StatusRow, answer},
};

const SCRIPTS: &[Script] = &[
    (1, "tables", include_str!("../../migrations/postgres/0001_tables.sql")),
    (2, "commit", include_str!("../../migrations/postgres/0002_commit.sql")),
    (3, "codes", include_str!("../../migrations/postgres/0003_codes.sql")),
    (4, "guesses", include_str!("../../migrations/postgres/0004_guesses.sql")),
];
const SCHEMA: &str = "email_connectors";
const APPLIED: &str = "email_connectors.migrations";

/// How many statements may be under way at once.
const CONNECTIONS: u32 = 10;

/// How long a statement waits for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a statement may take before it is given up.
const ANSWER: Duration = Duration::from_secs(30);

/// A connection that was idle for so long is asked whether it is still there before it is used. Others are not, which
/// spares the round trip.
const IDLE: Duration = Duration::from_secs(1);

const STATUS: &str = "\
SELECT json_build_object(
    'revision', t.revision,
    'active', (
        SELECT json_build_object(
            'id', c.id, 'connector', c.connector, 'saved_at', c.saved_at, 'activated_at', c.activated_at,
            'tested_at', c.tested_at, 'revision', c.revision)
        FROM email_connectors.configurations c WHERE c.tenant = t.name AND c.id = t.active),
    'kept', coalesce((
        SELECT json_agg(json_build_object(
            'id', c.id, 'connector', c.connector, 'saved_at', c.saved_at, 'activated_at', c.activated_at,
            'tested_at', c.tested_at, 'revision', c.revision) ORDER BY c.revision DESC, c.saved_at DESC, c.seq DESC)
        FROM email_connectors.configurations c
        WHERE c.tenant = t.name AND c.id IS DISTINCT FROM t.active), '[]'))::text
FROM email_connectors.tenants t WHERE t.name = $1";

const CONFIGURATION: &str = "\
SELECT json_build_object(
    'id', id, 'connector', connector, 'config', config, 'secrets', secrets, 'destinations', destinations, 'saved_at', saved_at,
    'activated_at', activated_at, 'tested_at', tested_at, 'revision', revision)::text
FROM email_connectors.configurations WHERE tenant = $1 AND id = $2::uuid";

const HISTORY: &str = "\
SELECT json_build_object(
    'revision', revision, 'at', at, 'made_by', made_by, 'action', action, 'configuration', configuration,
    'connector', connector, 'details', details)::text
FROM email_connectors.history WHERE tenant = $1 AND revision < $2 ORDER BY revision DESC LIMIT $3";

const COMMIT: &str = "\
SELECT email_connectors.commit_change(
    $1, $2, $3, $4, $5::uuid, $6::jsonb, $7, $8, $9, $10, $11::uuid, $12, $13)::text";

/// One that gives JSON texts.
type JsonQuery<'q> = sqlx::query::QueryScalar<'q, sqlx::Postgres, String, PgArguments>;

pub(crate) struct Postgres {
    /// Host and port, for errors.
    server: String,
    options: PgConnectOptions,
    pool: PgPool,
    news: Option<AbortHandle>,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.end_news();
    }
}

impl Postgres {
    /// Connects, without making or changing anything, and says how far the database is.
    pub(crate) async fn connect(url: &str) -> Result<(Self, Progress), OpenStoreError> {
        use sqlx::ConnectOptions as _;
        let options = url::options(url)?;
        let options = options.disable_statement_logging();
        let server = format!("{}:{}", options.get_host(), options.get_port());
        let pool =
            PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(CONNECT).test_before_acquire(false);
        let pool = pool.before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        });
        let pool = pool.connect_lazy_with(options.clone());
        let postgres = Self { server, options, pool, news: None };
        // Alone, so that the error says why there is no connection.
        let mut connection = postgres.connection().await?;
        let progress = postgres.progress(&mut connection).await?;
        let _ = connection.close().await;
        Ok((postgres, progress))
    }

    async fn connection(&self) -> Result<PgConnection, StoreError> {
        self.answered(PgConnection::connect_with(&self.options)).await
    }

    async fn progress(&self, connection: &mut PgConnection) -> Result<Progress, OpenStoreError> {
        let known = sqlx::query_scalar("SELECT to_regclass('email_connectors.migrations') IS NOT NULL");
        if !self.answered::<bool>(known.fetch_one(&mut *connection)).await? {
            return Ok(Progress::Fresh);
        }
        let applied = sqlx::query_scalar("SELECT max(version) FROM email_connectors.migrations WHERE success");
        let applied = self.answered::<Option<i64>>(applied.fetch_one(&mut *connection)).await?;
        Progress::of(applied, SCRIPTS)
    }

    /// Begins to tell of the changes that any process makes.
    pub(crate) fn follow(&mut self, news: Sender<Changed>) {
        self.news = Some(tokio::spawn(news::follow(self.options.clone(), news)).abort_handle());
    }

    fn end_news(&self) {
        if let Some(news) = &self.news {
            news.abort();
        }
    }

    fn error(&self, error: &Error) -> StoreError {
        errors::store_error(&self.server, error)
    }

    /// The answer, unless it takes too long.
    async fn answered<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, StoreError> {
        let answer = timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(Error::PoolTimedOut));
        answer.map_err(|error| self.error(&error))
    }

    /// The answer to a question that may be asked again: one on a connection that the server has closed since is.
    async fn read<T, F>(&self, ask: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let asked = async {
            for _ in 0..CONNECTIONS {
                match ask().await {
                    Err(error) if errors::is_lost(&error) => tracing::debug!(%error, "asking PostgreSQL again"),
                    answer => return answer,
                }
            }
            ask().await
        };
        self.answered(asked).await
    }

    /// The rows, each one JSON text.
    async fn rows<'q, T: DeserializeOwned>(
        &self,
        query: impl Fn() -> JsonQuery<'q> + Sync,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.read(|| query().fetch_all(&self.pool)).await?;
        rows.iter().map(|row| answer(row)).collect()
    }
}

#[async_trait]
impl Database for Postgres {
    /// An advisory lock, which ends with the connection, gives the turns.
    async fn migrate(&self) -> Result<(), OpenStoreError> {
        let mut connection = self.connection().await?;
        let server = self.server.clone();
        seen_through(move || async move {
            let mut migrator = migrator(SCRIPTS, APPLIED);
            migrator.create_schema(SCHEMA);
            let done = migrator.run(&mut connection).await;
            let _ = connection.close().await;
            done.map_err(|error| crate::migrations::error(error, |error| errors::store_error(&server, error)))
        })
        .await
    }

    async fn tenant(&self, tenant: &str) -> Result<Option<StateRow>, StoreError> {
        let state = "SELECT email_connectors.tenant_state($1)::text";
        let state: Option<String> = self.read(|| sqlx::query_scalar(state).bind(tenant).fetch_one(&self.pool)).await?;
        state.as_deref().map(answer).transpose()
    }

    async fn status(&self, tenant: &str) -> Result<Option<StatusRow>, StoreError> {
        Ok(self.rows(|| sqlx::query_scalar(STATUS).bind(tenant)).await?.pop())
    }

    async fn configuration(&self, tenant: &str, id: &str) -> Result<Option<RecordRow>, StoreError> {
        Ok(self.rows(|| sqlx::query_scalar(CONFIGURATION).bind(tenant).bind(id)).await?.pop())
    }

    async fn commit(&self, tenant: &str, change: &SealedChange) -> Result<Outcome, StoreError> {
        let (expects, revision, active) = match change.expects {
            Expects::Anything => ("anything", 0, None),
            Expects::Revision(revision) => ("revision", revision.cast_signed(), None),
            Expects::NoneActive => ("none_active", 0, None),
            Expects::OneActive => ("one_active", 0, None),
            Expects::Active(id) => ("active", 0, Some(id.to_string())),
        };
        let commit = sqlx::query_scalar(COMMIT).bind(tenant).bind(change.creates);
        let commit = commit.bind(expects).bind(revision).bind(active);
        let commit = commit.bind(encode(&change.edits)?).bind(&change.sealed_under).bind(change.at);
        let commit = commit.bind(&change.made_by).bind(change.action).bind(&change.configuration);
        let commit = commit.bind(&change.connector).bind(&change.details);
        // By then it has taken place, or was refused.
        let unread = |_| StoreError::Unavailable("the answer of PostgreSQL to a change cannot be read".into());
        answer(&self.answered::<String>(commit.fetch_one(&self.pool)).await?).map_err(unread)
    }

    async fn history(&self, tenant: &str, before: i64, limit: i64) -> Result<Vec<HistoryRow>, StoreError> {
        self.rows(|| sqlx::query_scalar(HISTORY).bind(tenant).bind(before).bind(limit)).await
    }

    async fn tenants(&self, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
        let names = "SELECT name FROM email_connectors.tenants WHERE name > $1 ORDER BY name LIMIT $2";
        self.read(|| sqlx::query_scalar(names).bind(after).bind(limit).fetch_all(&self.pool)).await
    }

    async fn revisions(&self, tenants: &[String]) -> Result<Vec<(String, u64)>, StoreError> {
        let revisions = "SELECT name, revision FROM email_connectors.tenants WHERE name = ANY($1)";
        let revisions: Vec<(String, i64)> =
            self.read(|| sqlx::query_as(revisions).bind(tenants).fetch_all(&self.pool)).await?;
        Ok(revisions.into_iter().map(|(name, revision)| (name, revision.unsigned_abs())).collect())
    }

    async fn keys(&self) -> Result<KeyRows, StoreError> {
        self.read(|| keys::all(&self.pool)).await
    }

    async fn make_current(&self, id: &str, check_value: &str, first: bool) -> Result<(), StoreError> {
        self.answered(keys::make_current(&self.pool, id, check_value, first)).await
    }

    async fn sealed_under(&self, id: &str) -> Result<u64, StoreError> {
        self.read(|| keys::sealed_under(&self.pool, id)).await
    }

    async fn reseal_some(&self, from: &str, to: &str, reseal: &Reseal<'_>) -> Result<u64, StoreError> {
        let done = keys::reseal_some(&self.pool, from, to, reseal).await;
        done.map_err(|fault| fault.into_error(|error| self.error(error)))
    }

    async fn sealed_after(&self, tenant: &str, id: &str) -> Result<Vec<SealedRow>, StoreError> {
        let rows = self.read(|| keys::sealed_after(&self.pool, tenant, id)).await?;
        rows.iter().map(|row| answer(row)).collect()
    }

    async fn replace_sealed(&self, row: &SealedRow, sealed: &Resealed, under: &str) -> Result<bool, StoreError> {
        self.answered(keys::replace_sealed(&self.pool, row, sealed, under)).await
    }

    async fn retire(&self, id: &str) -> Result<(), StoreError> {
        self.answered(keys::retire(&self.pool, id)).await
    }

    async fn close(&self) {
        self.end_news();
        self.pool.close().await;
    }
}
