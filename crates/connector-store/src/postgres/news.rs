//! Telling of the changes that any process makes, by LISTEN.

use std::{future::Future, time::Duration};

use connector_registry::Changed;
use sqlx::{
    Error, Executor as _,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};
use tokio::{sync::broadcast::Sender, time::timeout};

/// What commits notify.
const CHANNEL: &str = "email_connectors";

/// How long to wait before connecting again: doubled from time to time.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// A connection that was quiet for so long is asked whether it is still there.
const QUIET: Duration = Duration::from_secs(20);

/// How long it may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Tells of changes until it is aborted, however often the connection is lost.
pub(super) async fn follow(options: PgConnectOptions, news: Sender<Changed>) {
    let mut wait = FIRST_WAIT;
    loop {
        match listen(&options).await {
            Ok(listener) => {
                wait = FIRST_WAIT;
                // Whatever was committed before is not told.
                tell(&news, Changed::Any);
                if let Err(cause) = hear(listener, &news).await {
                    tracing::warn!(%cause, "no news from PostgreSQL, connecting again");
                }
            }
            Err(cause) => tracing::debug!(%cause, "cannot listen to PostgreSQL, trying again"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn listen(options: &PgConnectOptions) -> Result<PgListener, Error> {
    let pool = PgPoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None).acquire_timeout(ANSWER);
    let pool = pool.connect_lazy_with(options.clone());
    let mut listener = PgListener::connect_with(&pool).await?;
    answered(listener.listen(CHANNEL)).await?;
    // A lost connection is found by the loop above.
    listener.eager_reconnect(false);
    Ok(listener)
}

async fn hear(mut listener: PgListener, news: &Sender<Changed>) -> Result<(), Error> {
    loop {
        match timeout(QUIET, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => tell(news, Changed::Tenant(notification.payload().to_owned())),
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(cause)) => return Err(cause),
            Err(_) => answered(listener.execute("SELECT 1")).await.map(drop)?,
        }
    }
}

async fn answered<T>(asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(Error::Io(std::io::ErrorKind::TimedOut.into())))
}

fn tell(news: &Sender<Changed>, changed: Changed) {
    // Nobody listening is no fault.
    let _ = news.send(changed);
}
