//! A change, in one transaction.

use connector_registry::Expects;
use sqlx::SqliteConnection;

use super::{STATE, writer::Writer};
use crate::{
    change::{SealedChange, SealedEdit},
    database::Fault,
    rows::{Outcome, Refusal, answer},
};

pub(super) async fn commit(writer: &Writer, tenant: &str, change: &SealedChange) -> Result<Outcome, Fault> {
    let mut transaction = writer.begin().await?;
    match apply(&mut transaction, tenant, change).await {
        Ok(state) => {
            // What cannot be read is found while it can still be undone.
            let state = answer(&state)?;
            transaction.commit().await?;
            Ok(Outcome::State(state))
        }
        Err(Fault::Refused(refusal)) => {
            transaction.rollback().await?;
            Ok(Outcome::Refused(refusal))
        }
        // Dropped, it is undone; why it failed is what matters.
        Err(fault) => Err(fault),
    }
}

/// Does all of it, and returns what the tenant is then.
async fn apply(transaction: &mut SqliteConnection, tenant: &str, change: &SealedChange) -> Result<String, Fault> {
    let known = sqlx::query_as("SELECT revision, active FROM tenants WHERE name = ?1").bind(tenant);
    let known: Option<(i64, Option<String>)> = known.fetch_optional(&mut *transaction).await?;
    let (revision, active) = match known {
        Some(known) => known,
        None if change.creates => (0, None),
        None => return Err(Refusal::UnknownTenant.into()),
    };
    expect(transaction, tenant, change.expects, revision, active.as_deref()).await?;
    if let Some(key) = &change.sealed_under {
        let current = sqlx::query_scalar("SELECT id FROM current_sealing_key");
        let current: Option<String> = current.fetch_optional(&mut *transaction).await?;
        if current.as_ref() != Some(key) {
            return Err(Refusal::OtherKey { current }.into());
        }
    }
    let revision = revision + 1;
    let raised = "INSERT INTO tenants (name, revision, changed)
        VALUES (?1, ?2, (SELECT coalesce(max(changed), 0) + 1 FROM tenants))
        ON CONFLICT (name) DO UPDATE SET revision = excluded.revision, changed = excluded.changed";
    sqlx::query(raised).bind(tenant).bind(revision).execute(&mut *transaction).await?;
    for edit in &change.edits {
        self::edit(transaction, tenant, edit, revision, change.at).await?;
    }
    let entry = "INSERT INTO history (tenant, revision, at, made_by, action, configuration, connector, details)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let entry = sqlx::query(entry).bind(tenant).bind(revision).bind(change.at).bind(&change.made_by);
    let entry = entry.bind(change.action).bind(&change.configuration).bind(&change.connector).bind(&change.details);
    entry.execute(&mut *transaction).await?;
    Ok(sqlx::query_scalar(STATE).bind(tenant).fetch_one(&mut *transaction).await?)
}

async fn expect(
    transaction: &mut SqliteConnection,
    tenant: &str,
    expects: Expects,
    revision: i64,
    active: Option<&str>,
) -> Result<(), Fault> {
    let at = revision.unsigned_abs();
    match (expects, active) {
        (Expects::Revision(expected), _) if expected != at => Err(Refusal::Outdated { revision: at }.into()),
        (Expects::NoneActive, Some(id)) => {
            let connector = sqlx::query_scalar("SELECT connector FROM configurations WHERE tenant = ?1 AND id = ?2");
            let connector = connector.bind(tenant).bind(id).fetch_one(&mut *transaction).await?;
            Err(Refusal::AlreadyActive { id: id.to_owned(), connector }.into())
        }
        (Expects::OneActive, None) => Err(Refusal::NoneActive.into()),
        (Expects::Active(id), active) if active != Some(id.to_string().as_str()) => {
            Err(Refusal::Outdated { revision: at }.into())
        }
        _ => Ok(()),
    }
}

async fn edit(
    transaction: &mut SqliteConnection,
    tenant: &str,
    edit: &SealedEdit,
    revision: i64,
    at: i64,
) -> Result<(), Fault> {
    let unknown = |id: &String| Refusal::UnknownConfiguration { id: id.clone() };
    let (query, missing) = match edit {
        SealedEdit::Save { id, connector, config, secrets, destinations, sealed_under, saved_at } => {
            let save = "INSERT INTO configurations
                (tenant, id, connector, config, secrets, destinations, sealed_under, saved_at)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (tenant, id) DO NOTHING";
            let save = sqlx::query(save).bind(tenant).bind(id).bind(connector).bind(config).bind(secrets);
            let save = save.bind(destinations).bind(sealed_under).bind(saved_at);
            (save, Some(Refusal::DuplicateConfiguration { id: id.clone() }))
        }
        SealedEdit::Activate { id } => {
            let active = sqlx::query_scalar("SELECT active FROM tenants WHERE name = ?1").bind(tenant);
            let active: Option<String> = active.fetch_one(&mut *transaction).await?;
            if active.as_ref() == Some(id) {
                return Ok(());
            }
            let activated = "UPDATE configurations SET activated_at = ?3, revision = ?4 WHERE tenant = ?1 AND id = ?2";
            let activated = sqlx::query(activated).bind(tenant).bind(id).bind(at).bind(revision);
            if activated.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Err(unknown(id).into());
            }
            (sqlx::query("UPDATE tenants SET active = ?2 WHERE name = ?1").bind(tenant).bind(id), None)
        }
        SealedEdit::Remove { id } => {
            let inactive = sqlx::query("UPDATE tenants SET active = NULL WHERE name = ?1 AND active = ?2");
            inactive.bind(tenant).bind(id).execute(&mut *transaction).await?;
            let gone = sqlx::query("DELETE FROM configurations WHERE tenant = ?1 AND id = ?2");
            (gone.bind(tenant).bind(id), Some(unknown(id)))
        }
        SealedEdit::Tested { id } => {
            let tested = sqlx::query("UPDATE configurations SET tested_at = ?3 WHERE tenant = ?1 AND id = ?2");
            (tested.bind(tenant).bind(id).bind(at), Some(unknown(id)))
        }
        SealedEdit::SignIn { settings } => {
            (sqlx::query("UPDATE tenants SET sign_in = ?2 WHERE name = ?1").bind(tenant).bind(settings), None)
        }
        SealedEdit::FallbackLanguage { language } => {
            (sqlx::query("UPDATE tenants SET fallback_language = ?2 WHERE name = ?1").bind(tenant).bind(language), None)
        }
        SealedEdit::PutTemplate { language, usage_type, template } => {
            let put = "INSERT INTO templates (tenant, language, usage_type, template) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (tenant, language, usage_type) DO UPDATE SET template = excluded.template";
            (sqlx::query(put).bind(tenant).bind(language).bind(usage_type).bind(template), None)
        }
        SealedEdit::RemoveTemplate { language, usage_type } => {
            let removed = sqlx::query("DELETE FROM templates WHERE tenant = ?1 AND language = ?2 AND usage_type = ?3");
            let missing = Refusal::UnknownTemplate { language: language.clone(), usage_type: usage_type.clone() };
            (removed.bind(tenant).bind(language).bind(usage_type), Some(missing))
        }
    };
    let affected = query.execute(&mut *transaction).await?.rows_affected();
    match missing {
        Some(refusal) if affected == 0 => Err(refusal.into()),
        _ => Ok(()),
    }
}
