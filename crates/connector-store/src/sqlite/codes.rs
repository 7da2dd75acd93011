//! One-time codes.

use async_trait::async_trait;
use sqlx::{Error, SqliteConnection};
use verification_code::{
    Attempt, Attempted, CodeId, CodeRow, CodeStore, Issuance, Limited, NewCode, PRUNED_AFTER, StoreError, Subject,
    Take, Timestamp, UsedUp, Withdrawal,
};

use super::Sqlite;
use crate::code_rows::{Columns, columns, names, place, read, written};

const FIND: &str = concat!("SELECT ", columns!(), " FROM codes WHERE tenant = ?1 AND subject = ?2");

const TAKE_AWAY: &str = concat!("DELETE FROM codes WHERE tenant = ?1 AND subject = ?2 RETURNING ", columns!());

/// Puts a row in the place of what there is.
const PUT: &str = concat!(
    "INSERT OR REPLACE INTO codes (tenant, subject, ",
    columns!(),
    ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
);

const CONSUME: &str =
    "UPDATE codes SET id = NULL, key_id = NULL, hash = NULL WHERE tenant = ?1 AND subject = ?2 AND id = ?3";

/// Corrects what a clock that was wrong has logged for some subjects.
const CORRECT: &str = "\
UPDATE code_sends SET
    sent_at = CASE WHEN sent_at > ?3 THEN ?3 ELSE former_at END,
    counts_until = counts_until - sent_at + CASE WHEN sent_at > ?3 THEN ?3 ELSE former_at END,
    former_at = CASE WHEN sent_at > ?3 THEN coalesce(former_at, sent_at) END
WHERE tenant = ?1 AND subject IN (SELECT unhex(value) FROM json_each(?2))
    AND (sent_at > ?3 OR (former_at <= ?3 AND former_at >= counts_until))";

/// What no longer counts must not do so again when its former time has come.
const FORGET: &str = "\
DELETE FROM code_sends WHERE tenant = ?1 AND subject IN (SELECT unhex(value) FROM json_each(?2))
    AND former_at IS NOT NULL AND counts_until <= ?3";

const OLDEST: &str = "\
SELECT sent_at FROM code_sends WHERE tenant = ?1 AND subject IN (SELECT unhex(value) FROM json_each(?2))
ORDER BY sent_at DESC LIMIT 1 OFFSET ?3";

const LOG: &str = "INSERT INTO code_sends (tenant, subject, sent_at, code, counts_until) VALUES (?1, ?2, ?3, ?4, ?5)";

const WITHDRAW: &str = "\
DELETE FROM code_sends WHERE tenant = ?1 AND subject IN (SELECT unhex(value) FROM json_each(?2)) AND code = ?3
    AND (sent_at = ?4 OR former_at = ?4)";

const FAR_CODES: &str = "SELECT tenant, subject FROM codes WHERE max(expires_at, attempts_until) > ?1 LIMIT ?2";

const CORRECT_FAR_SENDS: &str = "\
UPDATE code_sends SET sent_at = ?1, counts_until = counts_until - sent_at + ?1, former_at = coalesce(former_at, sent_at)
WHERE seq IN (SELECT seq FROM code_sends WHERE counts_until > ?2 AND sent_at > ?1 LIMIT ?3)";

const PRUNE_CODES: &str = "\
DELETE FROM codes WHERE (tenant, subject) IN (
    SELECT tenant, subject FROM codes WHERE max(expires_at, attempts_until) <= ?1 LIMIT ?2)";

/// But for what gets its former time back, and counts by that.
const PRUNE_SENDS: &str = "\
DELETE FROM code_sends WHERE seq IN (
    SELECT seq FROM code_sends WHERE counts_until <= ?1
        AND NOT coalesce(former_at <= ?1 AND former_at >= counts_until AND former_at + counts_until - sent_at > ?1, FALSE)
    LIMIT ?2)";

/// Names as a JSON list of hex digits.
fn listed<'s>(subjects: impl IntoIterator<Item = &'s Subject>) -> String {
    let names = subjects.into_iter().flat_map(names).map(hex::encode).collect::<Vec<_>>();
    serde_json::Value::from(names).to_string()
}

/// Why it failed.
enum Fault {
    Database(Error),
    Store(StoreError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A subject's row, brought under its current name.
async fn row(connection: &mut SqliteConnection, tenant: &str, subject: &Subject) -> Result<CodeRow, Fault> {
    let current = &subject.current().as_bytes()[..];
    let known: Option<Columns> =
        sqlx::query_as(FIND).bind(tenant).bind(current).fetch_optional(&mut *connection).await?;
    let mut row = read(known)?;
    for former in subject.former() {
        let gone = sqlx::query_as(TAKE_AWAY).bind(tenant).bind(&former.as_bytes()[..]);
        let gone: Option<Columns> = gone.fetch_optional(&mut *connection).await?;
        if gone.is_some() {
            row = row.later(read(gone)?);
            put(connection, tenant, subject, &row).await?;
        }
    }
    Ok(row)
}

async fn put(connection: &mut SqliteConnection, tenant: &str, subject: &Subject, row: &CodeRow) -> Result<(), Error> {
    let (id, key_id, hash, expires_at, asked_from, attempts, strangers, attempts_until, former_expires, former_until) =
        written(row);
    let put = sqlx::query(PUT).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(id).bind(key_id).bind(hash);
    let put = put.bind(expires_at).bind(asked_from).bind(attempts).bind(strangers).bind(attempts_until);
    put.bind(former_expires).bind(former_until).execute(connection).await.map(drop)
}

/// Corrects the log of some subjects.
async fn correct(
    connection: &mut SqliteConnection,
    tenant: &str,
    subjects: impl IntoIterator<Item = &Subject>,
    now: Timestamp,
) -> Result<(), Error> {
    let listed = listed(subjects);
    for statement in [CORRECT, FORGET] {
        let done = sqlx::query(statement).bind(tenant).bind(&listed).bind(now.millis());
        done.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn oldest(connection: &mut SqliteConnection, tenant: &str, take: &Take) -> Result<Option<Timestamp>, Error> {
    let oldest = sqlx::query_scalar(OLDEST).bind(tenant).bind(listed([&take.subject])).bind(place(take.limit.sends));
    let oldest: Option<i64> = oldest.fetch_optional(connection).await?;
    Ok(oldest.map(Timestamp::from_millis))
}

async fn log(
    connection: &mut SqliteConnection,
    tenant: &str,
    take: &Take,
    now: Timestamp,
    id: CodeId,
) -> Result<(), Error> {
    let log = sqlx::query(LOG).bind(tenant).bind(&take.subject.current().as_bytes()[..]).bind(now.millis());
    let log = log.bind(&id.as_bytes()[..]).bind(take.limit.counts_until(now).millis());
    log.execute(connection).await.map(drop)
}

impl Sqlite {
    fn code_error(&self, fault: Fault) -> StoreError {
        match fault {
            Fault::Database(error) => StoreError::new(self.error(&error)),
            Fault::Store(error) => error,
        }
    }

    async fn issue_code(&self, code: &NewCode<'_>) -> Result<Issuance, Fault> {
        let NewCode { tenant, subject, code, now, expires_at, asked_from, takes } = *code;
        let mut transaction = self.writer.begin().await?;
        correct(&mut transaction, tenant, takes.iter().map(|take| &take.subject), now).await?;
        let mut found = Vec::with_capacity(takes.len());
        for take in takes {
            found.push((take, oldest(&mut transaction, tenant, take).await?));
        }
        if let Some(limited) = Limited::longest(now, found) {
            transaction.commit().await?;
            return Ok(Issuance::Limited(limited));
        }
        for take in takes {
            log(&mut transaction, tenant, take, now, code.id).await?;
        }
        for former in subject.former() {
            let gone = sqlx::query(TAKE_AWAY).bind(tenant).bind(&former.as_bytes()[..]);
            gone.execute(&mut *transaction).await?;
        }
        let asked_from = asked_from.map(|client| *client.current());
        let issued = CodeRow::issued(code.clone(), expires_at, asked_from);
        put(&mut transaction, tenant, subject, &issued).await?;
        transaction.commit().await?;
        Ok(Issuance::Stored)
    }

    async fn count_attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, Fault> {
        let Attempt { tenant, subject, now, lifetime, guess, .. } = *attempt;
        let mut transaction = self.writer.begin().await?;
        let before = row(&mut transaction, tenant, subject).await?;
        let mut row = before.clone();
        row.correct(now, lifetime);
        let mut wait = row.wait(attempt);
        let is_guess = wait.is_none() && row.is_guessed_at(now);
        if is_guess {
            correct(&mut transaction, tenant, [&guess.subject], now).await?;
            let oldest = oldest(&mut transaction, tenant, guess).await?;
            wait = guess.limit.wait(now, oldest);
        }
        let attempted = match wait {
            Some(retry_after) => {
                let used_up = if is_guess { UsedUp::Guesses } else { UsedUp::Attempts };
                Attempted::Refused { used_up, retry_after }
            }
            None => {
                if is_guess {
                    log(&mut transaction, tenant, guess, now, row.id()).await?;
                }
                Attempted::Counted { code: row.count(attempt) }
            }
        };
        if row != before {
            put(&mut transaction, tenant, subject, &row).await?;
        }
        transaction.commit().await?;
        Ok(attempted)
    }

    /// Takes the code of this id away, and what was logged for it then.
    async fn end_code(
        &self,
        tenant: &str,
        subject: &Subject,
        id: CodeId,
        logged: (&[Take], Timestamp),
    ) -> Result<bool, Fault> {
        let (takes, at) = logged;
        let mut transaction = self.writer.begin().await?;
        if !subject.former().is_empty() {
            row(&mut transaction, tenant, subject).await?;
        }
        let (current, id) = (&subject.current().as_bytes()[..], &id.as_bytes()[..]);
        let ended = sqlx::query(CONSUME).bind(tenant).bind(current).bind(id).execute(&mut *transaction).await?;
        for take in takes {
            let sends = sqlx::query(WITHDRAW).bind(tenant).bind(listed([&take.subject])).bind(id).bind(at.millis());
            sends.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(ended.rows_affected() == 1)
    }

    async fn prune_codes(&self, now: Timestamp, max: u32) -> Result<u64, Fault> {
        let latest = now.after(PRUNED_AFTER).millis();
        let mut transaction = self.writer.begin().await?;
        let far: Vec<(String, Vec<u8>)> =
            sqlx::query_as(FAR_CODES).bind(latest).bind(max).fetch_all(&mut *transaction).await?;
        for (tenant, subject) in far {
            let subject = Subject::new(subject[..].try_into().map_err(StoreError::new)?, []);
            let mut row = row(&mut transaction, &tenant, &subject).await?;
            row.correct(now, PRUNED_AFTER);
            put(&mut transaction, &tenant, &subject, &row).await?;
        }
        let far = sqlx::query(CORRECT_FAR_SENDS).bind(now.millis()).bind(latest).bind(max);
        far.execute(&mut *transaction).await?;
        let codes = sqlx::query(PRUNE_CODES).bind(now.millis()).bind(max).execute(&mut *transaction).await?;
        let left = u64::from(max).saturating_sub(codes.rows_affected());
        let sends = sqlx::query(PRUNE_SENDS).bind(now.millis()).bind(left.cast_signed());
        let sends = sends.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(codes.rows_affected() + sends.rows_affected())
    }
}

#[async_trait]
impl CodeStore for Sqlite {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.issue_code(code).await.map_err(|fault| self.code_error(fault))
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        self.count_attempt(attempt).await.map_err(|fault| self.code_error(fault))
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        self.end_code(tenant, subject, id, (&[], Timestamp::default())).await.map_err(|fault| self.code_error(fault))
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        let Withdrawal { tenant, subject, id, issued_at, takes } = *withdrawal;
        self.end_code(tenant, subject, id, (takes, issued_at)).await.map(drop).map_err(|fault| self.code_error(fault))
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        self.prune_codes(now, max).await.map_err(|fault| self.code_error(fault))
    }
}
