//! Telling of the changes that other processes make: SQLite tells nobody, so it is asked.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use connector_registry::Changed;
use sqlx::{Connection as _, Error, SqliteConnection, sqlite::SqliteConnectOptions};
use tokio::{
    sync::{broadcast::Sender, oneshot},
    task::JoinHandle,
    time::MissedTickBehavior,
};

/// How often it is asked. The question costs no disk access.
const INTERVAL: Duration = Duration::from_millis(200);

/// Beyond so many changed tenants any may have changed.
const MOST: usize = 1000;

/// A connection of its own, as it tells only of the changes that others make.
pub(super) struct Watch {
    connection: SqliteConnection,
    /// What SQLite said at the last look. Another connection's number says nothing.
    version: Option<i64>,
    last: i64,
}

impl Watch {
    pub(super) async fn begin(mut connection: SqliteConnection) -> Result<Self, Error> {
        let version = Some(version(&mut connection).await?);
        let last = sqlx::query_scalar("SELECT coalesce(max(changed), 0) FROM tenants");
        let last = last.fetch_one(&mut connection).await?;
        Ok(Self { connection, version, last })
    }

    /// Tells of changes until `ended` is.
    async fn run(mut self, options: SqliteConnectOptions, news: Sender<Changed>, mut ended: oneshot::Receiver<()>) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = &mut ended => break,
                _ = ticks.tick() => {}
            }
            let changed = match self.look().await {
                Ok(changed) => changed,
                Err(cause) => {
                    tracing::warn!(%cause, "cannot see whether the database has changed, trying again");
                    if let Ok(connection) = SqliteConnection::connect_with(&options).await {
                        let _ = self.reconnected(connection).close_hard().await;
                    }
                    continue;
                }
            };
            for changed in changed {
                // Nobody listening is no fault.
                let _ = news.send(changed);
            }
        }
        // The write-ahead log stays until the last connection is closed.
        let _ = self.connection.close().await;
    }

    /// Looks through this connection from here on, and returns the former one.
    fn reconnected(&mut self, connection: SqliteConnection) -> SqliteConnection {
        self.version = None;
        std::mem::replace(&mut self.connection, connection)
    }

    async fn look(&mut self) -> Result<Vec<Changed>, Error> {
        let version = Some(version(&mut self.connection).await?);
        if version == self.version {
            return Ok(Vec::new());
        }
        let changed = "SELECT name, changed FROM tenants WHERE changed > ?1 ORDER BY changed LIMIT ?2";
        let changed = sqlx::query_as(changed).bind(self.last).bind(MOST as i64 + 1);
        let changed: Vec<(String, i64)> = changed.fetch_all(&mut self.connection).await?;
        let news = if changed.len() > MOST {
            let last = sqlx::query_scalar("SELECT max(changed) FROM tenants");
            self.last = last.fetch_one(&mut self.connection).await?;
            vec![Changed::Any]
        } else {
            self.last = changed.last().map_or(self.last, |(_, last)| *last);
            changed.into_iter().map(|(name, _)| Changed::Tenant(name)).collect()
        };
        self.version = version;
        Ok(news)
    }
}

/// A watch that is kept. It ends when this is dropped.
pub(super) struct Watcher(Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>);

impl Watcher {
    pub(super) fn new(watch: Watch, options: SqliteConnectOptions, news: Sender<Changed>) -> Self {
        let (end, ended) = oneshot::channel();
        Self(Mutex::new(Some((end, tokio::spawn(watch.run(options, news, ended))))))
    }

    /// Ends it, and waits until its connection is closed.
    pub(super) async fn end(&self) {
        let watching = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((end, task)) = watching {
            drop(end);
            let _ = task.await;
        }
    }
}

async fn version(connection: &mut SqliteConnection) -> Result<i64, Error> {
    sqlx::query_scalar("PRAGMA data_version").fetch_one(connection).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    #[tokio::test]
    async fn a_change_is_told_of_though_another_connection_counts_the_same() {
        let folder = tempfile::TempDir::new().unwrap();
        let options = SqliteConnectOptions::new().filename(folder.path().join("store.db")).create_if_missing(true);
        let connect = async || SqliteConnection::connect_with(&options).await.unwrap();
        let mut writer = connect().await;
        sqlx::query("CREATE TABLE tenants (name TEXT, changed INTEGER)").execute(&mut writer).await.unwrap();
        let mut watch = Watch::begin(connect().await).await.unwrap();
        assert_eq!(watch.look().await.unwrap(), []);

        sqlx::query("INSERT INTO tenants VALUES ('acme', 1)").execute(&mut writer).await.unwrap();
        let mut other = connect().await;
        watch.version = Some(version(&mut other).await.unwrap());
        drop(watch.reconnected(other));
        assert_eq!(watch.look().await.unwrap(), [Changed::Tenant("acme".to_owned())]);
        assert_eq!(watch.look().await.unwrap(), []);
    }
}
