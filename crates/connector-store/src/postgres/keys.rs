//! Which master keys the secrets are sealed under.

use connector_registry::StoreError;
use sqlx::{Error, PgPool};

use crate::{
    database::{BATCH, Fault, Reseal},
    rows::{KeyRow, KeyRows, Resealed, SealedRow, answer},
};

/// A [`SealedRow`], as JSON.
macro_rules! sealed_row {
    () => {
        "json_build_object(
            'tenant', tenant, 'id', id, 'connector', connector, 'config', config, 'secrets', secrets,
            'destinations', destinations)::text"
    };
}

pub(super) async fn all(pool: &PgPool) -> Result<KeyRows, Error> {
    let keys = "SELECT id, check_value FROM email_connectors.sealing_keys
        ORDER BY id = (SELECT id FROM email_connectors.current_sealing_key) DESC NULLS LAST, id";
    let keys: Vec<(String, String)> = sqlx::query_as(keys).fetch_all(pool).await?;
    Ok(KeyRows(keys.into_iter().map(|(id, check_value)| KeyRow { id, check_value }).collect()))
}

pub(super) async fn make_current(pool: &PgPool, id: &str, check_value: &str, first: bool) -> Result<(), Error> {
    let mut transaction = pool.begin().await?;
    // One at a time; commits, which only read it, wait for the end.
    let turn = "LOCK TABLE email_connectors.current_sealing_key IN SHARE ROW EXCLUSIVE MODE";
    sqlx::query(turn).execute(&mut *transaction).await?;
    let known = sqlx::query_scalar("SELECT id FROM email_connectors.current_sealing_key");
    let known: Option<String> = known.fetch_optional(&mut *transaction).await?;
    if first && known.is_some() {
        return transaction.rollback().await;
    }
    let key = "INSERT INTO email_connectors.sealing_keys (id, check_value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    sqlx::query(key).bind(id).bind(check_value).execute(&mut *transaction).await?;
    let current = "INSERT INTO email_connectors.current_sealing_key (id) VALUES ($1)
        ON CONFLICT (one) DO UPDATE SET id = excluded.id";
    sqlx::query(current).bind(id).execute(&mut *transaction).await?;
    transaction.commit().await
}

pub(super) async fn sealed_under(pool: &PgPool, id: &str) -> Result<u64, Error> {
    let count = "SELECT count(*) FROM email_connectors.configurations
        WHERE sealed_under = $1";
    let count: i64 = sqlx::query_scalar(count).bind(id).fetch_one(pool).await?;
    Ok(count.unsigned_abs())
}

pub(super) async fn reseal_some(pool: &PgPool, from: &str, to: &str, reseal: &Reseal<'_>) -> Result<u64, Fault> {
    let mut transaction = pool.begin().await?;
    // It waits for nobody while it holds locks, so that nobody waits for it in turn.
    let some = concat!(
        "SELECT ",
        sealed_row!(),
        " FROM email_connectors.configurations WHERE sealed_under = $1 LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED"
    );
    let some: Vec<String> = sqlx::query_scalar(some).bind(from).bind(BATCH).fetch_all(&mut *transaction).await?;
    let again = |row: &String| -> Result<Resealed, StoreError> {
        let row: SealedRow = answer(row)?;
        reseal(&row)
    };
    let again = some.iter().map(again).collect::<Result<Vec<_>, _>>()?;
    let sealed = "UPDATE email_connectors.configurations c
        SET config = s.config, secrets = s.secrets, destinations = s.destinations, sealed_under = $2
        FROM json_to_recordset($1::json)
            AS s (tenant text, id uuid, config text, secrets text, destinations text)
        WHERE c.tenant = s.tenant AND c.id = s.id";
    let rows = crate::change::encode(&again)?;
    sqlx::query(sealed).bind(rows).bind(to).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(some.len() as u64)
}

pub(super) async fn sealed_after(pool: &PgPool, tenant: &str, id: &str) -> Result<Vec<String>, Error> {
    let some = concat!(
        "SELECT ",
        sealed_row!(),
        " FROM email_connectors.configurations WHERE (tenant, id) > ($1, $2::uuid) ORDER BY tenant, id LIMIT $3"
    );
    sqlx::query_scalar(some).bind(tenant).bind(id).bind(BATCH).fetch_all(pool).await
}

pub(super) async fn replace_sealed(
    pool: &PgPool,
    row: &SealedRow,
    sealed: &Resealed,
    under: &str,
) -> Result<bool, Error> {
    let replaced = "UPDATE email_connectors.configurations
        SET config = $3, secrets = $4, destinations = $5, sealed_under = $6
        WHERE tenant = $1 AND id = $2::uuid AND config = $7 AND secrets = $8";
    let replaced = sqlx::query(replaced).bind(&row.tenant).bind(&row.id).bind(&sealed.config).bind(&sealed.secrets);
    let replaced = replaced.bind(&sealed.destinations).bind(under).bind(&row.config).bind(&row.secrets);
    Ok(replaced.execute(pool).await?.rows_affected() > 0)
}

pub(super) async fn retire(pool: &PgPool, id: &str) -> Result<(), Error> {
    let retired = "DELETE FROM email_connectors.sealing_keys
        WHERE id = $1 AND id NOT IN (SELECT id FROM email_connectors.current_sealing_key)
        AND NOT EXISTS (SELECT 1 FROM email_connectors.configurations WHERE sealed_under = $1)";
    sqlx::query(retired).bind(id).execute(pool).await.map(drop)
}
