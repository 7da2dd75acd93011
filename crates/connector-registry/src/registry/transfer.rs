//! Export and import: what tenants have set up, as JSON, with secrets sealed or left out.

use std::{
    collections::{
        BTreeMap, HashSet,
        btree_map::Entry::{Occupied, Vacant},
    },
    sync::Arc,
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Registry, TURNS, moment};
use crate::{
    Action, Actor, Change, ConnectorStore, Draft, Edit, Entry, Error, Expects, LanguageTag, LocalizedTemplate, Saved,
    SealedConfig, SignInSettings, Status, StoreError, TenantSettings, TenantState, active::Built, template_set,
    tenant_name,
};

/// The version of the format.
const FORMAT: u32 = 1;
/// How many tenants' connectors an import keeps until they are active: others are built again when they are used, so that
/// a large import takes little memory.
const KEPT_CONNECTORS: usize = 100;

/// What becomes of secrets in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportedSecrets {
    /// They are left out: `******` stands in their place. What is imported needs them again, unless the tenant's active
    /// configuration has them.
    Omitted,
    /// They stay sealed: only a store with the same key can read them, for the same tenant, and only while nobody has
    /// edited where they are sent.
    Sealed,
}

/// What tenants have set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The version of the format: 1.
    pub format: u32,
    /// The tenants.
    pub tenants: Vec<TenantExport>,
}

/// What one tenant has set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantExport {
    /// Its name.
    pub tenant: String,
    /// The id of the active configuration. Read in without one, whatever is active stays so.
    #[serde(default)]
    pub active: Option<Uuid>,
    /// All configurations.
    #[serde(default)]
    pub configurations: Vec<ConfigurationExport>,
    /// What sign-in relies on.
    #[serde(default)]
    pub sign_in: SignInSettings,
    /// The language of templates where there is none in the message's.
    #[serde(default)]
    pub fallback_language: Option<String>,
    /// The tenant's own templates.
    #[serde(default)]
    pub templates: Vec<LocalizedTemplate>,
}

/// One configuration.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationExport {
    /// Its id.
    pub id: Uuid,
    /// The connector's id.
    pub connector: String,
    /// When it was handed in.
    #[serde(with = "crate::timestamp")]
    pub saved_at: SystemTime,
    /// The configuration; where a secret was, `******` or, when it is sealed, `null`.
    pub config: Value,
    /// Each sealed secret by its JSON pointer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// JSON pointers to the fields that decide where sealed secrets are sent: with another value in one of them, the
    /// secrets cannot be opened.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<String>,
}

/// Shows everything but the configuration.
impl std::fmt::Debug for ConfigurationExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigurationExport")
            .field("id", &self.id)
            .field("connector", &self.connector)
            .finish_non_exhaustive()
    }
}

/// What an import did to one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// Its name.
    pub tenant: String,
    /// The configurations that it did not have.
    pub saved: Vec<Uuid>,
    /// Those it had already, which stay as they are.
    pub kept: Vec<Uuid>,
    /// The configuration that is active after it.
    pub active: Option<Uuid>,
    /// How many templates were put.
    pub templates: usize,
    /// How many were removed, as the export does not have them.
    pub templates_removed: usize,
}

/// An import that was checked and can be done.
struct Plan {
    change: Change,
    built: Option<(Uuid, Built)>,
    imported: Imported,
}

impl<S: ConnectorStore> Registry<S> {
    /// What `tenants` have set up, each as it is at one moment.
    ///
    /// # Errors
    /// [`Error::UnknownTenant`]; [`Error::StoreUnusable`] where a store without a key is to seal; [`Error::UnknownConnector`]
    /// of a configuration whose secrets this version does not know; [`Error::Contended`], [`Error::Store`].
    pub async fn export(&self, tenants: &[String], secrets: ExportedSecrets) -> Result<Export, Error> {
        let mut exported = Vec::new();
        for tenant in tenants {
            exported.push(self.export_tenant(tenant, secrets).await?);
        }
        Ok(Export { format: FORMAT, tenants: exported })
    }

    /// It takes several reads: what was changed between them is read again, as parts of both would not go together.
    async fn export_tenant(&self, tenant: &str, secrets: ExportedSecrets) -> Result<TenantExport, Error> {
        for _ in 0..TURNS {
            let status = self.existing(tenant).await?;
            let revision = status.revision;
            let exported = self.export_as_of(tenant, status, secrets).await;
            if self.existing(tenant).await?.revision == revision {
                return exported;
            }
        }
        Err(Error::Contended { tenant: tenant.to_owned() })
    }

    async fn export_as_of(
        &self,
        tenant: &str,
        Status { active, kept, .. }: Status,
        secrets: ExportedSecrets,
    ) -> Result<TenantExport, Error> {
        let TenantState { active: record, settings, .. } = self.tenant(tenant).await?;
        let TenantSettings { sign_in, fallback_language, templates } = settings;
        let active_id = active.as_ref().map(|saved| saved.id);
        let mut configurations = Vec::new();
        for Saved { id, .. } in active.into_iter().chain(kept) {
            let record = match &record {
                Some(record) if record.saved.id == id => record.clone(),
                _ => self.configuration(tenant, id).await?,
            };
            let Saved { connector, saved_at, .. } = record.saved;
            let SealedConfig { config, secrets, destinations } = match secrets {
                ExportedSecrets::Omitted => {
                    let config = self.inner.catalog.get(&connector)?.masked(&record.config);
                    SealedConfig { config, secrets: BTreeMap::new(), destinations: Vec::new() }
                }
                ExportedSecrets::Sealed => {
                    let sealed = self.inner.store.seal(tenant, id, &connector, &record.config).await;
                    sealed.map_err(|cause| Error::of_store(tenant, cause))?
                }
            };
            configurations.push(ConfigurationExport { id, connector, saved_at, config, secrets, destinations });
        }
        let (tenant, active) = (tenant.to_owned(), active_id);
        Ok(TenantExport { tenant, active, configurations, sign_in, fallback_language, templates })
    }

    /// Reads an export in. Everything is checked before anything is changed; each tenant is then one transaction.
    /// Configurations that a tenant has already stay as they are; its templates, fallback language and sign-in settings
    /// become those of the export, and so does the active configuration, where the export names one: nobody stops
    /// sending by an import.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], [`Error::DuplicateTenant`]. [`Error::Import`] with the tenant, the configuration and what
    /// is wrong with it. [`Error::InvalidTemplate`], also for two templates of one usage type and language, however the
    /// language is spelled; [`Error::TooManyTemplates`]. [`Error::ChangedMeanwhile`], [`Error::Store`];
    /// [`Error::PartlyImported`] when that happens to a tenant after others were imported.
    pub async fn import(&self, export: Export, by: &Actor) -> Result<Vec<Imported>, Error> {
        if export.format != FORMAT {
            return Err(Error::UnknownFormat { format: export.format });
        }
        let mut names = HashSet::new();
        if let Some(twice) = export.tenants.iter().find(|tenant| !names.insert(&tenant.tenant)) {
            return Err(Error::DuplicateTenant { tenant: twice.tenant.clone() });
        }
        let mut plans = Vec::new();
        for tenant in export.tenants {
            let mut plan = self.plan_import(tenant, by).await?;
            plan.built = plan.built.filter(|_| plans.len() < KEPT_CONNECTORS);
            plans.push(plan);
        }
        let mut imported = Vec::new();
        let mut plans = plans.into_iter();
        while let Some(Plan { change, built, imported: of_tenant }) = plans.next() {
            let tenant = of_tenant.tenant.clone();
            match (self.commit(&tenant, change, built).await, imported.is_empty()) {
                (Ok(_), _) => imported.push(of_tenant),
                (Err(StoreError::Outdated { .. }), true) => return Err(Error::ChangedMeanwhile { tenant }),
                (Err(cause), true) => return Err(Error::of_store(&tenant, cause)),
                (Err(cause), false) => {
                    let left = plans.map(|plan| plan.imported.tenant).collect();
                    return Err(Error::PartlyImported { imported, tenant, left, cause: Arc::new(cause) });
                }
            }
        }
        Ok(imported)
    }

    async fn plan_import(&self, export: TenantExport, by: &Actor) -> Result<Plan, Error> {
        let TenantExport { tenant, active, configurations, sign_in, fallback_language, templates } = export;
        tenant_name(&tenant)?;
        let mut put = BTreeMap::new();
        for template in templates {
            template_set::check(&tenant, &template)?;
            let language = LanguageTag::parse(&template.language)?.to_string();
            match put.entry((language, template.usage_type.to_string())) {
                Vacant(place) => {
                    place.insert(template);
                }
                Occupied(other) => return Err(template_set::second(&tenant, &other.get().language, &template)),
            }
        }
        template_set::check_all(&tenant, put.iter().map(|((language, _), template)| (language.as_str(), template)))?;
        let state = self.stored(&tenant).await?.unwrap_or_default();
        let Status { active: active_saved, kept, .. } = self.status(&tenant).await?;
        let mut known: HashSet<Uuid> = active_saved.iter().chain(&kept).map(|saved| saved.id).collect();
        let mut imported = Imported {
            tenant: tenant.clone(),
            saved: Vec::new(),
            kept: Vec::new(),
            active: active.or(state.active.as_ref().map(|record| record.saved.id)),
            templates: put.len(),
            templates_removed: 0,
        };
        let of_configuration = |id, cause| Error::Import { tenant: tenant.clone(), id, cause: Box::new(cause) };
        let (mut edits, mut built) = (Vec::new(), None);
        for configuration in configurations {
            let id = configuration.id;
            if !known.insert(id) {
                imported.kept.push(id);
                continue;
            }
            let (draft, connector) =
                self.read_in(&tenant, &state, configuration).map_err(|cause| of_configuration(id, cause))?;
            edits.push(Edit::Save(draft));
            imported.saved.push(id);
            if active == Some(id) {
                built = Some((id, connector));
            }
        }
        if let Some(id) = active {
            if !known.contains(&id) {
                return Err(Error::UnknownConfiguration { tenant, id });
            }
            // One that was kept until now may be of another version, or sealed under a key that is gone.
            if built.is_none() && active_saved.is_none_or(|saved| saved.id != id) {
                let stored = self.configuration(&tenant, id).await;
                let connector = stored.and_then(|record| self.build_stored(&tenant, &record));
                built = Some((id, connector.map_err(|cause| of_configuration(id, cause))?));
            }
            edits.push(Edit::Activate(id));
        }
        let sign_in = sign_in.completed();
        let dependents = sign_in.needs_connector();
        if !dependents.is_empty() && imported.active.is_none() {
            return Err(Error::NeedsConnector { tenant, dependents });
        }
        edits.push(Edit::SignIn(Box::new(sign_in)));
        let fallback_language = fallback_language.as_deref().map(LanguageTag::parse).transpose()?;
        edits.push(Edit::FallbackLanguage(fallback_language.map(|language| language.to_string())));
        for LocalizedTemplate { language, usage_type, .. } in state.settings.templates {
            let key = (language, usage_type.to_string());
            if !put.contains_key(&key) {
                let (language, usage_type) = key;
                edits.push(Edit::RemoveTemplate { language, usage_type });
                imported.templates_removed += 1;
            }
        }
        let put = put.into_iter().map(|((language, _), template)| LocalizedTemplate { language, ..template });
        edits.extend(put.map(Edit::PutTemplate));
        let Imported { saved, templates, templates_removed, .. } = &imported;
        let details = json!({ "saved": saved, "templates": templates, "templatesRemoved": templates_removed });
        let entry = Entry { by: by.clone(), action: Action::Import, configuration: active, connector: None, details };
        let expects = Expects::Revision(state.revision);
        Ok(Plan { change: Change { creates: true, expects, edits, entry, at: moment() }, built, imported })
    }

    /// One configuration with its secrets, and its connector.
    fn read_in(
        &self,
        tenant: &str,
        state: &TenantState,
        configuration: ConfigurationExport,
    ) -> Result<(Draft, Built), Error> {
        let ConfigurationExport { id, connector, saved_at, config, secrets, destinations } = configuration;
        let config = if secrets.is_empty() {
            self.with_secrets_of(state.active.as_ref(), &connector, config)?
        } else {
            let sealed = SealedConfig { config, secrets, destinations };
            let unsealed = self.inner.store.unseal(tenant, id, &connector, &sealed);
            unsealed.map_err(|cause| Error::of_store(tenant, cause))?
        };
        let built = self.build(&connector, &config)?;
        Ok((Draft { id, connector, config, saved_at }, built))
    }
}
