//! What the command line asks for.

use super::plan::Bump;
use anyhow::{Context as _, Result, bail};

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub crates: Vec<String>,
    pub bump: Option<Bump>,
    pub execute: bool,
    pub registry: Option<String>,
    pub verify: bool,
}

impl Options {
    pub fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self { crates: Vec::new(), bump: None, execute: false, registry: None, verify: true };
        let mut dry_run = false;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (arg.as_str(), None),
            };
            let mut value =
                || inline.clone().or_else(|| args.next().cloned()).with_context(|| format!("`{name}` lacks its value"));
            match name {
                "--dry-run" | "--execute" | "--no-verify" if inline.is_some() => bail!("`{name}` takes no value"),
                "--bump" => options.bump = Some(Bump::parse(&value()?)?),
                "--registry" => options.registry = Some(value()?),
                "--dry-run" => dry_run = true,
                "--execute" => options.execute = true,
                "--no-verify" => options.verify = false,
                _ if name.starts_with('-') => {
                    bail!("`release` has no option `{name}`. See `cargo xtask release --help`")
                }
                _ if options.crates.contains(arg) => bail!("{arg} is named twice"),
                _ => options.crates.push(arg.clone()),
            }
        }
        if options.crates.is_empty() {
            bail!("which crate? `cargo xtask release <crate>`; see `cargo xtask release --help`");
        }
        if dry_run && options.execute {
            bail!("`--dry-run` and `--execute` exclude each other");
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_dry_run_unless_told_otherwise() {
        let options = parse("connector-smtp --bump minor --registry=local").unwrap();
        assert_eq!((options.bump, options.execute, options.verify), (Some(Bump::Minor), false, true));
        assert_eq!((options.crates, options.registry), (vec!["connector-smtp".to_owned()], Some("local".to_owned())));
        assert!(parse("connector-smtp --execute").unwrap().execute);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for (line, reason) in [
            ("--execute", "which crate?"),
            ("connector-smtp --bump", "lacks its value"),
            ("connector-smtp --bump huge", "not `huge`"),
            ("connector-smtp --force", "no option `--force`"),
            ("connector-smtp connector-smtp", "named twice"),
            ("connector-smtp --dry-run --execute", "exclude each other"),
            ("connector-smtp --execute=false", "`--execute` takes no value"),
        ] {
            let error = parse(line).unwrap_err().to_string();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }
}
