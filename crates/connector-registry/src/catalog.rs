//! Which connectors there are: the built-in ones, each behind a cargo feature, and a host's own.

use connector_kit::ConnectorFactory;

/// Declares the built-in connectors: cargo feature, which is also the connector's short name, and crate.
macro_rules! builtin {
    ($($name:literal => $krate:ident,)*) => {
        static BUILTIN: &[(&str, &ConnectorFactory)] = &[$(#[cfg(feature = $name)] ($name, &$krate::CONNECTOR),)*];
    };
}

// One line per connector, in alphabetical order.
builtin! {
    "aliyun-dm" => connector_aliyun_dm,
    "aws-ses" => connector_aws_ses,
    "http-email" => connector_http_email,
    "logto-email" => connector_logto_email,
    "mailgun" => connector_mailgun,
    "postmark" => connector_postmark,
    "sendgrid" => connector_sendgrid,
    "smtp" => connector_smtp,
}

/// The connectors that can be set up.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The crate's name without its prefix; a host's own connectors have none.
    short_name: Option<&'static str>,
    factory: &'static ConnectorFactory,
}

impl Entry {
    /// What the connector answers to, the strongest name first.
    fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        [Some(self.factory.id()), self.short_name, Some(self.factory.target())].into_iter().flatten()
    }
}

impl Catalog {
    /// The connectors of this crate, as far as their cargo features are on.
    #[must_use]
    pub fn builtin() -> Self {
        let entry = |(short_name, factory): &(&'static str, &'static ConnectorFactory)| Entry {
            short_name: Some(*short_name),
            factory,
        };
        Self { entries: BUILTIN.iter().map(entry).collect() }
    }

    /// No connector at all: for a host that names each of its own.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds a connector from outside.
    ///
    /// # Errors
    /// When the catalog has one of this id already: configurations are stored under the id, so it must be unique.
    pub fn with(mut self, factory: &'static ConnectorFactory) -> Result<Self, DuplicateId> {
        if self.entries.iter().any(|entry| entry.factory.id() == factory.id()) {
            return Err(DuplicateId { id: factory.id() });
        }
        self.entries.push(Entry { short_name: None, factory });
        Ok(self)
    }

    /// The connector stored under `id`.
    ///
    /// # Errors
    /// When there is none; the error carries the nearest id there is.
    pub fn get(&self, id: &str) -> Result<&'static ConnectorFactory, UnknownConnector> {
        let found = self.iter().find(|factory| factory.id() == id);
        found.ok_or_else(|| self.unknown(id, |_, factory| factory.id()))
    }

    /// The connector that a person means by `name`: its id, its crate's short name (`sendgrid`) or its target.
    ///
    /// # Errors
    /// When there is none; the error carries the nearest name there is.
    pub fn find(&self, name: &str) -> Result<&'static ConnectorFactory, UnknownConnector> {
        // An id wins over another connector's short name, and that over a target, which several may share.
        let rank = |entry: &Entry| entry.names().position(|known| known == name);
        let found = self.entries.iter().filter_map(|entry| Some((rank(entry)?, entry.factory)));
        let best = found.min_by_key(|(rank, _)| *rank).map(|(_, factory)| factory);
        best.ok_or_else(|| self.unknown(name, |nearest, _| nearest))
    }

    /// Every connector: the built-in ones by name, then those added, in that order.
    pub fn iter(&self) -> impl Iterator<Item = &'static ConnectorFactory> {
        self.entries.iter().map(|entry| entry.factory)
    }

    fn unknown(
        &self,
        given: &str,
        report: impl Fn(&'static str, &'static ConnectorFactory) -> &'static str,
    ) -> UnknownConnector {
        let lower = given.to_lowercase();
        let names = self.entries.iter().flat_map(|entry| entry.names().map(|name| (name, entry.factory)));
        let nearest = names.map(|(name, factory)| (strsim::damerau_levenshtein(&lower, name), name, factory));
        let nearest = nearest.min_by_key(|(distance, ..)| *distance);
        // A name that differs in more than a third is no slip of the keyboard.
        let nearest = nearest.filter(|(distance, name, _)| distance * 3 <= name.len());
        UnknownConnector { id: given.to_owned(), nearest: nearest.map(|(_, name, factory)| report(name, factory)) }
    }
}

/// A connector that the catalog has already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the catalog already has a connector with the id `{id}`: give yours another id, or leave the built-in one out by \
     its cargo feature"
)]
pub struct DuplicateId {
    /// The id that both have.
    pub id: &'static str,
}

/// A connector that the catalog does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownConnector {
    /// What was asked for.
    pub id: String,
    /// The nearest there is, where it is near enough to be meant.
    pub nearest: Option<&'static str>,
}

impl std::fmt::Display for UnknownConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Escaped: it may come from anywhere, and goes into logs and terminals.
        write!(f, "there is no connector `{}`", self.id.escape_debug())?;
        match self.nearest {
            Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
            None => f.write_str(" in this build: list the connectors to see which there are"),
        }
    }
}

impl std::error::Error for UnknownConnector {}
