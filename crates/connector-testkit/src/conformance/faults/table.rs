//! What is expected of each fault: the common expectations are in `faults.json` at the root of this crate, a connector's
//! exceptions in `tests/faults.json` of its own.

use std::{collections::BTreeMap, sync::LazyLock};

use connector_kit::Delivery;
use serde::Deserialize;

use crate::conformance::{Provider, Subject};

static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!("../../../faults.json"), "faults.json"));

/// All faults, by the protocols that can have them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    both: Vec<Fault>,
    http: Vec<Fault>,
    smtp: Vec<Fault>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    name: String,
    /// What happens, in words.
    what: String,
    expect: Expectation,
}

/// What comes of a send.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expectation {
    pub(super) outcome: Outcome,
    /// The kind of the error; none when the message is sent.
    pub(super) kind: Option<String>,
    #[serde(default = "once")]
    pub(super) attempts: u32,
    /// How long the caller is told to wait.
    pub(super) retry_after_seconds: Option<u64>,
}

fn once() -> u32 {
    1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Sent,
    NotSent,
    Unknown,
}

impl Outcome {
    /// What an error says of the delivery; none when there is no error.
    pub(super) fn delivery(self) -> Option<Delivery> {
        match self {
            Self::Sent => None,
            Self::NotSent => Some(Delivery::NotSent),
            Self::Unknown => Some(Delivery::Unknown),
        }
    }
}

/// Where a connector differs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    protocol: Protocol,
    exceptions: BTreeMap<String, Exception>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    Http,
    Smtp,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    expect: Expectation,
    why: String,
}

fn read<T: for<'de> Deserialize<'de>>(json: &str, what: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{what}: {error}"))
}

/// The names of the faults that a protocol can have, in order: `http` or `smtp`.
///
/// # Panics
///
/// When the protocol is another.
#[must_use]
pub fn names(protocol: &str) -> Vec<&'static str> {
    let protocol: Protocol = read(&format!("{protocol:?}"), "the protocol");
    faults(protocol).map(|fault| fault.name.as_str()).collect()
}

fn faults(protocol: Protocol) -> impl Iterator<Item = &'static Fault> {
    let own = match protocol {
        Protocol::Http => &TABLE.http,
        Protocol::Smtp => &TABLE.smtp,
    };
    TABLE.both.iter().chain(own)
}

/// What happens under this fault, and what is expected of the subject then.
///
/// # Panics
///
/// When the subject's exceptions are none: of a fault that does not exist, without a reason, or what is common anyway.
pub(super) fn expected(subject: &Subject, name: &str) -> (&'static str, Expectation) {
    let own: Own = read(subject.faults, "the connector's faults.json");
    let protocol = match subject.provider {
        Provider::Http(_) => Protocol::Http,
        Provider::Smtp(_) => Protocol::Smtp,
    };
    assert_eq!(own.protocol, protocol, "the connector's faults.json is of another protocol");
    let common = |name: &str| {
        let fault = faults(protocol).find(|fault| fault.name == name);
        fault.unwrap_or_else(|| panic!("no fault of this protocol is called {name}"))
    };
    for (name, Exception { expect, why }) in &own.exceptions {
        assert_ne!(*expect, common(name).expect, "{name}: the exception is the rule");
        assert!(!why.trim().is_empty(), "{name}: an exception has a reason");
    }
    let fault = common(name);
    let expect = own.exceptions.get(name).map_or(&fault.expect, |exception| &exception.expect);
    (&fault.what, expect.clone())
}
