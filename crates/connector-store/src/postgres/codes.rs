//! One-time codes.

use async_trait::async_trait;
use sqlx::{Error, PgConnection, Postgres as Driver, Transaction};
use verification_code::{
    Attempt, Attempted, CodeId, CodeRow, CodeStore, Issuance, Limited, NewCode, PRUNED_AFTER, StoreError, Subject,
    Take, Timestamp, UsedUp, Withdrawal,
};

use super::Postgres;
use crate::code_rows::{Columns, columns, names, place, read, written};

const FIND: &str = concat!("SELECT ", columns!(), " FROM email_connectors.codes WHERE tenant = $1 AND subject = $2");

const TAKE_AWAY: &str =
    concat!("DELETE FROM email_connectors.codes WHERE tenant = $1 AND subject = ANY($2) RETURNING ", columns!());

/// Puts a row in the place of what there is.
const PUT: &str = concat!(
    "INSERT INTO email_connectors.codes (tenant, subject, ",
    columns!(),
    ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (tenant, subject) DO UPDATE SET id = excluded.id, key_id = excluded.key_id, hash = excluded.hash,
        expires_at = excluded.expires_at, asked_from = excluded.asked_from, attempts = excluded.attempts,
        strangers = excluded.strangers, attempts_until = excluded.attempts_until,
        former_expires_at = excluded.former_expires_at, former_attempts_until = excluded.former_attempts_until"
);

const CONSUME: &str = "\
UPDATE email_connectors.codes SET id = NULL, key_id = NULL, hash = NULL WHERE tenant = $1 AND subject = $2 AND id = $3";

/// Corrects what a clock that was wrong has logged for some subjects.
const CORRECT: &str = "\
UPDATE email_connectors.code_sends SET
    sent_at = CASE WHEN sent_at > $3 THEN $3 ELSE former_at END,
    counts_until = counts_until - sent_at + CASE WHEN sent_at > $3 THEN $3 ELSE former_at END,
    former_at = CASE WHEN sent_at > $3 THEN coalesce(former_at, sent_at) END
WHERE tenant = $1 AND subject = ANY($2) AND (sent_at > $3 OR (former_at <= $3 AND former_at >= counts_until))";

/// What no longer counts must not do so again when its former time has come.
const FORGET: &str = "\
DELETE FROM email_connectors.code_sends
WHERE tenant = $1 AND subject = ANY($2) AND former_at IS NOT NULL AND counts_until <= $3";

/// Whether there is anything to correct or to forget.
const IS_WRONG: &str = "\
SELECT EXISTS (
    SELECT FROM email_connectors.code_sends
    WHERE tenant = $1 AND subject = ANY($2) AND (sent_at > $3 OR former_at IS NOT NULL))";

const OLDEST: &str = "\
SELECT sent_at FROM email_connectors.code_sends WHERE tenant = $1 AND subject = ANY($2)
ORDER BY sent_at DESC LIMIT 1 OFFSET $3";

const LOG: &str = "\
INSERT INTO email_connectors.code_sends (tenant, subject, sent_at, code, counts_until) VALUES ($1, $2, $3, $4, $5)";

const WITHDRAW: &str = "\
DELETE FROM email_connectors.code_sends
WHERE tenant = $1 AND subject = ANY($2) AND code = $3 AND (sent_at = $4 OR former_at = $4)";

const FAR_CODES: &str = "\
SELECT tenant, subject FROM email_connectors.codes WHERE greatest(expires_at, attempts_until) > $1
LIMIT $2 FOR UPDATE SKIP LOCKED";

const CORRECT_FAR_SENDS: &str = "\
UPDATE email_connectors.code_sends
SET sent_at = $1, counts_until = counts_until - sent_at + $1, former_at = coalesce(former_at, sent_at)
WHERE seq IN (
    SELECT seq FROM email_connectors.code_sends WHERE counts_until > $2 AND sent_at > $1 LIMIT $3 FOR UPDATE SKIP LOCKED)";

const PRUNE_CODES: &str = "\
DELETE FROM email_connectors.codes WHERE (tenant, subject) IN (
    SELECT tenant, subject FROM email_connectors.codes WHERE greatest(expires_at, attempts_until) <= $1
    LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// But for what gets its former time back, and counts by that.
const PRUNE_SENDS: &str = "\
DELETE FROM email_connectors.code_sends WHERE seq IN (
    SELECT seq FROM email_connectors.code_sends WHERE counts_until <= $1
        AND NOT coalesce(former_at <= $1 AND former_at >= counts_until AND former_at + counts_until - sent_at > $1, false)
    LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// Whatever issues or withdraws one of a tenant's codes takes turns.
const TURN: &str = "SELECT pg_advisory_xact_lock(hashtextextended('email_connectors codes ' || $1, 0))";

/// So does whatever concerns one recipient: in the order of the list, in which everybody has the names.
const TURNS: &str = "SELECT pg_advisory_xact_lock(name) FROM unnest($1::bigint[]) AS name";

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

/// Waits for the turn on a subject. Processes may know it by different names while the key is being changed, so all of
/// them are taken.
async fn turn_on(connection: &mut PgConnection, subject: &Subject) -> Result<(), Error> {
    let lock = |name: &&[u8]| name.iter().take(8).fold(0_i64, |lock, byte| lock << 8 | i64::from(*byte));
    let mut locks: Vec<i64> = names(subject).iter().map(lock).collect();
    locks.sort_unstable();
    sqlx::query(TURNS).bind(locks).execute(connection).await.map(drop)
}

/// A subject's row, brought under its current name.
async fn row(connection: &mut PgConnection, tenant: &str, subject: &Subject) -> Result<CodeRow, Fault> {
    let current = &subject.current().as_bytes()[..];
    let known: Option<Columns> =
        sqlx::query_as(FIND).bind(tenant).bind(current).fetch_optional(&mut *connection).await?;
    let mut row = read(known)?;
    let gone = take_away_former(connection, tenant, subject).await?;
    if !gone.is_empty() {
        for former in gone {
            row = row.later(read(Some(former))?);
        }
        put(connection, tenant, subject, &row).await?;
    }
    Ok(row)
}

async fn take_away_former(
    connection: &mut PgConnection,
    tenant: &str,
    subject: &Subject,
) -> Result<Vec<Columns>, Error> {
    if subject.former().is_empty() {
        return Ok(Vec::new());
    }
    let former: Vec<&[u8]> = names(subject).split_off(1);
    sqlx::query_as(TAKE_AWAY).bind(tenant).bind(former).fetch_all(connection).await
}

async fn put(connection: &mut PgConnection, tenant: &str, subject: &Subject, row: &CodeRow) -> Result<(), Error> {
    let (id, key_id, hash, expires_at, asked_from, attempts, strangers, attempts_until, former_expires, former_until) =
        written(row);
    let put = sqlx::query(PUT).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(id).bind(key_id).bind(hash);
    let put = put.bind(expires_at).bind(asked_from).bind(attempts).bind(strangers).bind(attempts_until);
    put.bind(former_expires).bind(former_until).execute(connection).await.map(drop)
}

/// Corrects the log of some subjects.
async fn correct(
    connection: &mut PgConnection,
    tenant: &str,
    subjects: impl IntoIterator<Item = &Subject>,
    now: Timestamp,
) -> Result<(), Error> {
    let listed: Vec<&[u8]> = subjects.into_iter().flat_map(names).collect();
    let is_wrong = sqlx::query_scalar(IS_WRONG).bind(tenant).bind(&listed).bind(now.millis());
    if is_wrong.fetch_one(&mut *connection).await? {
        for statement in [CORRECT, FORGET] {
            let done = sqlx::query(statement).bind(tenant).bind(&listed).bind(now.millis());
            done.execute(&mut *connection).await?;
        }
    }
    Ok(())
}

async fn oldest(connection: &mut PgConnection, tenant: &str, take: &Take) -> Result<Option<Timestamp>, Error> {
    let oldest = sqlx::query_scalar(OLDEST).bind(tenant).bind(names(&take.subject)).bind(place(take.limit.sends));
    let oldest: Option<i64> = oldest.fetch_optional(connection).await?;
    Ok(oldest.map(Timestamp::from_millis))
}

async fn log(
    connection: &mut PgConnection,
    tenant: &str,
    take: &Take,
    now: Timestamp,
    id: CodeId,
) -> Result<(), Error> {
    let log = sqlx::query(LOG).bind(tenant).bind(&take.subject.current().as_bytes()[..]).bind(now.millis());
    let log = log.bind(&id.as_bytes()[..]).bind(take.limit.counts_until(now).millis());
    log.execute(connection).await.map(drop)
}

impl Postgres {
    /// A transaction that has its turn on the tenant's sends, and on the codes of a subject.
    async fn turn(&self, tenant: &str, subject: &Subject) -> Result<Transaction<'static, Driver>, Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(TURN).bind(tenant).execute(&mut *transaction).await?;
        turn_on(&mut transaction, subject).await?;
        Ok(transaction)
    }

    async fn issue_code(&self, code: &NewCode<'_>) -> Result<Issuance, Fault> {
        let NewCode { tenant, subject, code, now, expires_at, asked_from, takes } = *code;
        let mut transaction = self.turn(tenant, subject).await?;
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
        take_away_former(&mut transaction, tenant, subject).await?;
        let asked_from = asked_from.map(|client| *client.current());
        let issued = CodeRow::issued(code.clone(), expires_at, asked_from);
        put(&mut transaction, tenant, subject, &issued).await?;
        transaction.commit().await?;
        Ok(Issuance::Stored)
    }

    /// Whether an attempt is refused, as far as that can be told without a turn: whoever guesses on and on takes none.
    async fn is_refused(&self, attempt: &Attempt<'_>) -> Result<Option<Attempted>, Fault> {
        let Attempt { tenant, subject, now, lifetime, .. } = *attempt;
        if !subject.former().is_empty() {
            return Ok(None);
        }
        let known = sqlx::query_as(FIND).bind(tenant).bind(&subject.current().as_bytes()[..]);
        let known = read(known.fetch_optional(&self.pool).await?)?;
        let mut corrected = known.clone();
        corrected.correct(now, lifetime);
        let wait = known.wait(attempt).filter(|_| known == corrected);
        Ok(wait.map(|retry_after| Attempted::Refused { used_up: UsedUp::Attempts, retry_after }))
    }

    async fn count_attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, Fault> {
        if let Some(refused) = self.is_refused(attempt).await? {
            return Ok(refused);
        }
        let Attempt { tenant, subject, now, lifetime, guess, .. } = *attempt;
        let mut transaction = self.pool.begin().await?;
        turn_on(&mut transaction, subject).await?;
        let before = row(&mut transaction, tenant, subject).await?;
        let mut row = before.clone();
        row.correct(now, lifetime);
        let mut wait = row.wait(attempt);
        let is_guess = wait.is_none() && row.is_guessed_at(now);
        if is_guess {
            // Other codes of the same recipient count for it, too.
            turn_on(&mut transaction, &guess.subject).await?;
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

    async fn consume_code(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, Fault> {
        let consume =
            sqlx::query(CONSUME).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(&id.as_bytes()[..]);
        let mut transaction = self.pool.begin().await?;
        turn_on(&mut transaction, subject).await?;
        if !subject.former().is_empty() {
            row(&mut transaction, tenant, subject).await?;
        }
        let consumed = consume.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(consumed == 1)
    }

    async fn withdraw_code(&self, withdrawal: &Withdrawal<'_>) -> Result<(), Fault> {
        let Withdrawal { tenant, subject, id, issued_at, takes } = *withdrawal;
        let id = &id.as_bytes()[..];
        let mut transaction = self.turn(tenant, subject).await?;
        if !subject.former().is_empty() {
            row(&mut transaction, tenant, subject).await?;
        }
        let current = &subject.current().as_bytes()[..];
        sqlx::query(CONSUME).bind(tenant).bind(current).bind(id).execute(&mut *transaction).await?;
        for take in takes {
            let sends = sqlx::query(WITHDRAW).bind(tenant).bind(names(&take.subject)).bind(id).bind(issued_at.millis());
            sends.execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn prune_codes(&self, now: Timestamp, max: u32) -> Result<u64, Fault> {
        let latest = now.after(PRUNED_AFTER).millis();
        let mut transaction = self.pool.begin().await?;
        let far: Vec<(String, Vec<u8>)> =
            sqlx::query_as(FAR_CODES).bind(latest).bind(i64::from(max)).fetch_all(&mut *transaction).await?;
        for (tenant, subject) in far {
            let subject = Subject::new(subject[..].try_into().map_err(StoreError::new)?, []);
            let mut row = row(&mut transaction, &tenant, &subject).await?;
            row.correct(now, PRUNED_AFTER);
            put(&mut transaction, &tenant, &subject, &row).await?;
        }
        transaction.commit().await?;
        let (now, max) = (now.millis(), i64::from(max));
        sqlx::query(CORRECT_FAR_SENDS).bind(now).bind(latest).bind(max).execute(&self.pool).await?;
        let codes = sqlx::query(PRUNE_CODES).bind(now).bind(max).execute(&self.pool).await?.rows_affected();
        let left = max.saturating_sub(codes.cast_signed());
        let sends = sqlx::query(PRUNE_SENDS).bind(now).bind(left).execute(&self.pool).await?;
        Ok(codes + sends.rows_affected())
    }

    /// The answer, unless it takes too long.
    async fn codes_answered<T>(&self, asked: impl Future<Output = Result<T, Fault>>) -> Result<T, StoreError> {
        let answer = self.answered(async {
            match asked.await {
                Ok(answer) => Ok(Ok(answer)),
                Err(Fault::Store(error)) => Ok(Err(error)),
                Err(Fault::Database(error)) => Err(error),
            }
        });
        answer.await.map_err(StoreError::new)?
    }
}

#[async_trait]
impl CodeStore for Postgres {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.codes_answered(self.issue_code(code)).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        self.codes_answered(self.count_attempt(attempt)).await
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        self.codes_answered(self.consume_code(tenant, subject, id)).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        self.codes_answered(self.withdraw_code(withdrawal)).await
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        self.codes_answered(self.prune_codes(now, max)).await
    }
}
