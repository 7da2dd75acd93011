//! What a tenant's sign-in relies on email for.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// How people sign up, sign in and recover, as far as email is concerned. Field names are those of Logto's sign-in
/// experience; fields beyond these are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignInSettings {
    /// How accounts come into being.
    pub sign_up: SignUp,
    /// How people sign in.
    pub sign_in: SignIn,
    /// How a forgotten password is reset: `EmailVerificationCode`, `PhoneVerificationCode`.
    #[serde(deserialize_with = "null_as_none")]
    pub forgot_password_methods: Vec<String>,
}

/// Logto stores null where nobody has chosen.
fn null_as_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Option::<Vec<String>>::deserialize(deserializer).map(Option::unwrap_or_default)
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
}

/// How people sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SignIn {
    /// The methods, in the order they are offered in.
    pub methods: Vec<SignInMethod>,
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
}

const fn yes() -> bool {
    true
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

/// The method that resets a password by a code sent by email.
const RESET_BY_EMAIL: &str = "EmailVerificationCode";

/// Something that stops working without a connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependent {
    /// Signing up with an email address.
    SignUp,
    /// Signing in with a code sent by email.
    SignIn,
    /// Resetting a forgotten password by email.
    ForgotPassword,
}

impl fmt::Display for Dependent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignUp => "signing up with an email address",
            Self::SignIn => "signing in with a code sent by email",
            Self::ForgotPassword => "resetting a forgotten password by email",
        })
    }
}

impl SignInSettings {
    /// The settings with what follows from them: an identifier chosen for sign-up is a way to sign in as well, and an
    /// email address at sign-up is always verified.
    #[must_use]
    pub fn completed(mut self) -> Self {
        let SignUp { identifiers, password, verify } = &mut self.sign_up;
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
                };
                self.sign_in.methods.push(method);
            }
        }
        self
    }

    /// Everything that stops working without a connector.
    #[must_use]
    pub fn relies_on_email(&self) -> Vec<Dependent> {
        let by_code = |method: &SignInMethod| method.identifier == Identifier::Email && method.verification_code;
        let dependents = [
            (Dependent::SignUp, self.sign_up.identifiers.contains(&Identifier::Email)),
            (Dependent::SignIn, self.sign_in.methods.iter().any(by_code)),
            (Dependent::ForgotPassword, self.forgot_password_methods.iter().any(|method| method == RESET_BY_EMAIL)),
        ];
        dependents.into_iter().filter_map(|(dependent, relies)| relies.then_some(dependent)).collect()
    }
}
