//! A provider's name, and the forms it has in a crate.

use anyhow::{Result, bail};

/// What a crate or its module cannot be called: crates around the connectors, the crate's other modules, and words that
/// Rust keeps for itself.
const TAKEN: [&str; 6] = ["kit", "registry", "store", "server", "cli", "testkit"];
const MODULES: [&str; 3] = ["config", "lib", "main"];
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];
/// What the crate's types and modules would be taken for: names that its files import.
const IMPORTED: [&str; 33] = [
    "about",
    "answer",
    "arc",
    "arrived",
    "by-usage",
    "compiled-template",
    "connect-to",
    "connector",
    "connector-config",
    "connector-factory",
    "content-type",
    "context",
    "deserialize",
    "egress",
    "email-connector",
    "error",
    "error-kind",
    "header-map",
    "header-value",
    "http-client",
    "http-request",
    "http-response",
    "mailbox",
    "message",
    "payload",
    "provider",
    "provider-answer",
    "receipt",
    "redactor",
    "report",
    "secret",
    "serialize",
    "url",
];

/// Longer than any provider's: crates.io takes up to 64 characters for a crate's.
const LONGEST: usize = 40;

#[derive(Debug)]
pub struct Name(String);

impl Name {
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("connector-") {
            bail!("give the provider's name alone, `{rest}`: the crate is then called {text}");
        }
        let word = |word: &str| {
            !word.is_empty() && word.chars().all(|char| char.is_ascii_lowercase() || char.is_ascii_digit())
        };
        let fits = text.len() <= LONGEST && text.starts_with(|first: char| first.is_ascii_lowercase());
        if !fits || !text.split('-').all(word) {
            bail!(
                "`{text}` is no name for a crate: it takes up to {LONGEST} small letters and digits, in words that \
                 single hyphens join, with a letter first"
            );
        }
        if TAKEN.contains(&text) || IMPORTED.contains(&text) || MODULES.contains(&text) || KEYWORDS.contains(&text) {
            bail!("`{text}` means something else here or in Rust; take a longer name, such as `{text}-mail`");
        }
        Ok(Self(text.to_owned()))
    }

    /// Fills in `%kebab%`, `%snake%`, `%Camel%` and `%Title%`.
    pub fn fill(&self, text: &str) -> String {
        let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
        let words = || self.0.split('-').map(capital);
        text.replace("%kebab%", &self.0)
            .replace("%snake%", &self.0.replace('-', "_"))
            .replace("%Camel%", &words().collect::<String>())
            .replace("%Title%", &words().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::Name;

    #[test]
    fn a_name_has_four_forms() {
        let name = Name::parse("acme-mail2").unwrap();
        assert_eq!(name.fill("%kebab% %snake% %Camel% %Title%"), "acme-mail2 acme_mail2 AcmeMail2 Acme Mail2");
    }

    #[test]
    fn what_cannot_be_a_crate_is_refused() {
        let long = "a".repeat(41);
        for (name, reason) in [
            ("", "no name for a crate"),
            ("Acme", "no name for a crate"),
            ("acme_mail", "no name for a crate"),
            ("-acme", "no name for a crate"),
            ("acme--mail", "no name for a crate"),
            ("1acme", "no name for a crate"),
            ("../acme", "no name for a crate"),
            (&long, "up to 40"),
            ("connector-acme", "the provider's name alone, `acme`"),
            ("kit", "such as `kit-mail`"),
            ("loop", "such as `loop-mail`"),
            ("config", "such as `config-mail`"),
            ("static", "such as `static-mail`"),
            ("mailbox", "such as `mailbox-mail`"),
        ] {
            let error = Name::parse(name).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
    }
}
