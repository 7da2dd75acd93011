//! What an email is for.

use std::{borrow::Cow, convert::Infallible, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How much of an unknown type's name is compared and shown, in characters.
const SHOWN: usize = 64;

/// What an email is for. Templates are chosen by it, and it goes on the wire as `type`.
///
/// Logto adds types from time to time, so an unknown one is kept as [`UsageType::Other`] and falls back to `Generic`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UsageType {
    /// Signing in with a code.
    SignIn,
    /// Creating an account.
    Register,
    /// Resetting a password.
    ForgotPassword,
    /// Inviting a member into an organization.
    OrganizationInvitation,
    /// Anything without a template of its own.
    Generic,
    /// Confirming a risky operation.
    UserPermissionValidation,
    /// Linking a new address to an account.
    BindNewIdentifier,
    /// Second factor at sign-in.
    MfaVerification,
    /// Setting up a second factor.
    BindMfa,
    /// A type this version does not know.
    Other(Arc<str>),
}

impl UsageType {
    /// Every type this version knows.
    pub const KNOWN: [Self; 9] = [
        Self::SignIn,
        Self::Register,
        Self::ForgotPassword,
        Self::OrganizationInvitation,
        Self::Generic,
        Self::UserPermissionValidation,
        Self::BindNewIdentifier,
        Self::MfaVerification,
        Self::BindMfa,
    ];

    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::SignIn => "SignIn",
            Self::Register => "Register",
            Self::ForgotPassword => "ForgotPassword",
            Self::OrganizationInvitation => "OrganizationInvitation",
            Self::Generic => "Generic",
            Self::UserPermissionValidation => "UserPermissionValidation",
            Self::BindNewIdentifier => "BindNewIdentifier",
            Self::MfaVerification => "MfaVerification",
            Self::BindMfa => "BindMfa",
            Self::Other(name) => name,
        }
    }

    /// The known type that a type unknown to this version most looks like: `SignIn` for `signin`, `sign-in` or `Signln`.
    #[must_use]
    pub fn nearest_known(&self) -> Option<Self> {
        let Self::Other(name) = self else { return None };
        let name = comparable(name)?;
        let known = Self::KNOWN.into_iter().filter_map(|known| Some((comparable(known.as_str())?, known)));
        let distances = known.map(|(text, known)| (strsim::damerau_levenshtein(&name, &text), text.len(), known));
        let (distance, length, nearest) = distances.min_by_key(|(distance, ..)| *distance)?;
        (distance * 3 <= length).then_some(nearest)
    }

    /// Warns that a message of this type gets Generic's template, where the type only looks like a known one. A type of the
    /// host's own may well have no template.
    pub fn warn_of_generic(&self) {
        if let Some(nearest) = self.nearest_known() {
            tracing::warn!("a message gets Generic's template: its usage type is not `{nearest}`, but only like it");
        }
    }

    /// What to say of a type that this version does not know; none of a known one.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        let Self::Other(name) = self else { return None };
        let shown: String = name.chars().take(SHOWN).collect();
        let shown = shown.escape_debug();
        Some(match self.nearest_known() {
            Some(nearest) => format!("`{shown}` is not a known usage type; did you mean `{nearest}`?"),
            None => {
                let known = Self::KNOWN.map(|known| known.to_string()).join(", ");
                format!("`{shown}` is not a known usage type: these are {known}")
            }
        })
    }
}

/// The letters and digits of a name, in lower case; none for a name too long to be one of ours.
fn comparable(name: &str) -> Option<String> {
    let plain = name.chars().take(SHOWN + 1).filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase());
    (name.len() <= SHOWN).then(|| plain.collect())
}

impl From<&str> for UsageType {
    fn from(name: &str) -> Self {
        Self::KNOWN.into_iter().find(|known| known.as_str() == name).unwrap_or_else(|| Self::Other(name.into()))
    }
}

impl FromStr for UsageType {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(Self::from(name))
    }
}

impl fmt::Display for UsageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for UsageType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for UsageType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from(name.as_ref()))
    }
}

impl JsonSchema for UsageType {
    fn schema_name() -> Cow<'static, str> {
        "UsageType".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<String> = Self::KNOWN.iter().map(ToString::to_string).collect();
        json_schema!({ "type": "string", "minLength": 1, "examples": names })
    }
}
