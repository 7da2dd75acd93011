//! One-time codes.

use std::time::Duration;

use connector_kit::async_trait;
use sqlx::{Error, Postgres as Driver, Transaction};
use verification_code::{
    Attempted, CodeId, CodeStore, Issuance, Limited, NewCode, StoreError, Subject, Timestamp, Withdrawal,
};

use super::Postgres;
use crate::code_rows::{CodeRow, Columns, names, place};

/// Counts an attempt, and returns the row.
const ATTEMPT: &str = "\
INSERT INTO email_connectors.codes AS c (tenant, subject, expires_at, attempts, attempts_until)
VALUES ($1, $2, 0, 1, $3 + $4)
ON CONFLICT (tenant, subject) DO UPDATE SET
    attempts = CASE WHEN c.attempts_until <= $3 THEN 1 ELSE c.attempts + 1 END,
    attempts_until = CASE WHEN c.attempts_until > $3 THEN c.attempts_until ELSE greatest(c.expires_at, $3 + $4) END
RETURNING id, key_id, hash, expires_at, attempts, attempts_until";

/// Puts a row in the place of what there is.
const PUT: &str = "\
INSERT INTO email_connectors.codes (tenant, subject, id, key_id, hash, expires_at, attempts, attempts_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant, subject) DO UPDATE SET id = excluded.id, key_id = excluded.key_id, hash = excluded.hash,
    expires_at = excluded.expires_at, attempts = excluded.attempts, attempts_until = excluded.attempts_until";

const CONSUME: &str = "\
UPDATE email_connectors.codes SET id = NULL, key_id = NULL, hash = NULL, expires_at = 0
WHERE tenant = $1 AND subject = $2 AND id = $3";

const OLDEST: &str = "\
SELECT sent_at FROM email_connectors.code_sends WHERE tenant = $1 AND subject = ANY($2)
ORDER BY sent_at DESC LIMIT 1 OFFSET $3";

const WITHDRAW: &str = "\
DELETE FROM email_connectors.code_sends WHERE tenant = $1 AND subject = ANY($2) AND sent_at = $3 AND code = $4";

const PRUNE_CODES: &str = "\
DELETE FROM email_connectors.codes WHERE (tenant, subject) IN (
    SELECT tenant, subject FROM email_connectors.codes WHERE greatest(expires_at, attempts_until) <= $1
    LIMIT $2 FOR UPDATE SKIP LOCKED)";

const PRUNE_SENDS: &str = "\
DELETE FROM email_connectors.code_sends WHERE seq IN (
    SELECT seq FROM email_connectors.code_sends WHERE counts_until <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// Whatever takes more than one statement on a tenant's codes takes turns.
const TURN: &str = "SELECT pg_advisory_xact_lock(hashtextextended('email_connectors codes ' || $1, 0))";

/// Brings what is under a subject's former names under its current one.
async fn bring(transaction: &mut Transaction<'static, Driver>, tenant: &str, subject: &Subject) -> Result<(), Error> {
    if subject.former().is_empty() {
        return Ok(());
    }
    let current = &subject.current().as_bytes()[..];
    let former: Vec<&[u8]> = names(subject).split_off(1);
    let gone = "DELETE FROM email_connectors.codes WHERE tenant = $1 AND subject = ANY($2)
        RETURNING id, key_id, hash, expires_at, attempts, attempts_until";
    let gone: Vec<Columns> = sqlx::query_as(gone).bind(tenant).bind(former).fetch_all(&mut **transaction).await?;
    let Some(former) = gone.into_iter().map(CodeRow::from).reduce(CodeRow::later) else { return Ok(()) };
    let known = "SELECT id, key_id, hash, expires_at, attempts, attempts_until FROM email_connectors.codes
        WHERE tenant = $1 AND subject = $2 FOR UPDATE";
    let known: Option<Columns> =
        sqlx::query_as(known).bind(tenant).bind(current).fetch_optional(&mut **transaction).await?;
    let row = match known.map(CodeRow::from) {
        Some(known) => known.later(former),
        None => former,
    };
    let put = sqlx::query(PUT).bind(tenant).bind(current).bind(row.id).bind(row.key_id).bind(row.hash);
    let put = put.bind(row.expires_at).bind(row.attempts).bind(row.attempts_until);
    put.execute(&mut **transaction).await.map(drop)
}

impl Postgres {
    /// A transaction that has its turn on the tenant's codes.
    async fn turn(&self, tenant: &str) -> Result<Transaction<'static, Driver>, Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(TURN).bind(tenant).execute(&mut *transaction).await?;
        Ok(transaction)
    }

    async fn issue_code(&self, code: &NewCode<'_>) -> Result<Issuance, Error> {
        let NewCode { tenant, subject, code, now, expires_at, takes } = *code;
        let mut transaction = self.turn(tenant).await?;
        let mut oldest = Vec::with_capacity(takes.len());
        for take in takes {
            let sent = sqlx::query_scalar(OLDEST).bind(tenant).bind(names(&take.subject)).bind(place(take.limit.sends));
            let sent: Option<i64> = sent.fetch_optional(&mut *transaction).await?;
            oldest.push((take, sent.map(Timestamp::from_millis)));
        }
        if let Some(limited) = Limited::longest(now, oldest) {
            transaction.rollback().await?;
            return Ok(Issuance::Limited(limited));
        }
        for take in takes {
            let send = "INSERT INTO email_connectors.code_sends (tenant, subject, sent_at, code, counts_until)
                VALUES ($1, $2, $3, $4, $5)";
            let send = sqlx::query(send).bind(tenant).bind(&take.subject.current().as_bytes()[..]).bind(now.millis());
            let send = send.bind(&code.id.as_bytes()[..]).bind(take.limit.counts_until(now).millis());
            send.execute(&mut *transaction).await?;
        }
        bring(&mut transaction, tenant, subject).await?;
        let put = sqlx::query(PUT).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(&code.id.as_bytes()[..]);
        let put =
            put.bind(&code.key_id).bind(&code.hash.as_bytes()[..]).bind(expires_at.millis()).bind(0_i64).bind(0_i64);
        put.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Issuance::Stored)
    }

    async fn count_attempt(&self, tenant: &str, subject: &Subject, now: i64, window: i64) -> Result<Columns, Error> {
        let attempt =
            sqlx::query_as(ATTEMPT).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(now).bind(window);
        if subject.former().is_empty() {
            return attempt.fetch_one(&self.pool).await;
        }
        let mut transaction = self.turn(tenant).await?;
        bring(&mut transaction, tenant, subject).await?;
        let counted = attempt.fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(counted)
    }

    async fn consume_code(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, Error> {
        let consume =
            sqlx::query(CONSUME).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(&id.as_bytes()[..]);
        if subject.former().is_empty() {
            return Ok(consume.execute(&self.pool).await?.rows_affected() == 1);
        }
        let mut transaction = self.turn(tenant).await?;
        bring(&mut transaction, tenant, subject).await?;
        let consumed = consume.execute(&mut *transaction).await?.rows_affected();
        transaction.commit().await?;
        Ok(consumed == 1)
    }

    async fn withdraw_code(&self, withdrawal: &Withdrawal<'_>) -> Result<(), Error> {
        let Withdrawal { tenant, subject, id, issued_at, takes } = *withdrawal;
        let id = &id.as_bytes()[..];
        let mut transaction = self.turn(tenant).await?;
        bring(&mut transaction, tenant, subject).await?;
        let current = &subject.current().as_bytes()[..];
        sqlx::query(CONSUME).bind(tenant).bind(current).bind(id).execute(&mut *transaction).await?;
        for take in takes {
            let sends = sqlx::query(WITHDRAW).bind(tenant).bind(names(&take.subject)).bind(issued_at.millis()).bind(id);
            sends.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    async fn prune_codes(&self, now: i64, max: u32) -> Result<u64, Error> {
        let codes = sqlx::query(PRUNE_CODES).bind(now).bind(i64::from(max)).execute(&self.pool).await?.rows_affected();
        let left = u64::from(max).saturating_sub(codes);
        let sends = sqlx::query(PRUNE_SENDS).bind(now).bind(left.cast_signed()).execute(&self.pool).await?;
        Ok(codes + sends.rows_affected())
    }
}

#[async_trait]
impl CodeStore for Postgres {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.answered(self.issue_code(code)).await.map_err(StoreError::new)
    }

    async fn attempt(
        &self,
        tenant: &str,
        subject: &Subject,
        now: Timestamp,
        window: Duration,
    ) -> Result<Attempted, StoreError> {
        let window = now.after(window).millis().saturating_sub(now.millis());
        let counted = self.answered(self.count_attempt(tenant, subject, now.millis(), window)).await;
        CodeRow::from(counted.map_err(StoreError::new)?).attempted(now)
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        self.answered(self.consume_code(tenant, subject, id)).await.map_err(StoreError::new)
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        self.answered(self.withdraw_code(withdrawal)).await.map_err(StoreError::new)
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        self.answered(self.prune_codes(now.millis(), max)).await.map_err(StoreError::new)
    }
}
