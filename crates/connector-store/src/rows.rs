//! What both databases answer with, and how it is read: JSON, so that one statement brings a whole tenant.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_registry::{
    Action, Entry, HistoryEntry, LocalizedTemplate, Saved, SealedConfig, SignInSettings, StoreError, TenantSettings,
    Uuid,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The sign-in settings in the row of a tenant that was never given any: the column's default. Those that were put have
/// all members.
const NEVER_SET: &str = "{}";

/// A tenant, its active configuration still sealed.
#[derive(Deserialize)]
pub(crate) struct StateRow {
    pub(crate) revision: u64,
    sign_in: String,
    fallback_language: Option<String>,
    pub(crate) active: Option<RecordRow>,
    templates: Vec<TemplateRow>,
}

#[derive(Deserialize)]
struct TemplateRow {
    language: String,
    usage_type: String,
    template: String,
}

#[derive(Deserialize)]
pub(crate) struct StatusRow {
    pub(crate) revision: u64,
    pub(crate) active: Option<SavedRow>,
    /// In the order that the registry wants.
    pub(crate) kept: Vec<SavedRow>,
}

#[derive(Deserialize)]
pub(crate) struct SavedRow {
    id: String,
    connector: String,
    saved_at: i64,
    activated_at: Option<i64>,
    tested_at: Option<i64>,
    revision: u64,
}

#[derive(Deserialize)]
pub(crate) struct RecordRow {
    #[serde(flatten)]
    pub(crate) saved: SavedRow,
    config: String,
    secrets: String,
    destinations: String,
}

#[derive(Deserialize)]
pub(crate) struct HistoryRow {
    revision: u64,
    at: i64,
    made_by: String,
    action: String,
    configuration: Option<String>,
    connector: Option<String>,
    details: String,
}

/// A configuration to be sealed again.
#[derive(Deserialize)]
pub(crate) struct SealedRow {
    pub(crate) tenant: String,
    pub(crate) id: String,
    pub(crate) connector: String,
    pub(crate) config: String,
    pub(crate) secrets: String,
    destinations: String,
}

/// What a configuration that was sealed again is stored as.
#[derive(Serialize)]
pub(crate) struct Resealed {
    pub(crate) tenant: String,
    pub(crate) id: String,
    pub(crate) config: String,
    pub(crate) secrets: String,
    pub(crate) destinations: String,
}

/// What the database knows of master keys: the current one first.
#[derive(Default)]
pub(crate) struct KeyRows(pub(crate) Vec<KeyRow>);

pub(crate) struct KeyRow {
    pub(crate) id: String,
    pub(crate) check_value: String,
}

/// Why a commit changed nothing.
#[derive(Debug, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub(crate) enum Refusal {
    UnknownTenant,
    Outdated {
        revision: u64,
    },
    AlreadyActive {
        id: String,
        connector: String,
    },
    NoneActive,
    UnknownConfiguration {
        id: String,
    },
    DuplicateConfiguration {
        id: String,
    },
    UnknownTemplate {
        language: String,
        usage_type: String,
    },
    /// What was written is sealed under another key than the current one.
    OtherKey {
        current: Option<String>,
    },
}

/// What came of a commit.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    State(StateRow),
    Refused(Refusal),
}

impl Refusal {
    pub(crate) fn into_error(self) -> StoreError {
        match self {
            Self::UnknownTenant => StoreError::UnknownTenant,
            Self::Outdated { revision } => StoreError::Outdated { revision },
            Self::AlreadyActive { id, connector } => match uuid(&id) {
                Ok(id) => StoreError::AlreadyActive { id, connector },
                Err(error) => error,
            },
            Self::NoneActive => StoreError::NoneActive,
            Self::UnknownConfiguration { id } => match uuid(&id) {
                Ok(id) => StoreError::UnknownConfiguration { id },
                Err(error) => error,
            },
            Self::DuplicateConfiguration { id } => StoreError::Unusable(
                format!("there is a configuration {id} already: give the new one an id of its own").into(),
            ),
            Self::UnknownTemplate { language, usage_type } => StoreError::UnknownTemplate { language, usage_type },
            Self::OtherKey { current } => StoreError::Unavailable(
                format!("the current master key is {} by now: try again", current.as_deref().unwrap_or("none")).into(),
            ),
        }
    }
}

impl StateRow {
    pub(crate) fn settings(&self) -> Result<TenantSettings, StoreError> {
        let mut templates = self.templates.iter().map(TemplateRow::read).collect::<Result<Vec<_>, _>>()?;
        templates.sort_by(|a, b| (&a.language, a.usage_type.as_str()).cmp(&(&b.language, b.usage_type.as_str())));
        let sign_in = match self.sign_in.as_str() {
            NEVER_SET => SignInSettings::default(),
            set => parse("sign-in settings", set)?,
        };
        Ok(TenantSettings { sign_in, fallback_language: self.fallback_language.clone(), templates })
    }
}

impl TemplateRow {
    fn read(&self) -> Result<LocalizedTemplate, StoreError> {
        let Self { language, usage_type, template } = self;
        Ok(LocalizedTemplate {
            language: language.clone(),
            usage_type: usage_type.as_str().into(),
            template: parse("a template", template)?,
        })
    }
}

impl SavedRow {
    pub(crate) fn read(self) -> Result<Saved, StoreError> {
        let Self { id, connector, saved_at, activated_at, tested_at, revision } = self;
        Ok(Saved {
            id: uuid(&id)?,
            connector,
            saved_at: time(saved_at),
            activated_at: activated_at.map(time),
            tested_at: tested_at.map(time),
            revision,
        })
    }
}

impl RecordRow {
    pub(crate) fn sealed(&self) -> Result<SealedConfig, StoreError> {
        sealed(&self.config, &self.secrets, &self.destinations)
    }
}

impl SealedRow {
    pub(crate) fn id(&self) -> Result<Uuid, StoreError> {
        uuid(&self.id)
    }

    pub(crate) fn sealed(&self) -> Result<SealedConfig, StoreError> {
        sealed(&self.config, &self.secrets, &self.destinations)
    }
}

impl HistoryRow {
    pub(crate) fn read(self) -> Result<HistoryEntry, StoreError> {
        let Self { revision, at, made_by, action, configuration, connector, details } = self;
        let action = Action::of_name(&action).ok_or_else(|| {
            let cause = format!(
                "the history has an action `{}` that this version does not know: use a newer version",
                action.escape_debug()
            );
            StoreError::Unusable(cause.into())
        })?;
        let entry = Entry {
            by: parse("an entry of the history", &made_by)?,
            action,
            configuration: configuration.as_deref().map(uuid).transpose()?,
            connector,
            details: parse("an entry of the history", &details)?,
        };
        Ok(HistoryEntry { revision, at: time(at), entry })
    }
}

fn sealed(config: &str, secrets: &str, destinations: &str) -> Result<SealedConfig, StoreError> {
    let what = "a configuration";
    let (config, secrets) = (parse(what, config)?, parse(what, secrets)?);
    Ok(SealedConfig { config, secrets, destinations: parse(what, destinations)? })
}

fn uuid(text: &str) -> Result<Uuid, StoreError> {
    Uuid::parse_str(text).map_err(|_| damaged("the id of a configuration"))
}

/// Reads JSON that was written here. Its content reaches no error.
pub(crate) fn parse<T: DeserializeOwned>(what: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| damaged(what))
}

/// Reads what a statement of ours answers with.
pub(crate) fn answer<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    parse("an answer", text)
}

fn damaged(what: &str) -> StoreError {
    StoreError::Unusable(format!("the database holds {what} that cannot be read: restore it from a copy").into())
}

/// A moment as it is stored: milliseconds since 1970.
pub(crate) fn millis(at: SystemTime) -> i64 {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |millis| -millis),
    }
}

/// The moment that was stored.
pub(crate) fn time(millis: i64) -> SystemTime {
    let distance = Duration::from_millis(millis.unsigned_abs());
    let moment = if millis < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    moment.unwrap_or(UNIX_EPOCH)
}

/// JSON as it is stored.
pub(crate) fn text(value: &Value) -> String {
    value.to_string()
}
