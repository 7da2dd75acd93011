//! One-time codes.

use std::time::Duration;

use connector_kit::async_trait;
use sqlx::{Error, Sqlite as Driver, Transaction};
use verification_code::{
    Attempted, CodeId, CodeStore, Issuance, Limited, NewCode, StoreError, Subject, Timestamp, Withdrawal,
};

use super::{Sqlite, commit::begin};
use crate::code_rows::{CodeRow, Columns, names, place};

/// Counts an attempt, and returns the row.
const ATTEMPT: &str = "\
INSERT INTO codes (tenant, subject, expires_at, attempts, attempts_until) VALUES (?1, ?2, 0, 1, ?3 + ?4)
ON CONFLICT (tenant, subject) DO UPDATE SET
    attempts = CASE WHEN attempts_until <= ?3 THEN 1 ELSE attempts + 1 END,
    attempts_until = CASE WHEN attempts_until > ?3 THEN attempts_until ELSE max(expires_at, ?3 + ?4) END
RETURNING id, key_id, hash, expires_at, attempts, attempts_until";

/// Puts a row in the place of what there is.
const PUT: &str = "\
INSERT OR REPLACE INTO codes (tenant, subject, id, key_id, hash, expires_at, attempts, attempts_until)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

const CONSUME: &str = "\
UPDATE codes SET id = NULL, key_id = NULL, hash = NULL, expires_at = 0 WHERE tenant = ?1 AND subject = ?2 AND id = ?3";

const OLDEST: &str = "\
SELECT sent_at FROM code_sends WHERE tenant = ?1 AND subject IN (SELECT unhex(value) FROM json_each(?2))
ORDER BY sent_at DESC LIMIT 1 OFFSET ?3";

const WITHDRAW: &str = "\
DELETE FROM code_sends
WHERE tenant = ?1 AND subject IN (SELECT unhex(value) FROM json_each(?2)) AND sent_at = ?3 AND code = ?4";

const PRUNE_CODES: &str = "\
DELETE FROM codes WHERE (tenant, subject) IN (
    SELECT tenant, subject FROM codes WHERE max(expires_at, attempts_until) <= ?1 LIMIT ?2)";

const PRUNE_SENDS: &str =
    "DELETE FROM code_sends WHERE seq IN (SELECT seq FROM code_sends WHERE counts_until <= ?1 LIMIT ?2)";

/// All names as a JSON list of hex digits.
fn listed(subject: &Subject) -> String {
    let names = names(subject).into_iter().map(hex::encode).collect::<Vec<_>>();
    serde_json::Value::from(names).to_string()
}

/// Brings what is under a subject's former names under its current one.
async fn bring(transaction: &mut Transaction<'static, Driver>, tenant: &str, subject: &Subject) -> Result<(), Error> {
    let find =
        "SELECT id, key_id, hash, expires_at, attempts, attempts_until FROM codes WHERE tenant = ?1 AND subject = ?2";
    for former in subject.former() {
        let gone = "DELETE FROM codes WHERE tenant = ?1 AND subject = ?2
            RETURNING id, key_id, hash, expires_at, attempts, attempts_until";
        let gone = sqlx::query_as(gone).bind(tenant).bind(&former.as_bytes()[..]);
        let gone: Option<Columns> = gone.fetch_optional(&mut **transaction).await?;
        let Some(former) = gone.map(CodeRow::from) else { continue };
        let current = &subject.current().as_bytes()[..];
        let known: Option<Columns> =
            sqlx::query_as(find).bind(tenant).bind(current).fetch_optional(&mut **transaction).await?;
        let row = match known.map(CodeRow::from) {
            Some(known) => known.later(former),
            None => former,
        };
        let put = sqlx::query(PUT).bind(tenant).bind(current).bind(row.id).bind(row.key_id).bind(row.hash);
        put.bind(row.expires_at).bind(row.attempts).bind(row.attempts_until).execute(&mut **transaction).await?;
    }
    Ok(())
}

impl Sqlite {
    fn code_error(&self, error: &Error) -> StoreError {
        StoreError::new(self.error(error))
    }

    async fn issue_code(&self, code: &NewCode<'_>) -> Result<Issuance, Error> {
        let NewCode { tenant, subject, code, now, expires_at, takes } = *code;
        let mut transaction = begin(&self.writer).await?;
        let mut oldest = Vec::with_capacity(takes.len());
        for take in takes {
            let sent =
                sqlx::query_scalar(OLDEST).bind(tenant).bind(listed(&take.subject)).bind(place(take.limit.sends));
            let sent: Option<i64> = sent.fetch_optional(&mut *transaction).await?;
            oldest.push((take, sent.map(Timestamp::from_millis)));
        }
        if let Some(limited) = Limited::longest(now, oldest) {
            transaction.rollback().await?;
            return Ok(Issuance::Limited(limited));
        }
        for take in takes {
            let send =
                "INSERT INTO code_sends (tenant, subject, sent_at, code, counts_until) VALUES (?1, ?2, ?3, ?4, ?5)";
            let send = sqlx::query(send).bind(tenant).bind(&take.subject.current().as_bytes()[..]).bind(now.millis());
            let send = send.bind(&code.id.as_bytes()[..]).bind(take.limit.counts_until(now).millis());
            send.execute(&mut *transaction).await?;
        }
        bring(&mut transaction, tenant, subject).await?;
        let put = sqlx::query(PUT).bind(tenant).bind(&subject.current().as_bytes()[..]).bind(&code.id.as_bytes()[..]);
        let put = put.bind(&code.key_id).bind(&code.hash.as_bytes()[..]).bind(expires_at.millis()).bind(0).bind(0);
        put.execute(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Issuance::Stored)
    }

    async fn withdraw_code(&self, withdrawal: &Withdrawal<'_>) -> Result<(), Error> {
        let Withdrawal { tenant, subject, id, issued_at, takes } = *withdrawal;
        let id = &id.as_bytes()[..];
        let mut transaction = begin(&self.writer).await?;
        bring(&mut transaction, tenant, subject).await?;
        let current = &subject.current().as_bytes()[..];
        sqlx::query(CONSUME).bind(tenant).bind(current).bind(id).execute(&mut *transaction).await?;
        for take in takes {
            let sends =
                sqlx::query(WITHDRAW).bind(tenant).bind(listed(&take.subject)).bind(issued_at.millis()).bind(id);
            sends.execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

#[async_trait]
impl CodeStore for Sqlite {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.issue_code(code).await.map_err(|error| self.code_error(&error))
    }

    async fn attempt(
        &self,
        tenant: &str,
        subject: &Subject,
        now: Timestamp,
        window: Duration,
    ) -> Result<Attempted, StoreError> {
        let window = now.after(window).millis().saturating_sub(now.millis());
        let attempt = sqlx::query_as(ATTEMPT).bind(tenant).bind(&subject.current().as_bytes()[..]);
        let attempt = attempt.bind(now.millis()).bind(window);
        let counted: Result<Columns, Error> = if subject.former().is_empty() {
            attempt.fetch_one(&self.writer).await
        } else {
            async {
                let mut transaction = begin(&self.writer).await?;
                bring(&mut transaction, tenant, subject).await?;
                let counted = attempt.fetch_one(&mut *transaction).await?;
                transaction.commit().await?;
                Ok(counted)
            }
            .await
        };
        CodeRow::from(counted.map_err(|error| self.code_error(&error))?).attempted(now)
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        let current = &subject.current().as_bytes()[..];
        let consumed = async {
            let mut transaction = begin(&self.writer).await?;
            bring(&mut transaction, tenant, subject).await?;
            let consumed = sqlx::query(CONSUME).bind(tenant).bind(current).bind(&id.as_bytes()[..]);
            let consumed = consumed.execute(&mut *transaction).await?.rows_affected();
            transaction.commit().await?;
            Ok(consumed == 1)
        };
        consumed.await.map_err(|error| self.code_error(&error))
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        self.withdraw_code(withdrawal).await.map_err(|error| self.code_error(&error))
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        let pruned = async {
            let mut transaction = begin(&self.writer).await?;
            let codes = sqlx::query(PRUNE_CODES).bind(now.millis()).bind(max).execute(&mut *transaction).await?;
            let left = u64::from(max).saturating_sub(codes.rows_affected());
            let sends = sqlx::query(PRUNE_SENDS).bind(now.millis()).bind(left.cast_signed());
            let sends = sends.execute(&mut *transaction).await?;
            transaction.commit().await?;
            Ok(codes.rows_affected() + sends.rows_affected())
        };
        pruned.await.map_err(|error: Error| self.code_error(&error))
    }
}
