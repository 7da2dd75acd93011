//! A crate's CHANGELOG.md: what is unreleased, and what a release makes of it.
//!
//! ```markdown
//! # Changelog
//!
//! ## Unreleased
//!
//! - What the next release brings.
//!
//! ## 0.1.0 - 2026-01-31
//!
//! - First version.
//! ```

use crate::workspace::Package;
use anyhow::{Context as _, Result};
use semver::Version;
use std::fs;
use std::path::PathBuf;

const UNRELEASED: &str = "## Unreleased";

/// The text, and its sections in order.
pub struct Changelog {
    /// What stands before the first section.
    preamble: String,
    sections: Vec<Section>,
}

struct Section {
    /// Its line, `## ` included.
    heading: String,
    body: String,
}

impl Section {
    fn is_unreleased(&self) -> bool {
        self.heading == UNRELEASED
    }

    /// The version, where the heading is `## 0.1.0 - 2026-01-31`.
    fn version(&self) -> Option<Version> {
        let (version, date) = self.heading.strip_prefix("## ")?.split_once(" - ")?;
        is_date(date).then(|| Version::parse(version).ok())?
    }
}

impl Changelog {
    pub fn file(package: &Package) -> PathBuf {
        package.folder().join("CHANGELOG.md")
    }

    pub fn read(package: &Package) -> Result<Self> {
        let file = Self::file(package);
        Ok(Self::parse(&fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?))
    }

    fn parse(text: &str) -> Self {
        let mut changelog = Self { preamble: String::new(), sections: Vec::new() };
        for line in text.lines() {
            if line.starts_with("## ") {
                let heading = line.trim_end().to_owned();
                changelog.sections.push(Section { heading, body: String::new() });
                continue;
            }
            let part = changelog.sections.last_mut().map_or(&mut changelog.preamble, |section| &mut section.body);
            part.push_str(line);
            part.push('\n');
        }
        changelog
    }

    /// What has changed since the last release; empty when nothing was written down.
    pub fn unreleased(&self) -> &str {
        let section = self.sections.iter().find(|section| section.is_unreleased());
        section.map_or("", |section| section.body.trim())
    }

    /// Whether anything is: headings and comments alone say nothing.
    pub fn has_notes(&self) -> bool {
        let mut text = self.unreleased();
        while let Some((before, rest)) = text.split_once("<!--") {
            if before.lines().any(is_note) {
                return true;
            }
            text = rest.split_once("-->").map_or("", |(_, after)| after);
        }
        text.lines().any(is_note)
    }

    /// Whether any version of the crate was released.
    pub fn has_releases(&self) -> bool {
        self.sections.iter().any(|section| section.version().is_some())
    }

    /// The text once `version` is released: what was unreleased, and then `further`, stands under it.
    pub fn released(&self, version: &Version, date: &str, further: &[String]) -> String {
        let mut text = format!("{}\n\n{UNRELEASED}\n\n## {version} - {date}\n\n", self.preamble.trim_end());
        let entries: Vec<&str> = std::iter::once(self.unreleased()).chain(further.iter().map(String::as_str)).collect();
        for entry in entries.into_iter().filter(|entry| !entry.is_empty()) {
            text += &format!("{entry}\n");
        }
        for section in self.sections.iter().filter(|section| !section.is_unreleased()) {
            text += &format!("\n{}\n\n{}\n", section.heading, section.body.trim());
        }
        text
    }

    /// What is not as this page's head says, for a crate of this version.
    pub fn problems(&self, current: &Version) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.preamble.starts_with("# Changelog\n") {
            problems.push("its first line must be `# Changelog`".to_owned());
        }
        if self.sections.first().is_none_or(|section| !section.is_unreleased()) {
            problems.push(format!(
                "its first section must be `{UNRELEASED}`, where changes are written down until their release"
            ));
        }
        if self.sections.iter().filter(|section| section.is_unreleased()).count() > 1 {
            problems.push(format!("`{UNRELEASED}` stands there twice"));
        }
        let mut newer: Option<Version> = None;
        for section in self.sections.iter().filter(|section| !section.is_unreleased()) {
            let Some(version) = section.version() else {
                problems.push(format!("`{}` must be `## <version> - <date>`", section.heading));
                continue;
            };
            match &newer {
                None if version != *current => {
                    problems.push(format!("its newest version is {version}, and Cargo.toml says {current}"));
                }
                Some(newer) if version >= *newer => problems.push(format!("{version} stands below {newer}")),
                _ => {}
            }
            newer = Some(version);
        }
        if newer.is_none() && !self.has_notes() {
            problems.push(format!("`{UNRELEASED}` is empty, and nothing was released yet: say what the crate can do"));
        }
        problems
    }
}

fn is_note(line: &str) -> bool {
    !line.trim().is_empty() && !line.starts_with('#')
}

/// Whether this is `2026-01-31`.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "# Changelog\n\nFor users.\n\n## Unreleased\n\n- First version.\n";

    #[test]
    fn a_release_dates_what_was_unreleased_and_begins_anew() {
        let first = Changelog::parse(FIRST);
        assert_eq!((first.unreleased(), first.has_releases()), ("- First version.", false));
        let text = first.released(&Version::new(0, 1, 0), "2026-01-31", &[]);
        assert_eq!(text, "# Changelog\n\nFor users.\n\n## Unreleased\n\n## 0.1.0 - 2026-01-31\n\n- First version.\n");

        let released = Changelog::parse(&text);
        assert_eq!((released.unreleased(), released.has_releases()), ("", true));
        assert_eq!(released.problems(&Version::new(0, 1, 0)), Vec::<String>::new());
        let second = released.released(&Version::new(0, 2, 0), "2026-02-01", &["- Needs more.".to_owned()]);
        let end =
            "## Unreleased\n\n## 0.2.0 - 2026-02-01\n\n- Needs more.\n\n## 0.1.0 - 2026-01-31\n\n- First version.\n";
        assert!(second.ends_with(end), "{second}");
    }

    #[test]
    fn other_forms_are_found() {
        let version = Version::new(0, 2, 0);
        for (text, fault) in [
            ("## Unreleased\n\n- x\n", "`# Changelog`"),
            ("# Changelog\n\n## 0.2.0 (unreleased)\n\n- x\n", "must be `## Unreleased`"),
            ("# Changelog\n\n## Unreleased\n\n## 0.2.0\n\n- x\n", "`## <version> - <date>`"),
            ("# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-01-31\n\n- x\n", "Cargo.toml says 0.2.0"),
            ("# Changelog\n\n## Unreleased\n\n## 0.2.0 - 2026-01-31\n\n## 0.3.0 - 2026-01-30\n", "0.3.0 stands below"),
            ("# Changelog\n\n## Unreleased\n", "is empty"),
            ("# Changelog\n\n## Unreleased\n\n### Added\n\n<!-- nothing\nyet -->\n", "is empty"),
            ("# Changelog\n\n## Unreleased\n\n- x\n\n## Unreleased\n\n- y\n", "twice"),
        ] {
            let found = Changelog::parse(text).problems(&version);
            assert!(found.iter().any(|problem| problem.contains(fault)), "{text}: {found:?}");
        }
        assert_eq!(Changelog::parse(FIRST).problems(&version), Vec::<String>::new());
    }
}
