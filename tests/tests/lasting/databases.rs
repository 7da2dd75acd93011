//! A database of each kind, made for one test.

use connector_store::KeyRing;
use connector_testkit::PostgresServer;
use e2e::{PATIENCE, until};
use std::path::PathBuf;
use tempfile::TempDir;

/// A store's address and keys, and what must live as long.
pub struct Database {
    pub url: String,
    pub keys: PathBuf,
    pub server: Option<PostgresServer>,
    pub folder: TempDir,
}

impl Database {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        Self::new(url, None, folder).await
    }

    pub async fn postgres() -> Self {
        let server = PostgresServer::start();
        Self::new(server.url(), Some(server), tempfile::tempdir().unwrap()).await
    }

    /// Waits until nothing is under way for a process that was killed: PostgreSQL sees a statement through that has reached it.
    pub fn settle(&self) {
        let Some(server) = &self.server else { return };
        let under_way = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' \
                         AND state <> 'idle' AND pid <> pg_backend_pid()";
        until(PATIENCE, "statements to end", || Ok((server.sql(under_way) == "0").then_some(()))).unwrap();
    }

    async fn new(url: String, server: Option<PostgresServer>, folder: TempDir) -> Self {
        let keys = folder.path().join("keys");
        KeyRing::create_file(&keys).await.unwrap();
        Self { url, keys, server, folder }
    }
}
