//! A tenant's sign-in settings.

mod dependents;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use dependents::Dependent;

/// How people sign up, sign in and recover, as far as email is concerned. Field names are those of Logto's sign-in
/// experience. Members beyond these are kept as they are, and [`relies_on_email`](Self::relies_on_email) reads them too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInSettings {
    /// How accounts come into being.
    pub sign_up: SignUp,
    /// How people sign in.
    pub sign_in: SignIn,
    /// How a forgotten password is reset: `EmailVerificationCode`, `PhoneVerificationCode`. None is Logto's `null`, and what
    /// a document without it means: nobody has chosen, and whatever a connector is active for is offered.
    #[serde(default)]
    pub forgot_password_methods: Option<Vec<String>>,
    /// What people prove themselves with besides.
    #[serde(skip_serializing_if = "Mfa::is_empty")]
    pub mfa: Mfa,
    /// Whether passwords expire.
    #[serde(skip_serializing_if = "PasswordExpiration::is_empty")]
    pub password_expiration: PasswordExpiration,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The settings of a tenant that was never given any. Nothing relies on email: no way to reset a password is offered.
impl Default for SignInSettings {
    fn default() -> Self {
        Self {
            sign_up: SignUp::default(),
            sign_in: SignIn::default(),
            forgot_password_methods: Some(Vec::new()),
            mfa: Mfa::default(),
            password_expiration: PasswordExpiration::default(),
            other: Map::new(),
        }
    }
}

/// How accounts come into being.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignUp {
    /// What identifies a new account: `username`, `email`, `phone`.
    pub identifiers: Vec<Identifier>,
    /// Whether it gets a password.
    pub password: bool,
    /// Whether the identifier is verified by a code.
    pub verify: bool,
    /// What a new account has to give besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secondary_identifiers: Vec<SecondaryIdentifier>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a new account has to give besides its identifier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondaryIdentifier {
    /// `username`, `email`, `phone` or `emailOrPhone`.
    pub identifier: String,
    /// All other members, `verify` among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// How people sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignIn {
    /// The methods, in the order they are offered in.
    pub methods: Vec<SignInMethod>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One way to sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInMethod {
    /// What the person types first.
    pub identifier: Identifier,
    /// Whether a password lets them in.
    #[serde(default)]
    pub password: bool,
    /// Whether a one-time code lets them in.
    #[serde(default)]
    pub verification_code: bool,
    /// Whether the password is asked for first.
    #[serde(default = "yes")]
    pub is_password_primary: bool,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

const fn yes() -> bool {
    true
}

/// What people prove themselves with besides their first factor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mfa {
    /// The factors: `Totp`, `WebAuthn`, `BackupCode`, `PhoneVerificationCode`, `EmailVerificationCode`.
    pub factors: Vec<String>,
    /// All other members, `policy` among them.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Mfa {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether passwords expire: an expired one is replaced as a forgotten one is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PasswordExpiration {
    /// Whether they do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// All other members.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl PasswordExpiration {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What identifies an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identifier {
    /// A user name.
    Username,
    /// An email address.
    Email,
    /// A phone number.
    Phone,
}

impl SignInSettings {
    /// The settings with what follows from them: an identifier chosen for sign-up is a way to sign in as well, and an
    /// email address at sign-up is always verified.
    #[must_use]
    pub fn completed(mut self) -> Self {
        let SignUp { identifiers, password, verify, .. } = &mut self.sign_up;
        *verify |= identifiers.contains(&Identifier::Email);
        for identifier in identifiers {
            if self.sign_in.methods.iter().all(|method| method.identifier != *identifier) {
                // A user name has no mailbox that a code could go to.
                let verification_code = *verify && *identifier != Identifier::Username;
                let method = SignInMethod {
                    identifier: *identifier,
                    password: *password,
                    verification_code,
                    is_password_primary: *password,
                    other: Map::new(),
                };
                self.sign_in.methods.push(method);
            }
        }
        self
    }
}
