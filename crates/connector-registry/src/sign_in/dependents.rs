//! What stops working when a tenant has no connector. Members that are not understood count once they may name email.

use std::fmt;

use connector_kit::words_of;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Identifier, SignInSettings};

/// Resetting a password, or proving oneself, by a code sent by email.
const EMAIL_CODE: &str = "EmailVerificationCode";
/// Ways to reset a password that need no email.
const OTHER_RESETS: [&str; 1] = ["PhoneVerificationCode"];
/// Factors that need no email.
const OTHER_FACTORS: [&str; 4] = ["Totp", "WebAuthn", "BackupCode", "PhoneVerificationCode"];
/// Secondary identifiers that need no email.
const OTHER_IDENTIFIERS: [&str; 2] = ["username", "phone"];

/// Members of Logto's sign-in experience in which email may be named and nothing is sent: names, texts, links, rules for
/// addresses and for codes of any kind.
const SENDS_NOTHING: [&str; 21] = [
    "agreeToTermsPolicy",
    "branding",
    "captchaPolicy",
    "color",
    "customContent",
    "customCss",
    "customUiAssets",
    "customUiCsp",
    "emailBlocklistPolicy",
    "id",
    "languageInfo",
    "passwordPolicy",
    "privacyPolicyUrl",
    "signUpProfileFields",
    "socialSignInConnectorTargets",
    "supportEmail",
    "supportWebsiteUrl",
    "tenantId",
    "termsOfUseUrl",
    "unknownSessionRedirectUrl",
    "verificationCodePolicy",
];

/// How many members that are not understood are named: one is enough to refuse.
const NAMED_MAX: usize = 20;

/// Something that stops working without a connector. Serialised, it is its name in snake case, or the JSON pointer of
/// [`Unrecognized`](Self::Unrecognized).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dependent {
    /// Signing up with an email address.
    SignUp,
    /// Giving an email address at sign-up, besides another identifier.
    SecondaryIdentifier,
    /// Signing in with a code sent by email.
    SignIn,
    /// Resetting a forgotten password by email.
    ForgotPassword,
    /// Multi-factor authentication with a code sent by email.
    Mfa,
    /// Replacing an expired password, which takes the way of a forgotten one.
    PasswordExpiration,
    /// A member that may name email and is not understood.
    Unrecognized {
        /// JSON pointer to it in the sign-in settings.
        pointer: String,
    },
}

impl fmt::Display for Dependent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignUp => "signing up with an email address",
            Self::SecondaryIdentifier => "giving an email address at sign-up",
            Self::SignIn => "signing in with a code sent by email",
            Self::ForgotPassword => "resetting a forgotten password by email",
            Self::Mfa => "multi-factor authentication by email",
            Self::PasswordExpiration => "replacing an expired password by email",
            Self::Unrecognized { pointer } => {
                return write!(f, "what `{pointer}` of the sign-in settings stands for (it is not known here)");
            }
        })
    }
}

impl Serialize for Dependent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::SignUp => "sign_up",
            Self::SecondaryIdentifier => "secondary_identifier",
            Self::SignIn => "sign_in",
            Self::ForgotPassword => "forgot_password",
            Self::Mfa => "mfa",
            Self::PasswordExpiration => "password_expiration",
            Self::Unrecognized { pointer } => pointer,
        })
    }
}

impl SignInSettings {
    /// Everything that stops working without a connector. A member that may name email and is not understood counts.
    #[must_use]
    pub fn relies_on_email(&self) -> Vec<Dependent> {
        let mut found = self.needs_connector();
        // Offered while there is a connector, and gone with it.
        if self.forgot_password_methods.is_none() {
            let at = found.iter().take_while(|dependent| precedes_forgot_password(dependent)).count();
            found.insert(at, Dependent::ForgotPassword);
        }
        found
    }

    /// What cannot be set without a connector: everything that relies on email but resetting passwords where nobody has
    /// chosen how, since then it is only offered once there is a connector.
    #[must_use]
    pub fn needs_connector(&self) -> Vec<Dependent> {
        let mut unrecognized = Unrecognized::default();
        let mut found = Vec::new();
        let mut add = |dependent: Dependent, relies: bool| found.extend(relies.then_some(dependent));

        add(Dependent::SignUp, self.sign_up.identifiers.contains(&Identifier::Email));
        unrecognized.members("/signUp", &self.sign_up.other);

        let mut secondary = false;
        for (index, given) in self.sign_up.secondary_identifiers.iter().enumerate() {
            let pointer = format!("/signUp/secondaryIdentifiers/{index}");
            match given.identifier.as_str() {
                "email" | "emailOrPhone" => secondary = true,
                name if OTHER_IDENTIFIERS.contains(&name) => unrecognized.members(&pointer, &given.other),
                _ => unrecognized.push(format!("{pointer}/identifier")),
            }
        }
        add(Dependent::SecondaryIdentifier, secondary);

        let methods = &self.sign_in.methods;
        let by_code = |method: &super::SignInMethod| method.identifier == Identifier::Email && method.verification_code;
        add(Dependent::SignIn, methods.iter().any(by_code));
        unrecognized.members("/signIn", &self.sign_in.other);
        for (index, method) in methods.iter().enumerate() {
            unrecognized.members(&format!("/signIn/methods/{index}"), &method.other);
        }

        let chosen = self.forgot_password_methods.as_deref().unwrap_or_default();
        add(Dependent::ForgotPassword, unrecognized.choices("/forgotPasswordMethods", chosen, &OTHER_RESETS));
        add(Dependent::Mfa, unrecognized.choices("/mfa/factors", &self.mfa.factors, &OTHER_FACTORS));
        unrecognized.members("/mfa", &self.mfa.other);
        add(Dependent::PasswordExpiration, self.password_expiration.enabled == Some(true));
        unrecognized.members("/passwordExpiration", &self.password_expiration.other);

        for (name, value) in self.other.iter().filter(|(name, _)| !SENDS_NOTHING.contains(&name.as_str())) {
            unrecognized.member("", name, value);
        }
        found.extend(unrecognized.0.into_iter().map(|pointer| Dependent::Unrecognized { pointer }));
        found
    }
}

fn precedes_forgot_password(dependent: &Dependent) -> bool {
    matches!(dependent, Dependent::SignUp | Dependent::SecondaryIdentifier | Dependent::SignIn)
}

/// Pointers to what names email and is not understood.
#[derive(Default)]
struct Unrecognized(Vec<String>);

impl Unrecognized {
    fn push(&mut self, pointer: String) {
        if self.0.len() < NAMED_MAX {
            self.0.push(pointer);
        }
    }

    /// Whether a code by email is among `chosen`. A name that is neither that nor one of `others` counts as not understood.
    fn choices(&mut self, pointer: &str, chosen: &[String], others: &[&str]) -> bool {
        for (index, name) in chosen.iter().enumerate() {
            if name != EMAIL_CODE && !others.contains(&name.as_str()) {
                self.push(format!("{pointer}/{index}"));
            }
        }
        chosen.iter().any(|name| name == EMAIL_CODE)
    }

    fn members(&mut self, pointer: &str, members: &Map<String, Value>) {
        for (name, value) in members {
            self.member(pointer, name, value);
        }
    }

    fn member(&mut self, pointer: &str, name: &str, value: &Value) {
        let here = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        let before = self.0.len();
        self.value(&here, value);
        // Whatever its value: `false` turns email on in `skipEmail`, and null is every way in `forgotPasswordMethods`. What
        // names email inside of it says more.
        if names_email(name) && self.0.len() == before {
            self.push(here);
        }
    }

    fn value(&mut self, pointer: &str, value: &Value) {
        match value {
            Value::String(text) if names_email(text) => self.push(pointer.to_owned()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(&format!("{pointer}/{index}"), item);
                }
            }
            Value::Object(members) => self.members(pointer, members),
            _ => {}
        }
    }
}

/// Parts of a name that stand for email, for a code or link that may be sent by it, or for resetting a password, however
/// the name is spelled.
const PARTS: [&str; 12] = [
    "mail",
    "inbox",
    "passcode",
    "passwordless",
    "magic",
    "onetime",
    "verificationcode",
    "forgot",
    "recover",
    "passwordreset",
    "resetpassword",
    "invit",
];
/// The same as words of their own: `preset` resets nothing.
const WORDS: [&str; 4] = ["link", "links", "reset", "resets"];
/// What may stand before `code` where nothing is sent.
const CODES_NOT_SENT: [&str; 3] = ["backup", "country", "language"];

/// Whether a name or a text may stand for something that is sent by email, however it is spelled.
fn names_email(text: &str) -> bool {
    let words = words_of(text);
    let plain = words.concat();
    let is_code = |index: usize, word: &str| {
        let before = index.checked_sub(1).and_then(|before| words.get(before));
        matches!(word, "code" | "codes") && !before.is_some_and(|before| CODES_NOT_SENT.contains(&before.as_str()))
    };
    PARTS.iter().any(|part| plain.contains(part))
        || words
            .iter()
            .enumerate()
            .any(|(index, word)| WORDS.contains(&word.as_str()) || is_one_time_password(word) || is_code(index, word))
}

/// `otp`, or it and what it is for in one word. Those that an app reckons, TOTP and HOTP, are not sent.
fn is_one_time_password(word: &str) -> bool {
    let singular = word.strip_suffix('s').unwrap_or(word);
    !matches!(singular, "totp" | "hotp") && (word.starts_with("otp") || singular.ends_with("otp"))
}
