//! Where stores are: a file, and a server, each with nothing in it.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connector_registry::{
    Action, Actor, Catalog, Change, Changed, ConnectorStore, Draft, Edit, Entry, Expects, Record, Uuid,
};
use connector_store::{KeyRing, OpenStoreError, Store};
use connector_testkit::PostgresServer;
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tokio::sync::broadcast::Receiver;

/// No condition takes this long.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Where a store is.
pub struct Place {
    pub url: String,
    pub keys: KeyRing,
    /// The master key in them, as text.
    pub text: String,
    // Ends with the place.
    folder: Option<TempDir>,
    pub server: Option<PostgresServer>,
}

impl Place {
    pub async fn sqlite() -> Self {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let text = crate::key();
        Self { url, keys: crate::ring(&text).await, text, folder: Some(folder), server: None }
    }

    pub async fn postgres() -> Self {
        let server = PostgresServer::start();
        let text = crate::key();
        Self { url: server.url(), keys: crate::ring(&text).await, text, folder: None, server: Some(server) }
    }

    /// The SQLite file's folder.
    pub fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        self.folder().join("store.db")
    }

    /// Opens it as another process would.
    pub async fn open(&self) -> Store {
        self.try_open(self.keys.clone()).await.unwrap()
    }

    pub async fn try_open(&self, keys: KeyRing) -> Result<Store, OpenStoreError> {
        Store::open(&self.url, keys, Catalog::builtin()).await
    }

    /// Waits until nobody is connected to the server: it goes on with a statement for some time after its client is
    /// gone.
    pub async fn alone(&self) {
        let Some(server) = &self.server else { return };
        let others = "SELECT count(*) FROM pg_stat_activity
            WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let gone = async {
            while server.sql(others) != "0" {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the end of all connections");
    }

    /// Runs SQL past the store, with what the database itself holds to.
    pub async fn sql(&self, sql: &'static str) -> Result<(), String> {
        let done = match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::connect(path).await.unwrap();
                connection.execute("PRAGMA foreign_keys = ON").await.unwrap();
                let done = connection.execute(sql).await.map(drop);
                connection.close().await.unwrap();
                done
            }
            None => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                connection.execute("SET search_path = email_connectors").await.unwrap();
                let done = connection.execute(sql).await.map(drop);
                connection.close().await.unwrap();
                done
            }
        };
        done.map_err(|error| error.to_string())
    }

    /// How many configurations hold `text` in clear.
    pub async fn configurations_with(&self, text: &str) -> i64 {
        let pattern = format!("%{text}%");
        match self.url.strip_prefix("sqlite:") {
            Some(path) => {
                let mut connection = SqliteConnection::connect(path).await.unwrap();
                let count = "SELECT count(*) FROM configurations WHERE config LIKE ?1 OR secrets LIKE ?1";
                sqlx::query_scalar(count).bind(pattern).fetch_one(&mut connection).await.unwrap()
            }
            None => {
                let mut connection = PgConnection::connect(&self.url).await.unwrap();
                let count = "SELECT count(*) FROM email_connectors.configurations
                    WHERE config LIKE $1 OR secrets LIKE $1";
                sqlx::query_scalar(count).bind(pattern).fetch_one(&mut connection).await.unwrap()
            }
        }
    }
}

/// Runs a test over both databases.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(&crate::places::Place::sqlite().await).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(&crate::places::Place::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both;

/// So many milliseconds after 2030 began.
pub fn moment(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(1_893_456_000_000 + millis)
}

/// A configuration with secrets that say which it is.
pub fn config(n: u128) -> Value {
    json!({
        "endpoint": "https://mail.example.com/send",
        "authorization": format!("Bearer hidden-{n}"),
        "signingSecrets": [format!("whsec-hidden-{n}")],
        "timeout": 1.5,
    })
}

pub fn save(n: u128) -> Edit {
    let saved_at = moment(u64::try_from(n % 7).unwrap());
    Edit::Save(Draft { id: id(n), connector: "http-email".to_owned(), config: config(n), saved_at })
}

pub const fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

/// A change that makes these edits, whatever the tenant is like.
pub fn change(edits: impl Into<Vec<Edit>>) -> Change {
    let entry = Entry {
        by: Actor::new("ada@example.com", "198.51.100.7"),
        action: Action::Save,
        configuration: None,
        connector: None,
        details: json!({}),
    };
    Change { creates: true, expects: Expects::Anything, edits: edits.into(), entry, at: moment(1_000) }
}

/// Whether the configuration reads as it was handed in.
pub fn assert_whole(record: &Record) {
    assert_eq!(record.config, config(record.saved.id.as_u128()));
}

/// Whether the store says the same in all its ways, and whether all that is kept can be read.
pub async fn assert_consistent(store: &impl ConnectorStore, tenant: &str) {
    let state = store.tenant(tenant).await.unwrap().unwrap();
    let status = store.status(tenant).await.unwrap().unwrap();
    assert_eq!(state.revision, status.revision);
    assert_eq!(state.active.as_ref().map(|active| &active.saved), status.active.as_ref());
    for saved in status.active.iter().chain(&status.kept) {
        let record = store.configuration(tenant, saved.id).await.unwrap().unwrap();
        assert_eq!(record.saved, *saved);
        assert_whole(&record);
    }
    let history = store.history(tenant, None, u32::MAX).await.unwrap();
    let revisions: Vec<u64> = history.iter().map(|entry| entry.revision).collect();
    assert!(revisions.iter().copied().eq((1..=state.revision).rev()), "{revisions:?}");
}

/// Waits until the news tells of this tenant, or that any may have changed.
pub async fn told_of(news: &mut Receiver<Changed>, tenant: &str) {
    let told = async {
        loop {
            match news.recv().await.unwrap() {
                Changed::Tenant(name) if name != tenant => {}
                _ => return,
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("news");
}
