//! A change as the databases take it: its secrets sealed, its values encoded.

use connector_registry::{Change, Edit, Expects, SealedConfig, StoreError, Uuid};
use serde::Serialize;

use crate::rows::{millis, text};

/// A change whose secrets are sealed.
pub(crate) struct SealedChange {
    pub(crate) creates: bool,
    pub(crate) expects: Expects,
    pub(crate) edits: Vec<SealedEdit>,
    /// The master key that its secrets are sealed under, where it has any.
    pub(crate) sealed_under: Option<String>,
    pub(crate) at: i64,
    pub(crate) made_by: String,
    pub(crate) action: &'static str,
    pub(crate) configuration: Option<String>,
    pub(crate) connector: Option<String>,
    pub(crate) details: String,
}

/// One step of it.
#[derive(Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum SealedEdit {
    /// The secrets are sealed under this key, where there are any.
    Save {
        id: String,
        connector: String,
        config: String,
        secrets: String,
        destinations: String,
        sealed_under: Option<String>,
        saved_at: i64,
    },
    Activate {
        id: String,
    },
    Remove {
        id: String,
    },
    Tested {
        id: String,
    },
    SignIn {
        settings: String,
    },
    FallbackLanguage {
        language: Option<String>,
    },
    PutTemplate {
        language: String,
        usage_type: String,
        template: String,
    },
    RemoveTemplate {
        language: String,
        usage_type: String,
    },
}

impl SealedChange {
    /// `change` with the configurations in it sealed by `seal`, which names the key as well.
    pub(crate) fn new(
        change: &Change,
        key: &str,
        seal: impl Fn(Uuid, &str, &serde_json::Value) -> Result<SealedConfig, StoreError>,
    ) -> Result<Self, StoreError> {
        let Change { creates, expects, edits, entry, at } = change;
        let edits = edits.iter().map(|edit| SealedEdit::new(edit, key, &seal)).collect::<Result<Vec<_>, _>>()?;
        let is_sealed = edits.iter().any(|edit| matches!(edit, SealedEdit::Save { sealed_under: Some(_), .. }));
        Ok(Self {
            creates: *creates,
            expects: *expects,
            edits,
            sealed_under: is_sealed.then(|| key.to_owned()),
            at: millis(*at),
            made_by: encode(&entry.by)?,
            action: entry.action.as_str(),
            configuration: entry.configuration.map(|id| id.to_string()),
            connector: entry.connector.clone(),
            details: text(&entry.details),
        })
    }
}

impl SealedEdit {
    fn new(
        edit: &Edit,
        key: &str,
        seal: impl Fn(Uuid, &str, &serde_json::Value) -> Result<SealedConfig, StoreError>,
    ) -> Result<Self, StoreError> {
        Ok(match edit {
            Edit::Save(draft) => {
                let sealed = seal(draft.id, &draft.connector, &draft.config)?;
                Self::Save {
                    id: draft.id.to_string(),
                    connector: draft.connector.clone(),
                    config: text(&sealed.config),
                    secrets: encode(&sealed.secrets)?,
                    destinations: encode(&sealed.destinations)?,
                    sealed_under: (!sealed.secrets.is_empty()).then(|| key.to_owned()),
                    saved_at: millis(draft.saved_at),
                }
            }
            Edit::Activate(id) => Self::Activate { id: id.to_string() },
            Edit::Remove(id) => Self::Remove { id: id.to_string() },
            Edit::Tested(id) => Self::Tested { id: id.to_string() },
            Edit::SignIn(settings) => Self::SignIn { settings: encode(settings)? },
            Edit::FallbackLanguage(language) => Self::FallbackLanguage { language: language.clone() },
            Edit::PutTemplate(template) => Self::PutTemplate {
                language: template.language.clone(),
                usage_type: template.usage_type.as_str().to_owned(),
                template: encode(&template.template)?,
            },
            Edit::RemoveTemplate { language, usage_type } => {
                Self::RemoveTemplate { language: language.clone(), usage_type: usage_type.clone() }
            }
        })
    }
}

/// JSON as it is stored.
pub(crate) fn encode<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|cause| StoreError::Unusable(Box::new(cause)))
}
