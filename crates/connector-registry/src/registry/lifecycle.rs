//! A configuration's life: proposed, tested, activated, changed away from, rolled back to, removed.

use connector_kit::{ConnectorFactory, Message, Receipt, SendContext};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Registry, TURNS, moment, send_with};
use crate::{
    Action, Actor, Change, ConnectorStore, Dependent, Draft, Edit, Entry, Error, Expects, Record, Saved, Status,
    StoreError, active::Built, templates::Templates, tenant_name,
};

/// A configuration that is to be stored.
#[derive(Clone)]
pub struct Proposal {
    connector: String,
    config: Value,
    test: Option<Message>,
}

impl Proposal {
    /// A configuration for the connector with this id. Where a secret in it is masked (`******`), the active
    /// configuration's is meant.
    #[must_use]
    pub fn new(connector: impl Into<String>, config: Value) -> Self {
        Self { connector: connector.into(), config, test: None }
    }

    /// Has `message` sent through it first, on the same path as any other message. Unless it is accepted, nothing is
    /// stored.
    #[must_use]
    pub fn tested_with(mut self, message: Message) -> Self {
        self.test = Some(message);
        self
    }
}

/// What a message is to be tested through.
#[derive(Clone)]
pub enum Candidate {
    /// The active configuration.
    Active,
    /// A stored configuration.
    Stored(Uuid),
    /// One that is not stored.
    Proposed {
        /// The connector's id.
        connector: String,
        /// Its configuration; masked secrets mean those of the active one.
        config: Value,
    },
}

/// A configuration that was stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Activated {
    /// What was stored.
    pub saved: Saved,
    /// What came of the test, where one was asked for.
    pub test: Option<Receipt>,
}

/// A configuration that was removed.
#[derive(Debug, Clone, PartialEq)]
pub struct Removed {
    /// What it was.
    pub saved: Saved,
    /// Whether it was the active one, so that none is active after it.
    pub was_active: bool,
    /// What stopped working with it.
    pub broke: Vec<Dependent>,
}

/// A configuration that can be stored, and its connector.
struct Prepared {
    config: Value,
    built: Built,
    /// The configuration that its masked secrets were taken from, where it had any.
    secrets_of: Option<Saved>,
}

impl<S: ConnectorStore> Registry<S> {
    /// Stores the tenant's first configuration and activates it.
    ///
    /// # Errors
    /// [`Error::AlreadyActive`] when the tenant has an active one: [`Registry::change`] replaces it.
    /// [`Error::UnknownConnector`], [`Error::InvalidConfig`] and [`Error::Send`] (of the test) before anything is stored;
    /// [`Error::InvalidTenant`], [`Error::Store`].
    pub async fn set_up(&self, tenant: &str, proposal: Proposal, by: &Actor) -> Result<Activated, Error> {
        self.store_proposal(tenant, proposal, Action::SetUp, by).await
    }

    /// Stores a configuration and activates it in place of the active one, which is kept.
    ///
    /// # Errors
    /// [`Error::NoActiveConnector`] when the tenant has none: [`Registry::set_up`] makes the first.
    /// [`Error::ChangedMeanwhile`] when masked secrets were taken from a configuration that is active no longer: one of
    /// them may have been replaced because it leaked. Otherwise as there.
    pub async fn change(&self, tenant: &str, proposal: Proposal, by: &Actor) -> Result<Activated, Error> {
        self.store_proposal(tenant, proposal, Action::Change, by).await
    }

    /// Stores a configuration without activating it; [`Registry::roll_back`] to its id does.
    ///
    /// # Errors
    /// As of [`Registry::change`], but for what is active.
    pub async fn save(&self, tenant: &str, proposal: Proposal, by: &Actor) -> Result<Activated, Error> {
        self.store_proposal(tenant, proposal, Action::Save, by).await
    }

    async fn store_proposal(
        &self,
        tenant: &str,
        proposal: Proposal,
        action: Action,
        by: &Actor,
    ) -> Result<Activated, Error> {
        tenant_name(tenant)?;
        let expects = match action {
            Action::SetUp => Expects::NoneActive,
            Action::Change => Expects::OneActive,
            _ => Expects::Anything,
        };
        let Proposal { connector, config, test } = proposal;
        let Prepared { config, built, secrets_of } = self.prepare(tenant, &connector, config).await?;
        let expects = match secrets_of {
            None => expects,
            Some(Saved { id, connector, .. }) if expects == Expects::NoneActive => {
                return Err(Error::AlreadyActive { tenant: tenant.to_owned(), id, connector });
            }
            // Until it is stored, somebody may replace a secret that must not come back.
            Some(saved) => Expects::Active(saved.id),
        };
        let receipt = match &test {
            Some(message) => {
                // Whoever is refused anyway is refused before a message goes out.
                self.check(tenant, expects).await?;
                Some(self.send_through(tenant, &built, message).await?)
            }
            None => None,
        };
        let (id, at) = (Uuid::new_v4(), moment());
        let draft = Draft { id, connector: connector.clone(), config, saved_at: at };
        let (tested, activated) = (receipt.is_some(), action != Action::Save);
        let edits =
            [Some(Edit::Save(draft)), tested.then_some(Edit::Tested(id)), activated.then_some(Edit::Activate(id))];
        let edits = edits.into_iter().flatten().collect();
        let entry = entry(by, action, Some((id, connector.clone())), json!({}));
        let change = Change { creates: action != Action::Change, expects, edits, entry, at };
        let revision = self.commit(tenant, change, Some((id, built))).await.map_err(|cause| match cause {
            StoreError::Outdated { .. } => Error::ChangedMeanwhile { tenant: tenant.to_owned() },
            other => Error::of_store(tenant, other),
        })?;
        let (activated_at, tested_at) = (activated.then_some(at), tested.then_some(at));
        let revision = if activated { revision } else { 0 };
        let saved = Saved { id, connector, saved_at: at, activated_at, tested_at, revision };
        Ok(Activated { saved, test: receipt })
    }

    /// Activates a kept configuration: the one with this `id`, or the one that was active last. The one active until
    /// then is kept, so a second rollback undoes the first.
    ///
    /// # Errors
    /// [`Error::UnknownConfiguration`], or [`Error::NothingToRollBackTo`] when no earlier one is kept;
    /// [`Error::UnknownTenant`]. [`Error::UnknownConnector`] and [`Error::InvalidConfig`] when this version cannot use
    /// the configuration; what is active then stays so. [`Error::Contended`], [`Error::Store`].
    pub async fn roll_back(&self, tenant: &str, id: Option<Uuid>, by: &Actor) -> Result<Saved, Error> {
        for _ in 0..TURNS {
            let Status { revision, active, kept } = self.existing(tenant).await?;
            let target = match id {
                None => kept
                    .into_iter()
                    .find(|saved| saved.activated_at.is_some())
                    .ok_or_else(|| Error::NothingToRollBackTo { tenant: tenant.to_owned() })?,
                // What is active stays so: doing it twice does no harm.
                Some(id) if active.as_ref().is_some_and(|active| active.id == id) => {
                    return active.ok_or_else(|| unknown(tenant, id));
                }
                Some(id) => kept.into_iter().find(|saved| saved.id == id).ok_or_else(|| unknown(tenant, id))?,
            };
            let built = self.build_stored(tenant, &self.configuration(tenant, target.id).await?)?;
            let entry = entry(by, Action::RollBack, Some((target.id, target.connector.clone())), json!({}));
            let (edits, at) = (vec![Edit::Activate(target.id)], moment());
            let change = Change { creates: false, expects: Expects::Revision(revision), edits, entry, at };
            match self.commit(tenant, change, Some((target.id, built))).await {
                Err(StoreError::Outdated { .. }) => {}
                Err(cause) => return Err(Error::of_store(tenant, cause)),
                Ok(revision) => return Ok(Saved { activated_at: Some(at), revision, ..target }),
            }
        }
        Err(Error::Contended { tenant: tenant.to_owned() })
    }

    /// Deletes a configuration, secrets and all: the one with this `id`, or the active one, after which the tenant cannot
    /// send until one is set up or rolled back to.
    ///
    /// # Errors
    /// [`Error::ReliedOn`] with what would break, unless it is `forced`. [`Error::UnknownConfiguration`],
    /// [`Error::NoActiveConnector`], [`Error::UnknownTenant`], [`Error::Contended`], [`Error::Store`].
    pub async fn remove(&self, tenant: &str, id: Option<Uuid>, forced: bool, by: &Actor) -> Result<Removed, Error> {
        for _ in 0..TURNS {
            let Status { revision, active, kept } = self.existing(tenant).await?;
            let active_id = active.as_ref().map(|active| active.id);
            let saved = match id {
                None => active.ok_or_else(|| Error::NoActiveConnector { tenant: tenant.to_owned() })?,
                Some(id) => {
                    let mut stored = active.into_iter().chain(kept);
                    stored.find(|saved| saved.id == id).ok_or_else(|| unknown(tenant, id))?
                }
            };
            let was_active = active_id == Some(saved.id);
            let broke = if was_active { self.settings(tenant).await?.sign_in.relies_on_email() } else { Vec::new() };
            if !broke.is_empty() && !forced {
                return Err(Error::ReliedOn { tenant: tenant.to_owned(), dependents: broke });
            }
            let details = json!({ "wasActive": was_active, "broke": broke });
            let entry = entry(by, Action::Remove, Some((saved.id, saved.connector.clone())), details);
            let edits = vec![Edit::Remove(saved.id)];
            // Whoever makes sign-in rely on email meanwhile raises the revision.
            let change = Change { creates: false, expects: Expects::Revision(revision), edits, entry, at: moment() };
            match self.commit(tenant, change, None).await {
                Err(StoreError::Outdated { .. }) => {}
                Err(cause) => return Err(Error::of_store(tenant, cause)),
                Ok(_) => return Ok(Removed { saved, was_active, broke }),
            }
        }
        Err(Error::Contended { tenant: tenant.to_owned() })
    }

    /// Sends `message` through a configuration that need not be active, on the same path as any other message. What came
    /// of it is noted in the history of a tenant that exists.
    ///
    /// # Errors
    /// [`Error::Send`] with the connector's error; [`Error::UnknownConfiguration`], [`Error::NoActiveConnector`],
    /// [`Error::UnknownConnector`], [`Error::InvalidConfig`], [`Error::Store`].
    pub async fn test(
        &self,
        tenant: &str,
        candidate: Candidate,
        message: &Message,
        by: &Actor,
    ) -> Result<Receipt, Error> {
        let (id, connector, built) = match candidate {
            Candidate::Proposed { connector, config } => {
                let Prepared { built, .. } = self.prepare(tenant, &connector, config).await?;
                (None, connector, built)
            }
            Candidate::Stored(id) => {
                let record = self.configuration(tenant, id).await?;
                let built = self.build_stored(tenant, &record)?;
                (Some(id), record.saved.connector, built)
            }
            Candidate::Active => {
                let state = self.stored(tenant).await?;
                let record = state.and_then(|state| state.active);
                let record = record.ok_or_else(|| Error::NoActiveConnector { tenant: tenant.to_owned() })?;
                let built = self.build_stored(tenant, &record)?;
                (Some(record.saved.id), record.saved.connector, built)
            }
        };
        let outcome = self.send_through(tenant, &built, message).await;
        let details = json!({
            "usageType": message.usage_type,
            "locale": message.payload.get("locale"),
            "outcome": match &outcome {
                Ok(_) => "sent",
                Err(Error::Send(error)) => error.kind().name(),
                Err(_) => "failed",
            },
        });
        let entry = Entry { configuration: id, connector: Some(connector), ..entry(by, Action::Test, None, details) };
        let edits = id.filter(|_| outcome.is_ok()).map(Edit::Tested).into_iter().collect();
        let change = Change { creates: false, expects: Expects::Anything, edits, entry, at: moment() };
        match self.commit(tenant, change, None).await {
            Ok(_) | Err(StoreError::UnknownTenant) => {}
            // The message has gone out, or has not: that is what the caller must hear of.
            Err(cause) => tracing::warn!(tenant, %cause, "the test could not be noted in the history"),
        }
        outcome
    }

    async fn send_through(&self, tenant: &str, built: &Built, message: &Message) -> Result<Receipt, Error> {
        let settings = self.stored_settings(tenant).await?;
        let templates = settings.as_ref().map(Templates::of).unwrap_or_default();
        Ok(send_with(built, &templates, message, &SendContext::new()).await?)
    }

    /// The configuration that is meant, and its connector.
    async fn prepare(&self, tenant: &str, connector: &str, config: Value) -> Result<Prepared, Error> {
        let factory = self.inner.catalog.get(connector)?;
        let (config, secrets_of) = if factory.masked_pointers(&config).is_empty() {
            (config, None)
        } else {
            let active = self.stored(tenant).await?.and_then(|state| state.active);
            (self.with_secrets_of(active.as_ref(), connector, config)?, active.map(|record| record.saved))
        };
        let built = self.build(connector, &config).map_err(|refused| match refused {
            Error::InvalidConfig(error) => Error::InvalidConfig(match self.meant_for(connector, &config) {
                Some(other) => {
                    error.with_hint(format!("it is a valid configuration of `{other}`: is that what is meant?"))
                }
                None => error,
            }),
            other => other,
        })?;
        Ok(Prepared { config, built, secrets_of })
    }

    /// Another connector that a configuration fits, without a field that it does not know.
    fn meant_for(&self, connector: &str, config: &Value) -> Option<&'static str> {
        let fits = |factory: &&ConnectorFactory| {
            let report = factory.validate(config);
            factory.id() != connector && report.is_valid() && report.warnings.is_empty()
        };
        self.inner.catalog.iter().find(fits).map(ConnectorFactory::id)
    }

    /// `config` with the secrets of the active configuration where they are masked, provided that they would be sent to
    /// where they are sent.
    pub(super) fn with_secrets_of(
        &self,
        active: Option<&Record>,
        connector: &str,
        config: Value,
    ) -> Result<Value, Error> {
        let of_same = active.filter(|record| record.saved.connector == connector).map(|record| &record.config);
        self.inner.catalog.get(connector)?.with_kept_secrets(config, of_same).map_err(Error::InvalidConfig)
    }

    async fn check(&self, tenant: &str, expects: Expects) -> Result<(), Error> {
        let Status { active, .. } = self.status(tenant).await?;
        let tenant = tenant.to_owned();
        match (expects, active) {
            (Expects::NoneActive, Some(Saved { id, connector, .. })) => {
                Err(Error::AlreadyActive { tenant, id, connector })
            }
            (Expects::OneActive, None) => Err(Error::NoActiveConnector { tenant }),
            (Expects::Active(id), active) if active.as_ref().map(|active| active.id) != Some(id) => {
                Err(Error::ChangedMeanwhile { tenant })
            }
            _ => Ok(()),
        }
    }

    pub(super) async fn existing(&self, tenant: &str) -> Result<Status, Error> {
        let status = self.stored_status(tenant).await?;
        status.ok_or_else(|| Error::UnknownTenant { tenant: tenant.to_owned() })
    }

    /// One configuration with its content, active or kept.
    ///
    /// # Errors
    /// [`Error::UnknownConfiguration`], [`Error::Store`].
    pub async fn configuration(&self, tenant: &str, id: Uuid) -> Result<Record, Error> {
        let record =
            self.inner.store.configuration(tenant, id).await.map_err(|cause| Error::of_store(tenant, cause))?;
        record.ok_or_else(|| unknown(tenant, id))
    }
}

/// What the history says of a change to a configuration, or to none.
pub(super) fn entry(by: &Actor, action: Action, of: Option<(Uuid, String)>, details: Value) -> Entry {
    let (configuration, connector) = of.unzip();
    Entry { by: by.clone(), action, configuration, connector, details }
}

fn unknown(tenant: &str, id: Uuid) -> Error {
    Error::UnknownConfiguration { tenant: tenant.to_owned(), id }
}
