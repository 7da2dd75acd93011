//! A tested configuration taken over from one tenant to another.

use serde_json::json;
use uuid::Uuid;

use super::{Registry, lifecycle::entry, moment};
use crate::{
    Action, Actor, Change, ConnectorStore, Draft, Edit, Error, Expects, FieldDifference, Saved, StoreError,
    difference::differences, tenant_name,
};

/// What a promotion would do, to be looked at before it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Promotion {
    /// The tenant whose active configuration is taken over.
    pub from: String,
    /// The tenant that gets it.
    pub to: String,
    /// What is taken over. [`Saved::tested_at`] says whether a message ever went through it in a test.
    pub promoted: Saved,
    /// What it replaces there.
    pub replaced: Option<Saved>,
    /// What differs. Where the connector is another one, every field is new.
    pub differences: Vec<FieldDifference>,
    /// The revision that `to` was at: what was looked at is what gets replaced.
    revision: u64,
}

impl Promotion {
    /// Whether `to` has the same configuration active already.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        use crate::Difference::Unchanged;
        let same_connector = self.replaced.as_ref().is_some_and(|saved| saved.connector == self.promoted.connector);
        same_connector && self.differences.iter().all(|field| field.difference == Unchanged)
    }
}

impl<S: ConnectorStore> Registry<S> {
    /// What [`Registry::promote`] would do. Changes nothing.
    ///
    /// # Errors
    /// [`Error::UnknownTenant`] and [`Error::NoActiveConnector`] of the tenant it is taken from; [`Error::InvalidTenant`],
    /// [`Error::UnknownConnector`], [`Error::Store`].
    pub async fn plan_promotion(&self, from: &str, to: &str) -> Result<Promotion, Error> {
        tenant_name(to)?;
        let active = self.tenant(from).await?.active;
        let active = active.ok_or_else(|| Error::NoActiveConnector { tenant: from.to_owned() })?;
        let there = self.stored(to).await?.unwrap_or_default();
        let factory = self.inner.catalog.get(&active.saved.connector)?;
        let same_connector = there.active.as_ref().filter(|record| record.saved.connector == active.saved.connector);
        Ok(Promotion {
            from: from.to_owned(),
            to: to.to_owned(),
            differences: differences(factory, same_connector.map(|record| &record.config), &active.config),
            promoted: active.saved,
            replaced: there.active.map(|record| record.saved),
            revision: there.revision,
        })
    }

    /// Activates in one tenant the configuration that was active in another when the promotion was planned. The one active
    /// there until then is kept.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] when either tenant has changed since: nothing was changed then.
    /// [`Error::InvalidConfig`], [`Error::UnknownConnector`], [`Error::Store`].
    pub async fn promote(&self, promotion: &Promotion, by: &Actor) -> Result<Saved, Error> {
        let Promotion { from, to, promoted, revision, .. } = promotion;
        let source = self.tenant(from).await?.active.filter(|record| record.saved.id == promoted.id);
        let source = source.ok_or_else(|| Error::ChangedMeanwhile { tenant: from.clone() })?;
        let connector = source.saved.connector;
        let built = self.build(&connector, &source.config)?;
        let (id, at) = (Uuid::new_v4(), moment());
        let details = json!({ "from": from, "configuration": promoted.id });
        let entry = entry(by, Action::Promote, Some((id, connector.clone())), details);
        let draft = Draft { id, connector: connector.clone(), config: source.config, saved_at: at };
        let edits = vec![Edit::Save(draft), Edit::Activate(id)];
        let change = Change { creates: true, expects: Expects::Revision(*revision), edits, entry, at };
        let revision = self.commit(to, change, Some((id, built))).await.map_err(|cause| match cause {
            StoreError::Outdated { .. } => Error::ChangedMeanwhile { tenant: to.clone() },
            other => Error::of_store(to, other),
        })?;
        Ok(Saved { id, connector, saved_at: at, activated_at: Some(at), tested_at: None, revision })
    }
}
