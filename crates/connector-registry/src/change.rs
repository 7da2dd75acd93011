//! A change to one tenant: what it expects, what it does, and what the history will say of it.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{Draft, LocalizedTemplate, SignInSettings};

/// How many characters of an actor's name or origin are kept.
const ACTOR_MAX: usize = 256;

/// Who makes a change, and from where: recorded with it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// Who: an account's name, as the host knows it.
    pub who: String,
    /// From where: a host name, a client's address, a command.
    pub origin: String,
}

impl Actor {
    /// `who`, from `origin`, each cut after 256 characters.
    #[must_use]
    pub fn new(who: impl Into<String>, origin: impl Into<String>) -> Self {
        let cut = |text: String| text.chars().take(ACTOR_MAX).collect();
        Self { who: cut(who.into()), origin: cut(origin.into()) }
    }
}

/// One transaction on one tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Whether a tenant that does not exist comes into being by it.
    pub creates: bool,
    /// What must hold when it takes place.
    pub expects: Expects,
    /// What it does, in this order.
    pub edits: Vec<Edit>,
    /// What the history says of it.
    pub entry: Entry,
    /// When it takes place, in whole milliseconds.
    pub at: SystemTime,
}

/// What must hold when a change takes place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// Nothing.
    Anything,
    /// The tenant is at this revision; 0: it does not exist. What was decided by looking at it still holds.
    Revision(u64),
    /// No configuration is active.
    NoneActive,
    /// One is.
    OneActive,
    /// This one is: what was taken from it is still what the tenant uses.
    Active(Uuid),
}

/// One step of a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Edit {
    /// Stores a configuration, not active.
    Save(Draft),
    /// Activates a stored configuration, in place of the active one, which is kept. One that is active already stays
    /// as it is.
    Activate(Uuid),
    /// Deletes a configuration, secrets and all. If it is the active one, none is active after that.
    Remove(Uuid),
    /// Notes that a message went through it in a test.
    Tested(Uuid),
    /// Sets what sign-in relies on.
    SignIn(Box<SignInSettings>),
    /// Sets the language of templates where there is none in the message's.
    FallbackLanguage(Option<String>),
    /// Adds a template, or replaces the one of its language and usage type.
    PutTemplate(LocalizedTemplate),
    /// Deletes a template.
    RemoveTemplate {
        /// Its language tag.
        language: String,
        /// Its usage type, as on the wire.
        usage_type: String,
    },
}

/// What the history says of a change. Never a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Who, and from where.
    pub by: Actor,
    /// What.
    pub action: Action,
    /// The configuration concerned.
    pub configuration: Option<Uuid>,
    /// Its connector's id.
    pub connector: Option<String>,
    /// More of it, by kind of action.
    pub details: Value,
}

/// One entry of a tenant's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// The tenant's revision that the change made.
    pub revision: u64,
    /// When.
    pub at: SystemTime,
    /// The rest.
    pub entry: Entry,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The first configuration, activated.
    SetUp,
    /// Another configuration, activated in its place.
    Change,
    /// A configuration stored without being activated.
    Save,
    /// An earlier configuration activated again.
    RollBack,
    /// A configuration deleted.
    Remove,
    /// A test through a stored configuration.
    Test,
    /// A configuration taken over from another tenant.
    Promote,
    /// An export read in.
    Import,
    /// What sign-in relies on.
    SignIn,
    /// A template put.
    PutTemplate,
    /// A template removed.
    RemoveTemplate,
    /// The fallback language of templates.
    FallbackLanguage,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 12] = [
        Self::SetUp,
        Self::Change,
        Self::Save,
        Self::RollBack,
        Self::Remove,
        Self::Test,
        Self::Promote,
        Self::Import,
        Self::SignIn,
        Self::PutTemplate,
        Self::RemoveTemplate,
        Self::FallbackLanguage,
    ];

    /// Its name, as stores and outputs have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetUp => "set_up",
            Self::Change => "change",
            Self::Save => "save",
            Self::RollBack => "roll_back",
            Self::Remove => "remove",
            Self::Test => "test",
            Self::Promote => "promote",
            Self::Import => "import",
            Self::SignIn => "sign_in",
            Self::PutTemplate => "put_template",
            Self::RemoveTemplate => "remove_template",
            Self::FallbackLanguage => "fallback_language",
        }
    }

    /// The action of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == name)
    }
}
