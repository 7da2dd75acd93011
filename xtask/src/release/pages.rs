//! Guides show which version to require: a page that is copied must not lead to one that its code no longer fits.

use super::plan::Release;
use anyhow::{Context as _, Result};
use semver::Version;
use std::fs;
use std::path::Path;

/// Raises the requirements in these pages of the workspace at `root`.
pub fn write(root: &Path, pages: &[&str], releases: &[Release<'_>]) -> Result<()> {
    for page in pages {
        let file = root.join(page);
        let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
        let raised = releases.iter().fold(text.clone(), |text, release| match &release.from {
            Some(from) if release.is_breaking() => raise(&text, &release.package.name, from, &release.to),
            _ => text,
        });
        if raised != text {
            fs::write(&file, raised).with_context(|| format!("writing {}", file.display()))?;
        }
    }
    Ok(())
}

/// In lines of a manifest, `connector-kit = "0.1"` and `connector-kit = { version = "0.1", … }`.
fn raise(text: &str, name: &str, from: &Version, to: &Version) -> String {
    let start = format!("{name} = ");
    let (old, new) = (format!("\"{}\"", shortest(from)), format!("\"{}\"", shortest(to)));
    let line =
        |line: &str| if line.trim_start().starts_with(&start) { line.replacen(&old, &new, 1) } else { line.to_owned() };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// As much of a version as cargo needs to know what is compatible.
fn shortest(version: &Version) -> String {
    match version {
        Version { major: 0, minor, .. } => format!("0.{minor}"),
        Version { major, .. } => major.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_requirements_of_the_crate_are_raised() {
        let text = "connector-kit = \"0.1\"\n  connector-kit = \"0.1\"\nconnector-kit-x = \"0.1\"\n\
                    connector-kit = { version = \"0.1\", x = \"0.1\" }\n\
                    Say connector-kit = \"0.1\".\n";
        let raised = "connector-kit = \"0.2\"\n  connector-kit = \"0.2\"\nconnector-kit-x = \"0.1\"\n\
                      connector-kit = { version = \"0.2\", x = \"0.1\" }\n\
                      Say connector-kit = \"0.1\".\n";
        assert_eq!(raise(text, "connector-kit", &Version::new(0, 1, 3), &Version::new(0, 2, 0)), raised);
        let to_one = raise("a = \"0.2\"", "a", &Version::new(0, 2, 0), &Version::new(1, 0, 0));
        assert_eq!(to_one, "a = \"1\"");
    }
}
