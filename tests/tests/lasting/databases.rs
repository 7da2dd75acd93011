//! A database of each kind, made for one test.

use connector_store::KeyRing;
use connector_testkit::PostgresServer;
use e2e::{PATIENCE, until};
use std::path::PathBuf;
use tempfile::TempDir;

/// What PostgreSQL calls the connections of another process.
const ACTOR: &str = "actor";

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

    /// The address under which another process is known as an actor.
    pub fn url_for_actors(&self) -> String {
        match &self.server {
            Some(_) => format!("{}&application_name={ACTOR}", self.url),
            None => self.url.clone(),
        }
    }

    /// Waits until no actor is connected any more: PostgreSQL sees a statement through that has reached it, though the
    /// process that sent it was killed.
    pub fn settle(&self) {
        let Some(server) = &self.server else { return };
        let connected = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{ACTOR}'");
        until(PATIENCE, "connections to end", || Ok((server.sql(&connected) == "0").then_some(()))).unwrap();
    }

    async fn new(url: String, server: Option<PostgresServer>, folder: TempDir) -> Self {
        let keys = folder.path().join("keys");
        KeyRing::create_file(&keys).await.unwrap();
        Self { url, keys, server, folder }
    }
}
