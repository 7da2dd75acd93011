//! What the names of payload values promise, and which local parts name a person.

use crate::{secrets, words_of};

/// Words of names whose values open something: `otp`, `resetLink`, `verification_code`.
const OPENERS: [&str; 8] = ["code", "codes", "link", "links", "otp", "pin", "totp", "url"];
/// What such a name is about where its value opens nothing: `languageCode`.
const STANDARDS: [&str; 9] = ["area", "country", "currency", "lang", "locale", "postal", "region", "status", "zip"];
/// Local parts that name a role (RFC 2142 has most of them) or are words of any diagnostic. They identify nobody.
const ROLES: [&str; 36] = [
    "abuse",
    "account",
    "accounts",
    "address",
    "admin",
    "billing",
    "contact",
    "customer",
    "domain",
    "email",
    "feedback",
    "hello",
    "help",
    "hostmaster",
    "info",
    "invalid",
    "mail",
    "mailbox",
    "marketing",
    "message",
    "newsletter",
    "no-reply",
    "noreply",
    "notifications",
    "office",
    "postmaster",
    "recipient",
    "root",
    "sales",
    "security",
    "sender",
    "server",
    "support",
    "test",
    "user",
    "webmaster",
];

/// Whether the value under a name of the payload is a code, a link or a secret, so that it may be all letters and still
/// must show nowhere.
pub(super) fn promises_a_code(name: &str) -> bool {
    let words = words_of(name);
    let opens = words.iter().any(|word| OPENERS.contains(&word.as_str()))
        || words.last().is_some_and(|last| ["code", "link", "otp"].iter().any(|end| last.ends_with(end)));
    let is_standard = || words.iter().any(|word| STANDARDS.iter().any(|standard| word.starts_with(standard)));
    (opens && !is_standard()) || secrets::promises_a_secret(name)
}

/// Whether a local part names a role, and so nobody.
pub(super) fn is_role(local_part: &str) -> bool {
    ROLES.contains(&local_part.to_ascii_lowercase().as_str())
}
