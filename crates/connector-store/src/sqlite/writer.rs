//! Writing: the tasks of this process wait in line for the one connection that writes. A lock that is polled for, as
//! SQLite's is, goes to whoever happens to ask at the right moment, and some never do.

use std::{
    ops::{Deref, DerefMut},
    pin::pin,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use sqlx::{Error, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

pub(super) struct Writer {
    /// One connection.
    pool: SqlitePool,
    /// First come, first served.
    line: Semaphore,
    /// How many have been served.
    served: AtomicU64,
    /// How long the line may stand still.
    patience: Duration,
}

impl Writer {
    pub(super) const fn new(pool: SqlitePool, patience: Duration) -> Self {
        Self { pool, line: Semaphore::const_new(1), served: AtomicU64::new(0), patience }
    }

    /// Waits for its turn, and takes the file's only writing lock at once, so that what is read here still holds at the
    /// end.
    ///
    /// # Errors
    /// [`Error::PoolTimedOut`] when the line has stood still, as it does when another process keeps the lock; what
    /// SQLite says.
    pub(super) async fn begin(&self) -> Result<Write<'_>, Error> {
        let place = self.wait().await?;
        let transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write { transaction, turn: Turn { writer: self, _place: place } })
    }

    async fn wait(&self) -> Result<SemaphorePermit<'_>, Error> {
        let mut place = pin!(self.line.acquire());
        loop {
            let before = self.served.load(Ordering::Relaxed);
            match timeout(self.patience, &mut place).await {
                Ok(place) => return place.map_err(|_| Error::PoolClosed),
                Err(_) if self.served.load(Ordering::Relaxed) == before => return Err(Error::PoolTimedOut),
                Err(_) => {}
            }
        }
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A transaction that writes. Dropped, it is undone.
pub(super) struct Write<'w> {
    transaction: Transaction<'static, Sqlite>,
    // After the transaction, so that the next one finds the connection free.
    turn: Turn<'w>,
}

struct Turn<'w> {
    writer: &'w Writer,
    _place: SemaphorePermit<'w>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.writer.served.fetch_add(1, Ordering::Relaxed);
    }
}

impl Write<'_> {
    pub(super) async fn commit(self) -> Result<(), Error> {
        let Self { transaction, turn } = self;
        let done = transaction.commit().await;
        drop(turn);
        done
    }

    pub(super) async fn rollback(self) -> Result<(), Error> {
        let Self { transaction, turn } = self;
        let done = transaction.rollback().await;
        drop(turn);
        done
    }
}

impl Deref for Write<'_> {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Write<'_> {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::{str::FromStr as _, sync::Arc};

    use sqlx::{
        Executor as _,
        sqlite::{SqliteConnectOptions, SqlitePoolOptions},
    };
    use tokio::task::JoinSet;

    use super::*;

    fn writer() -> Arc<Writer> {
        let options = SqliteConnectOptions::from_str("sqlite::memory:").unwrap();
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        Arc::new(Writer::new(pool, Duration::from_secs(20)))
    }

    /// As long as each of them is served within the patience, however long all of them take.
    #[tokio::test]
    async fn nobody_gives_up_while_the_line_moves() {
        let writer = writer();
        writer.pool.execute("SELECT 1").await.unwrap();
        let mut first = Some(writer.begin().await.unwrap());
        let mut waiting = JoinSet::new();
        for _ in 0..50 {
            let writer = Arc::clone(&writer);
            waiting.spawn(async move { writer.begin().await.unwrap().commit().await.unwrap() });
        }
        // Each looks at the clock once more before it gives up, and then somebody has been served.
        tokio::task::yield_now().await;
        writer.served.fetch_add(1, Ordering::Relaxed);
        first.take().unwrap().commit().await.unwrap();
        waiting.join_all().await;
        assert_eq!(writer.served.load(Ordering::Relaxed), 52);
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_stands_still_is_given_up() {
        let writer = writer();
        // The clock stands still only where nobody works, so the connection is not asked for here.
        let place = writer.line.acquire().await.unwrap();
        let moving = Arc::clone(&writer);
        let waiting = tokio::spawn(async move { moving.wait().await.map(drop) });
        tokio::time::sleep(Duration::from_secs(19)).await;
        writer.served.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_secs(19)).await;
        assert!(!waiting.is_finished(), "it has moved meanwhile");
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert!(matches!(waiting.await.unwrap(), Err(Error::PoolTimedOut)));
        drop(place);
        drop(writer.wait().await.unwrap());
    }
}
