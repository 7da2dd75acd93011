//! What must hold of a tenant whatever was done to it, by however many processes, however they ended.

use anyhow::{Context as _, Result, ensure};
use connector_registry::{Action, Catalog, ConnectorStore as _, HistoryEntry, Status, Uuid};
use connector_store::{KeyRing, KeySource, Store};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// Opens the store at `url` with the keys in a file.
///
/// # Errors
///
/// When it cannot be opened.
pub async fn open(url: &str, keys: &Path) -> Result<Store> {
    let keys = KeyRing::load(KeySource::File(keys.to_owned())).await?;
    Ok(Store::open(url, keys, Catalog::builtin()).await?)
}

/// A configuration of the connector `http-email` whose secret can be told from its endpoint.
#[must_use]
pub fn configuration(tenant: &str, number: u64) -> Value {
    json!({ "endpoint": format!("https://h{number}.example.com/send"), "authorization": secret(tenant, number) })
}

fn secret(tenant: &str, number: u64) -> String {
    format!("Bearer secret-of-{tenant}-{number}")
}

/// Reads everything on a tenant and holds it against its own history. Gives its revision.
///
/// # Errors
///
/// With what does not hold.
pub async fn check(store: &Store, tenant: &str) -> Result<u64> {
    let Some(Status { revision, active, kept }) = store.status(tenant).await? else { return Ok(0) };
    let history = history(store, tenant, revision).await?;
    let (should_be_active, should_be_kept) = replayed(&history);
    ensure!(active.as_ref().map(|saved| saved.id) == should_be_active, "the history activated {should_be_active:?}");
    let stored: BTreeSet<Uuid> = kept.iter().map(|saved| saved.id).chain(should_be_active).collect();
    ensure!(
        stored == should_be_kept,
        "{} configurations are stored, by the history {}",
        stored.len(),
        should_be_kept.len()
    );
    for id in stored {
        let record = store.configuration(tenant, id).await?.context("a configuration is gone")?;
        let endpoint = record.config["endpoint"].as_str().unwrap_or_default();
        let number = endpoint.trim_start_matches("https://h").split('.').next().unwrap_or_default().parse()?;
        ensure!(record.config == configuration(tenant, number), "configuration {id} is not what was saved");
    }
    let state = store.tenant(tenant).await?.context("the tenant is gone")?;
    ensure!(state.active.map(|record| record.saved) == active, "status and tenant disagree");
    Ok(revision)
}

/// The whole history, oldest first: an entry for every revision.
async fn history(store: &Store, tenant: &str, revision: u64) -> Result<Vec<HistoryEntry>> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = store.history(tenant, before, 500).await?;
        let Some(oldest) = page.last() else { break };
        before = Some(oldest.revision);
        all.extend(page);
    }
    all.reverse();
    let revisions: Vec<u64> = all.iter().map(|entry| entry.revision).collect();
    ensure!(
        revisions == (1..=revision).collect::<Vec<_>>(),
        "the history of revision {revision} has gaps: {revisions:?}"
    );
    Ok(all)
}

/// What is active and what is stored by the history.
fn replayed(history: &[HistoryEntry]) -> (Option<Uuid>, BTreeSet<Uuid>) {
    let (mut active, mut stored) = (None, BTreeSet::new());
    for HistoryEntry { entry, .. } in history {
        let Some(id) = entry.configuration else { continue };
        match entry.action {
            Action::Remove => {
                stored.remove(&id);
                active = active.filter(|active| *active != id);
            }
            Action::Save => {
                stored.insert(id);
            }
            Action::SetUp | Action::Change | Action::RollBack | Action::Promote => {
                stored.insert(id);
                active = Some(id);
            }
            _ => {}
        }
    }
    (active, stored)
}
