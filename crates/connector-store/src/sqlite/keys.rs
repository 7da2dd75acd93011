//! Which master keys the secrets are sealed under.

use sqlx::{Error, SqlitePool};

use super::writer::Writer;
use crate::{
    database::{BATCH, Fault, Reseal},
    rows::{KeyRow, KeyRows, Resealed, SealedRow, answer},
};

/// A [`SealedRow`], as JSON.
macro_rules! sealed_row {
    () => {
        "json_object(
            'tenant', tenant, 'id', id, 'connector', connector, 'config', config, 'secrets', secrets,
            'destinations', destinations)"
    };
}

pub(super) async fn all(readers: &SqlitePool) -> Result<KeyRows, Error> {
    let keys = "SELECT id, check_value FROM sealing_keys
        ORDER BY id = (SELECT id FROM current_sealing_key) DESC, id";
    let keys: Vec<(String, String)> = sqlx::query_as(keys).fetch_all(readers).await?;
    Ok(KeyRows(keys.into_iter().map(|(id, check_value)| KeyRow { id, check_value }).collect()))
}

pub(super) async fn make_current(writer: &Writer, id: &str, check_value: &str, first: bool) -> Result<(), Error> {
    let mut transaction = writer.begin().await?;
    let known: Option<String> =
        sqlx::query_scalar("SELECT id FROM current_sealing_key").fetch_optional(&mut *transaction).await?;
    if first && known.is_some() {
        return transaction.rollback().await;
    }
    let key = sqlx::query("INSERT INTO sealing_keys (id, check_value) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
    key.bind(id).bind(check_value).execute(&mut *transaction).await?;
    let current =
        "INSERT INTO current_sealing_key (one, id) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET id = excluded.id";
    sqlx::query(current).bind(id).execute(&mut *transaction).await?;
    transaction.commit().await
}

pub(super) async fn sealed_under(readers: &SqlitePool, id: &str) -> Result<u64, Error> {
    let count = sqlx::query_scalar("SELECT count(*) FROM configurations WHERE sealed_under = ?1");
    let count: i64 = count.bind(id).fetch_one(readers).await?;
    Ok(count.unsigned_abs())
}

pub(super) async fn reseal_some(writer: &Writer, from: &str, to: &str, reseal: &Reseal<'_>) -> Result<u64, Fault> {
    let mut transaction = writer.begin().await?;
    let some = concat!("SELECT ", sealed_row!(), " FROM configurations WHERE sealed_under = ?1 LIMIT ?2");
    let some: Vec<String> = sqlx::query_scalar(some).bind(from).bind(BATCH).fetch_all(&mut *transaction).await?;
    for row in &some {
        let row: SealedRow = answer(row)?;
        let Resealed { tenant, id, config, secrets, destinations } = reseal(&row)?;
        let sealed = "UPDATE configurations SET config = ?3, secrets = ?4, destinations = ?5, sealed_under = ?6
            WHERE tenant = ?1 AND id = ?2";
        let sealed = sqlx::query(sealed).bind(tenant).bind(id).bind(config).bind(secrets).bind(destinations).bind(to);
        sealed.execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(some.len() as u64)
}

pub(super) async fn sealed_after(readers: &SqlitePool, tenant: &str, id: &str) -> Result<Vec<String>, Error> {
    let some = concat!(
        "SELECT ",
        sealed_row!(),
        " FROM configurations WHERE (tenant, id) > (?1, ?2) ORDER BY tenant, id LIMIT ?3"
    );
    sqlx::query_scalar(some).bind(tenant).bind(id).bind(BATCH).fetch_all(readers).await
}

pub(super) async fn replace_sealed(
    writer: &Writer,
    row: &SealedRow,
    sealed: &Resealed,
    under: &str,
) -> Result<bool, Error> {
    let mut transaction = writer.begin().await?;
    let replaced = "UPDATE configurations SET config = ?3, secrets = ?4, destinations = ?5, sealed_under = ?6
        WHERE tenant = ?1 AND id = ?2 AND config = ?7 AND secrets = ?8";
    let replaced = sqlx::query(replaced).bind(&row.tenant).bind(&row.id).bind(&sealed.config).bind(&sealed.secrets);
    let replaced = replaced.bind(&sealed.destinations).bind(under).bind(&row.config).bind(&row.secrets);
    let replaced = replaced.execute(&mut *transaction).await?.rows_affected();
    transaction.commit().await?;
    Ok(replaced > 0)
}

pub(super) async fn retire(writer: &Writer, id: &str) -> Result<(), Error> {
    let retired = "DELETE FROM sealing_keys WHERE id = ?1 AND id NOT IN (SELECT id FROM current_sealing_key)
        AND NOT EXISTS (SELECT 1 FROM configurations WHERE sealed_under = ?1)";
    let mut transaction = writer.begin().await?;
    sqlx::query(retired).bind(id).execute(&mut *transaction).await?;
    transaction.commit().await
}
