//! What is to become of a connector's recordings, and whether it does.

use std::collections::BTreeSet;

use connector_kit::{ConnectorFactory, Delivery, Error, ErrorKind};

use crate::Recording;

/// What the caller is to get of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// The message is sent.
    Sent,
    /// The send fails in this way.
    Failed(ErrorKind, Delivery),
    /// The configuration is refused for problems at these pointers, and at no other.
    Refused(&'static [&'static str]),
}

/// What is to become of all recordings of a connector. An id that no recording has is a mistake, and so is one that is
/// left out of a list to which it belongs.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// All recordings of the connector.
    pub recordings: Vec<Recording>,
    /// Those that are not sent, by id.
    pub not_sent: &'static [(&'static str, Expected)],
    /// Those that Logto's connector sends and ours does not.
    pub sent_by_logto_alone: &'static [&'static str],
    /// Those that ours sends and Logto's does not.
    pub sent_by_us_alone: &'static [&'static str],
    /// Those whose configuration Logto's connector accepts and ours does not.
    pub refused_by_us_alone: &'static [&'static str],
    /// Those whose configuration ours accepts and Logto's does not.
    pub accepted_by_us_alone: &'static [&'static str],
}

impl Expectations {
    /// What is to become of the recording of this id.
    #[must_use]
    pub fn of(&self, id: &str) -> Expected {
        self.not_sent.iter().find(|(named, _)| *named == id).map_or(Expected::Sent, |(_, expected)| *expected)
    }

    /// Whether the configuration of the recording of this id is to be accepted, and whether anything is to be said to
    /// the provider.
    #[must_use]
    pub fn reaches_the_provider(&self, id: &str) -> bool {
        use ErrorKind::{InvalidMessage, TemplateNotFound};
        !matches!(self.of(id), Expected::Refused(_) | Expected::Failed(InvalidMessage | TemplateNotFound, _))
    }

    /// Every id named is that of a recording, and named once.
    ///
    /// # Panics
    ///
    /// When one is not.
    pub fn assert_names(&self, others: &[&str]) {
        let known = unique(self.recordings.iter().map(Recording::id));
        assert!(!known.is_empty(), "there are no recordings");
        let lists =
            [self.sent_by_logto_alone, self.sent_by_us_alone, self.refused_by_us_alone, self.accepted_by_us_alone];
        let outcomes: Vec<&str> = self.not_sent.iter().map(|(id, _)| *id).collect();
        for list in lists.into_iter().chain([outcomes.as_slice(), others]) {
            let unknown: Vec<_> = unique(list.iter().copied()).difference(&known).copied().collect();
            assert!(unknown.is_empty(), "no recordings: {unknown:?}");
        }
    }

    /// The caller got what was to be expected.
    ///
    /// # Panics
    ///
    /// When not.
    pub fn assert_outcome<T>(&self, id: &str, outcome: &Result<T, Error>) {
        let expected = self.of(id);
        match (expected, outcome) {
            (Expected::Sent, Ok(_)) => {}
            (Expected::Failed(kind, delivery), Err(error)) => {
                assert_eq!((error.kind(), error.delivery()), (kind, delivery), "{id}: {error}");
            }
            (Expected::Refused(pointers), Err(error)) => {
                let refusal = (ErrorKind::InvalidConfig, Delivery::NotSent);
                assert_eq!((error.kind(), error.delivery()), refusal, "{id}: {error}");
                let found: Vec<&str> = error.problems().iter().map(|problem| problem.pointer.as_str()).collect();
                assert_eq!(found, pointers, "{id}: {error}");
            }
            (expected, Ok(_)) => panic!("{id}: sent, not {expected:?}"),
            (expected, Err(error)) => panic!("{id}: {error}, not {expected:?}"),
        }
    }

    /// What is to be sent is what Logto's connector sent, apart from the exceptions named.
    ///
    /// # Panics
    ///
    /// When there are other exceptions.
    pub fn assert_agrees_on_what_is_sent(&self) {
        let is_ours = |recording: &Recording| self.of(recording.id()) == Expected::Sent;
        let is_theirs = |recording: &Recording| recording.recorded.outcome.is_sent();
        let alone = |one: &dyn Fn(&Recording) -> bool, other: &dyn Fn(&Recording) -> bool| {
            unique(self.recordings.iter().filter(|recording| one(recording) && !other(recording)).map(Recording::id))
        };
        assert_eq!(
            alone(&is_theirs, &is_ours),
            unique(self.sent_by_logto_alone.iter().copied()),
            "sent by Logto alone"
        );
        assert_eq!(alone(&is_ours, &is_theirs), unique(self.sent_by_us_alone.iter().copied()), "sent by us alone");
    }

    /// Each configuration is refused for the problems named, and for no other; ours agrees with Logto's connector on
    /// which are, apart from the exceptions named.
    ///
    /// # Panics
    ///
    /// When a configuration is judged otherwise.
    pub fn assert_configurations(&self, factory: &ConnectorFactory) {
        let (mut refused, mut accepted) = (BTreeSet::new(), BTreeSet::new());
        for recording in &self.recordings {
            let id = recording.id();
            let report = factory.validate(recording.given.effective_config());
            let found: Vec<&str> = report.problems.iter().map(|problem| problem.pointer.as_str()).collect();
            let expected = match self.of(id) {
                Expected::Refused(pointers) => pointers,
                Expected::Sent | Expected::Failed(..) => &[],
            };
            assert_eq!(found, expected, "{id}: Logto says {}", recording.recorded.config_guard);
            match (report.is_valid(), recording.recorded.config_is_valid()) {
                (false, true) => drop(refused.insert(id)),
                (true, false) => drop(accepted.insert(id)),
                _ => {}
            }
        }
        assert_eq!(refused, unique(self.refused_by_us_alone.iter().copied()), "refused by us alone");
        assert_eq!(accepted, unique(self.accepted_by_us_alone.iter().copied()), "accepted by us alone");
    }
}

/// These ids as a set.
///
/// # Panics
///
/// When one comes twice.
fn unique<'i>(ids: impl Iterator<Item = &'i str>) -> BTreeSet<&'i str> {
    let mut unique = BTreeSet::new();
    for id in ids {
        assert!(unique.insert(id), "{id} is named twice");
    }
    unique
}
