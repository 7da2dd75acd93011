//! A provider's name, and the forms it has in a crate.

use anyhow::{Result, bail};

/// What a crate or its module cannot be called: crates around the connectors, the crate's other modules, and words that
/// Rust keeps for itself.
const TAKEN: [&str; 7] = ["kit", "registry", "service", "store", "server", "cli", "testkit"];
const MODULES: [&str; 3] = ["config", "lib", "main"];
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod",
    "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true",
    "try", "type", "typeof", "union", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
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
        if TAKEN.contains(&text) || MODULES.contains(&text) || KEYWORDS.contains(&text) {
            bail!("{}", taken(text));
        }
        Ok(Self(text.to_owned()))
    }

    /// Fails when one of the crate's files, not filled in yet, has the name in use: for a type, or for a crate.
    pub fn require_unused<'f>(&self, files: impl IntoIterator<Item = &'f str>) -> Result<()> {
        let (camel, import) = (self.fill("%Camel%"), self.fill("use %snake%::"));
        let is_word = |char: char| char.is_alphanumeric() || matches!(char, '_' | '%');
        let uses = |file: &str| file.contains(&import) || file.split(|char| !is_word(char)).any(|word| word == camel);
        match files.into_iter().any(uses) {
            true => bail!("{}", taken(&self.0)),
            false => Ok(()),
        }
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

fn taken(name: &str) -> String {
    format!("`{name}` means something else here or in Rust; take a longer name, such as `{name}-mail`")
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
        ] {
            let error = Name::parse(name).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
    }
}
