//! What can be set, and what it must be.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Limit, LimitKind};

/// How codes look, how long they live, and how often they are sent and tried.
///
/// In JSON: camelCase; what is left out has its default; a limit of `null` is turned off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Settings {
    /// Characters of a code: 4 to 12, 6 by default.
    pub code_length: u8,
    /// What a code is made of: digits by default.
    pub alphabet: Alphabet,
    /// Seconds that a code lives: 1 to 86,400, 600 by default.
    pub lifetime_seconds: u32,
    /// How often a code may be tried, the right try included: 1 to 100, 10 by default. It cannot be turned off.
    pub attempts: u32,
    /// Sends to one recipient of a tenant, whatever they are for: 5 in 600 seconds by default.
    pub sends_per_recipient: Option<Limit>,
    /// Sends asked for from one ip address at a tenant (for IPv6: from one /64 network): 20 in 3,600 seconds by default.
    pub sends_per_ip: Option<Limit>,
    /// Sends asked for from one network at a tenant, an IPv4 /24 or an IPv6 /48: ten times those per ip address by default.
    #[serde(skip_serializing_if = "NetworkLimit::is_default")]
    pub sends_per_network: NetworkLimit,
    /// Sends of one tenant: 1,000 in 600 seconds by default. One network may use a quarter of them,
    /// and one holder of addresses (an IPv4 /16 or an IPv6 /32) half.
    pub sends_per_tenant: Option<Limit>,
    /// Guesses at the codes of one recipient of a tenant, whatever they are for and whatever becomes of the sends. Unless
    /// set, as many as [`attempts`](Self::attempts) allows for the sends to one recipient, in their window. It cannot be
    /// turned off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guesses_per_recipient: Option<GuessLimit>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            code_length: 6,
            alphabet: Alphabet::Digits,
            lifetime_seconds: 600,
            attempts: 10,
            sends_per_recipient: Some(SENDS_PER_RECIPIENT),
            sends_per_ip: Some(Limit { sends: 20, window_seconds: 3_600 }),
            sends_per_network: NetworkLimit::TenTimesPerIp,
            guesses_per_recipient: None,
            sends_per_tenant: Some(Limit { sends: 1_000, window_seconds: 600 }),
        }
    }
}

/// Guesses in any window of so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GuessLimit {
    /// Guesses: 1 to 10,000.
    pub guesses: u32,
    /// The length of the window, in seconds: 1 to 86,400.
    pub window_seconds: u32,
}

/// How many sends may be asked for from one network.
///
/// In JSON: left out, `null`, or a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<Limit>", into = "Option<Limit>")]
pub enum NetworkLimit {
    /// Ten times as many as from one ip address, in the same window; no limit where there is none per ip address.
    #[default]
    TenTimesPerIp,
    /// No limit.
    Off,
    /// So many.
    Limit(Limit),
}

impl NetworkLimit {
    fn is_default(&self) -> bool {
        *self == Self::TenTimesPerIp
    }
}

impl From<Option<Limit>> for NetworkLimit {
    fn from(limit: Option<Limit>) -> Self {
        limit.map_or(Self::Off, Self::Limit)
    }
}

impl From<NetworkLimit> for Option<Limit> {
    fn from(limit: NetworkLimit) -> Self {
        match limit {
            NetworkLimit::Limit(limit) => Some(limit),
            NetworkLimit::TenTimesPerIp | NetworkLimit::Off => None,
        }
    }
}

/// Sends to one recipient, unless set.
const SENDS_PER_RECIPIENT: Limit = Limit { sends: 5, window_seconds: 600 };
/// The sends of one network, in those of one ip address.
const IPS_PER_NETWORK: u32 = 10;
/// So many networks have to come together to use up what a tenant may send.
const SHARES_OF_TENANT: u32 = 4;
/// And so many holders of addresses: a client with one network may well have its neighbours.
const HOLDERS_SHARES_OF_TENANT: u32 = 2;

/// The longest code there can be, in characters.
pub(crate) const LENGTH_MAX: u8 = 12;
/// A day, in seconds: the longest time that anything here can be set to.
const DAY: u32 = 86_400;
/// Each send of a window is remembered by itself, so that limits are exact; this many at most.
const SENDS_MAX: u32 = 10_000;
/// A code must be worth at least so many times the attempts at it.
const CODES_PER_ATTEMPT: u128 = 1_000;

impl Settings {
    /// Looks whether these settings can work.
    ///
    /// # Errors
    /// Every problem there is.
    pub fn check(&self) -> Result<(), Vec<Problem>> {
        let mut problems = Vec::new();
        let mut within = |pointer: &str, value: u32, from: u32, to: u32, unit: &str| {
            if !(from..=to).contains(&value) {
                problems.push(Problem::new(pointer, format!("{value} {unit}: it must be from {from} to {to}")));
            }
        };
        within("/codeLength", self.code_length.into(), 4, LENGTH_MAX.into(), "characters");
        within("/lifetimeSeconds", self.lifetime_seconds, 1, DAY, "seconds");
        within("/attempts", self.attempts, 1, 100, "attempts");
        for (field, limit) in [
            ("sendsPerRecipient", self.sends_per_recipient),
            ("sendsPerIp", self.sends_per_ip),
            ("sendsPerNetwork", self.sends_per_network.into()),
            ("sendsPerTenant", self.sends_per_tenant),
        ] {
            if let Some(limit) = limit {
                within(&format!("/{field}/sends"), limit.sends, 1, SENDS_MAX, "sends");
                within(&format!("/{field}/windowSeconds"), limit.window_seconds, 1, DAY, "seconds");
            }
        }
        if let Some(limit) = self.guesses_per_recipient {
            within("/guessesPerRecipient/guesses", limit.guesses, 1, SENDS_MAX, "guesses");
            within("/guessesPerRecipient/windowSeconds", limit.window_seconds, 1, DAY, "seconds");
        }
        let alphabet = self.alphabet.problems();
        if problems.is_empty() && alphabet.is_empty() && self.codes() < u128::from(self.attempts) * CODES_PER_ATTEMPT {
            let message = format!(
                "{} attempts at one of {} codes: more than one guess in {CODES_PER_ATTEMPT} would be right; \
                 allow fewer, or make codes longer",
                self.attempts,
                self.codes(),
            );
            problems.push(Problem::new("/attempts", message));
        }
        problems.extend(alphabet);
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// The limit of this kind, where it is not turned off, whether it is set or follows from others. There is no
    /// [share](LimitKind::Share) where the limit per network never lets it be used up.
    #[must_use]
    pub fn limit(&self, kind: LimitKind) -> Option<Limit> {
        match kind {
            LimitKind::Recipient => self.sends_per_recipient,
            LimitKind::Ip => self.sends_per_ip,
            LimitKind::Network => match self.sends_per_network {
                NetworkLimit::TenTimesPerIp => self.sends_per_ip.map(|limit| times(limit, IPS_PER_NETWORK)),
                other => other.into(),
            },
            LimitKind::Tenant => self.sends_per_tenant,
            LimitKind::Share => {
                let tenant = self.sends_per_tenant?;
                let share = Limit { sends: tenant.sends.div_ceil(SHARES_OF_TENANT), ..tenant };
                let stricter =
                    |network: Limit| network.sends <= share.sends && network.window_seconds >= share.window_seconds;
                (!self.limit(LimitKind::Network).is_some_and(stricter)).then_some(share)
            }
            LimitKind::HoldersShare => {
                let tenant = self.sends_per_tenant?;
                Some(Limit { sends: tenant.sends.div_ceil(HOLDERS_SHARES_OF_TENANT), ..tenant })
            }
            LimitKind::Guesses => Some(self.guesses()),
        }
    }

    /// Guesses at the codes of one recipient that are compared in any window, at most.
    pub(crate) fn guesses(&self) -> Limit {
        match self.guesses_per_recipient {
            Some(GuessLimit { guesses, window_seconds }) => Limit { sends: guesses, window_seconds },
            None => times(self.sends_per_recipient.unwrap_or(SENDS_PER_RECIPIENT), self.attempts),
        }
    }

    /// How long a code lives.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime_seconds as u64)
    }

    /// How many codes there are.
    fn codes(&self) -> u128 {
        (self.alphabet.characters().chars().count() as u128).saturating_pow(self.code_length.into())
    }
}

/// The limit with so many times the sends.
fn times(limit: Limit, factor: u32) -> Limit {
    Limit { sends: limit.sends.saturating_mul(factor).min(SENDS_MAX), ..limit }
}

/// What a code is made of.
///
/// In JSON: `"digits"`, `"unambiguous"`, or `{"custom": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Alphabet {
    /// `0` to `9`.
    Digits,
    /// Digits and capital letters of which none looks like another, and without vowels, so that no code is a word.
    Unambiguous,
    /// These: ASCII letters and digits, at least 10, each of them once.
    Custom(String),
}

impl Alphabet {
    /// Its characters.
    #[must_use]
    pub fn characters(&self) -> &str {
        match self {
            Self::Digits => "0123456789",
            Self::Unambiguous => "34679BCDFGHJKMNPQRTVWXY",
            Self::Custom(characters) => characters,
        }
    }

    fn problems(&self) -> Vec<Problem> {
        let characters = self.characters();
        let mut problems = Vec::new();
        let mut problem = |message| problems.push(Problem::new("/alphabet/custom", message));
        let count = characters.chars().count();
        if count < 10 {
            problem(format!("{count} characters: it must be 10 at least"));
        }
        if let Some(other) = characters.chars().find(|char| !char.is_ascii_alphanumeric()) {
            problem(format!("{other:?} is neither an ASCII letter nor a digit, so it may not survive being typed"));
        }
        let twice = characters.char_indices().find(|(at, char)| characters[..*at].contains(*char));
        if let Some((_, twice)) = twice {
            problem(format!("{twice:?} is there twice, which would make it likelier than the others"));
        }
        problems
    }
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// JSON pointer to the setting.
    pub pointer: String,
    /// What is wrong with it, and what it must be.
    pub message: String,
}

impl Problem {
    fn new(pointer: &str, message: String) -> Self {
        Self { pointer: pointer.to_owned(), message }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.message)
    }
}

/// Settings that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSettings(
    /// Every problem there is; one at least.
    pub Vec<Problem>,
);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings of verification codes cannot work")?;
        for (index, problem) in self.0.iter().enumerate() {
            write!(f, "{} {problem}", if index == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for InvalidSettings {}
