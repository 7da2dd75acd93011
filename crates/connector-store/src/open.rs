//! Opening a store: the database by its URL, its tables, and the master keys it needs.

use std::{io, path::Path, sync::Arc};

use arc_swap::ArcSwap;
use connector_registry::{Catalog, Uuid};
use tokio::sync::broadcast;

use crate::{
    KeyError, KeyId, KeyRing, KeySource, OpenStoreError, Place, Store,
    database::Database,
    migrations::Progress,
    postgres::Postgres,
    rows::KeyRows,
    sqlite::{Sqlite, beside, is_database},
    store::{Inner, NEWS, unusable},
};

/// What stands where only the right master key opens it.
const CHECK: &str = "email-connectors";
const CHECK_PLACE: Place<'_> = Place { tenant: "", configuration: Uuid::nil(), pointer: "master key", destination: "" };

impl Store {
    /// Opens the store at `url`: `sqlite:PATH`, or `postgres://USER@HOST/DATABASE` with the parameters of libpq. The
    /// tables are made or brought up to date; a new store takes the ring's current key. The catalog says what is secret
    /// in a configuration.
    ///
    /// # Errors
    /// [`OpenStoreError`]; nothing was changed then.
    pub async fn open(url: &str, keys: KeyRing, catalog: Catalog) -> Result<Self, OpenStoreError> {
        let Some((scheme, rest)) = url.split_once(':') else {
            return Err(OpenStoreError::InvalidUrl { fault: "it has no scheme".to_owned() });
        };
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path == ":memory:" {
                    return Err(OpenStoreError::InvalidUrl { fault: "it names no file".to_owned() });
                }
                Self::open_file(Path::new(path), keys, catalog).await
            }
            "postgres" | "postgresql" => {
                let (mut database, progress) = Postgres::connect(url).await?;
                let current = closed_on_error(&database, prepare(&database, progress, &keys).await).await?;
                let news = broadcast::Sender::new(NEWS);
                database.follow(news.clone());
                Ok(Self::new(Box::new(database), keys, current, catalog, news))
            }
            scheme => {
                let known = scheme.len() <= 20 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let scheme = if known { scheme.to_owned() } else { "something else".to_owned() };
                Err(OpenStoreError::UnknownScheme { scheme })
            }
        }
    }

    /// Opens the SQLite database at `path` with the master key in the file beside it, `<path>.key`. Where neither is
    /// there, both are made, the key readable by its owner only.
    ///
    /// # Errors
    /// [`OpenStoreError::NoKeyFile`] when only the database is there; otherwise as of [`Store::open`].
    pub async fn open_default(path: impl AsRef<Path>, catalog: Catalog) -> Result<Self, OpenStoreError> {
        let path = path.as_ref();
        let exists = is_database(path)?;
        let key_file = beside(path, ".key");
        let keys = if key_file.exists() {
            KeyRing::load(KeySource::File(key_file)).await?
        } else if exists {
            return Err(OpenStoreError::NoKeyFile { database: path.to_owned(), key_file });
        } else {
            match KeyRing::create_file(&key_file).await {
                // Another process was faster.
                Err(KeyError::File { cause, .. }) if cause.kind() == io::ErrorKind::AlreadyExists => {
                    KeyRing::load(KeySource::File(key_file)).await?
                }
                made => made?,
            }
        };
        Self::open_file(path, keys, catalog).await
    }

    async fn open_file(path: &Path, keys: KeyRing, catalog: Catalog) -> Result<Self, OpenStoreError> {
        let (mut database, progress) = Sqlite::connect(path).await?;
        let current = closed_on_error(&database, prepare(&database, progress, &keys).await).await?;
        let news = broadcast::Sender::new(NEWS);
        database.follow(news.clone()).await?;
        Ok(Self::new(Box::new(database), keys, current, catalog, news))
    }

    fn new(
        database: Box<dyn Database>,
        keys: KeyRing,
        current: KeyId,
        catalog: Catalog,
        news: broadcast::Sender<connector_registry::Changed>,
    ) -> Self {
        let current = ArcSwap::from_pointee(current);
        Self { inner: Arc::new(Inner { database, keys, current, catalog, news }) }
    }
}

/// Closes what a caller who gets an error could not.
async fn closed_on_error<T>(database: &dyn Database, done: Result<T, OpenStoreError>) -> Result<T, OpenStoreError> {
    if done.is_err() {
        database.close().await;
    }
    done
}

/// Makes the database ready for use, and returns its current master key. Before anything is written, the keys must be
/// right.
async fn prepare(database: &dyn Database, progress: Progress, keys: &KeyRing) -> Result<KeyId, OpenStoreError> {
    if progress != Progress::Fresh {
        check(&database.keys().await?, keys)?;
    }
    if progress != Progress::Current {
        database.migrate().await?;
    }
    first_key(database, keys).await
}

/// Gives the database its first key, unless it has one, and returns the current one.
async fn first_key(database: &dyn Database, keys: &KeyRing) -> Result<KeyId, OpenStoreError> {
    let mut known = database.keys().await?;
    if known.0.is_empty() {
        let first = keys.current();
        database.make_current(&first.to_string(), &check_value(keys, first)?, true).await?;
        known = database.keys().await?;
    }
    check(&known, keys)?;
    let current = known.0.first().and_then(|current| current.id.parse().ok());
    current.ok_or_else(|| unusable("the database names no current master key: restore it from a copy").into())
}

/// What the database keeps to know the key again.
pub(crate) fn check_value(keys: &KeyRing, id: KeyId) -> Result<String, OpenStoreError> {
    Ok(keys.seal_under(id, &CHECK_PLACE, CHECK).map_err(unusable)?)
}

/// Whether every master key that the database needs is there, and is the right one.
pub(crate) fn check(known: &KeyRows, keys: &KeyRing) -> Result<(), OpenStoreError> {
    let given = keys.ids();
    let is_given = |id: &str| id.parse().is_ok_and(|id: KeyId| given.contains(&id));
    if !known.0.iter().all(|key| is_given(&key.id)) {
        let needed = known.0.iter().map(|key| key.id.clone()).collect();
        return Err(OpenStoreError::MissingKeys { needed, given });
    }
    match known.0.iter().find(|key| keys.open(&CHECK_PLACE, &key.check_value).is_err()) {
        Some(key) => Err(OpenStoreError::WrongKey { id: key.id.clone() }),
        None => Ok(()),
    }
}
