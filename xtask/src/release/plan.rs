//! What a release comes to: the versions, who is released with it, and in which order.

use crate::workspace::{Package, Workspace};
use anyhow::{Result, bail};
use semver::{Comparator, Op, Version};
use std::collections::BTreeSet;

/// Which part of a version is raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bump {
    Patch,
    Minor,
    Major,
}

impl Bump {
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "patch" => Self::Patch,
            "minor" => Self::Minor,
            "major" => Self::Major,
            _ => bail!("`--bump` takes patch, minor or major, not `{text}`"),
        })
    }

    fn apply(self, version: &Version) -> Version {
        let Version { major, minor, patch, .. } = *version;
        match self {
            Self::Patch => Version::new(major, minor, patch + 1),
            Self::Minor => Version::new(major, minor + 1, 0),
            Self::Major => Version::new(major + 1, 0, 0),
        }
    }

    /// The smallest that breaks: cargo takes 0.1 and 0.2 for incompatible, as 1 and 2.
    fn breaking(version: &Version) -> Self {
        match (version.major, version.minor) {
            (0, 0) => Self::Patch,
            (0, _) => Self::Minor,
            _ => Self::Major,
        }
    }
}

/// One crate of a release.
pub struct Release<'w> {
    pub package: &'w Package,
    /// The version released last; none before the first release, which keeps the version that the crate has.
    pub from: Option<Version>,
    pub to: Version,
    /// The crates that it must follow; none when it was asked for itself.
    pub follows: Vec<String>,
}

impl Release<'_> {
    /// Whether those who require the version before do not take this one.
    pub fn is_breaking(&self) -> bool {
        let caret = |from: &Version| Comparator {
            op: Op::Caret,
            major: from.major,
            minor: Some(from.minor),
            patch: Some(from.patch),
            pre: from.pre.clone(),
        };
        self.from.as_ref().is_some_and(|from| !caret(from).matches(&self.to))
    }

    /// `connector-smtp-v0.1.1`.
    pub fn tag(&self) -> String {
        format!("{}-v{}", self.package.name, self.to)
    }

    /// `connector-smtp 0.1.1`.
    pub fn title(&self) -> String {
        format!("{} {}", self.package.name, self.to)
    }
}

/// All crates of a release, each after those it depends on.
pub struct Plan<'w> {
    pub releases: Vec<Release<'w>>,
}

impl<'w> Plan<'w> {
    /// `released` says whether a crate was ever released.
    pub fn new(
        workspace: &'w Workspace,
        asked: &[&'w Package],
        bump: Option<Bump>,
        released: impl Fn(&Package) -> Result<bool>,
    ) -> Result<Self> {
        let mut releases: Vec<Release<'w>> = Vec::new();
        for package in asked {
            let current = package.semver()?;
            let first = !released(package)?;
            if first && bump.is_some() {
                bail!(
                    "{} was never released: its first release has the version of its Cargo.toml, {current}. Leave \
                     `--bump` out",
                    package.name
                );
            }
            let to = if first { current.clone() } else { bump.unwrap_or(Bump::Patch).apply(&current) };
            releases.push(Release { package, from: (!first).then_some(current), to, follows: Vec::new() });
        }
        // Whoever depends on what breaks is released with it, and so on from there.
        let mut at = 0;
        while at < releases.len() {
            if releases[at].is_breaking() {
                let broken = releases[at].package;
                for dependent in workspace.published().filter(|package| package.depends_on(broken)) {
                    if released(dependent)? {
                        follow(&mut releases, dependent, &broken.name)?;
                    }
                }
            }
            at += 1;
        }
        Ok(Self { releases: in_order(releases) })
    }

    pub fn has(&self, package: &Package) -> bool {
        self.releases.iter().any(|release| release.package.id == package.id)
    }

    /// Published crates that depend on one of these and are not released with them.
    pub fn untouched_dependents(&self, workspace: &'w Workspace) -> Vec<&'w Package> {
        let depends = |package: &&Package| self.releases.iter().any(|release| package.depends_on(release.package));
        workspace.published().filter(|package| !self.has(package)).filter(depends).collect()
    }
}

/// Releases a dependent, too. What it shows of the broken crate breaks with it, unless it is a program.
fn follow<'w>(releases: &mut Vec<Release<'w>>, dependent: &'w Package, broken: &str) -> Result<()> {
    let current = dependent.semver()?;
    let bump = if dependent.has_library() { Bump::breaking(&current) } else { Bump::Patch };
    let to = bump.apply(&current);
    match releases.iter_mut().find(|release| release.package.id == dependent.id) {
        Some(known) => {
            known.follows.push(broken.to_owned());
            known.to = std::cmp::max(to, known.to.clone());
        }
        None => {
            let follows = vec![broken.to_owned()];
            releases.push(Release { package: dependent, from: Some(current), to, follows });
        }
    }
    Ok(())
}

/// Each after those it depends on.
fn in_order(mut releases: Vec<Release<'_>>) -> Vec<Release<'_>> {
    let mut ordered: Vec<Release<'_>> = Vec::new();
    while !releases.is_empty() {
        let waiting: BTreeSet<&str> = releases.iter().map(|release| release.package.name.as_str()).collect();
        let waits = |package: &Package| {
            package.requirements().any(|needed| needed.name != package.name && waiting.contains(needed.name.as_str()))
        };
        // Cargo allows no circle of dependencies, so there is always one that waits for none.
        let next = releases.iter().position(|release| !waits(release.package)).unwrap_or_default();
        ordered.push(releases.remove(next));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::{dependency, package, workspace};
    use serde_json::{Value, json};

    /// A kit, two connectors, a registry and a program, in no useful order.
    fn house() -> Workspace {
        let on = |names: &[&str]| -> Vec<Value> { names.iter().map(|name| dependency(name, "^0.1.0", None)).collect() };
        let with = |name: &str, dependencies: &[&str], kind: &str| {
            let mut package = package(name, &on(dependencies));
            package["targets"] = json!([{ "kind": [kind] }]);
            package
        };
        workspace(&[
            with("connector-cli", &["connector-registry"], "bin"),
            with("connector-registry", &["connector-kit", "connector-smtp", "connector-mailgun"], "lib"),
            with("connector-mailgun", &["connector-kit"], "lib"),
            with("connector-smtp", &["connector-kit"], "lib"),
            with("connector-kit", &[], "lib"),
        ])
    }

    fn plan(asked: &str, bump: Option<Bump>, never_released: &[&str]) -> Result<Vec<String>> {
        let house = house();
        let asked: Vec<&Package> = house.members().filter(|package| package.name == asked).collect();
        let plan = Plan::new(&house, &asked, bump, |package| Ok(!never_released.contains(&package.name.as_str())))?;
        Ok(plan.releases.iter().map(Release::title).collect())
    }

    #[test]
    fn a_compatible_release_is_of_one_crate() {
        for (bump, version) in [(None, "0.1.1"), (Some(Bump::Patch), "0.1.1")] {
            assert_eq!(plan("connector-kit", bump, &[]).unwrap(), [format!("connector-kit {version}")]);
        }
    }

    #[test]
    fn a_breaking_release_of_the_kit_is_of_everything_that_depends_on_it() {
        let all = plan("connector-kit", Some(Bump::Minor), &[]).unwrap();
        assert_eq!(
            all,
            [
                "connector-kit 0.2.0",
                "connector-mailgun 0.2.0",
                "connector-smtp 0.2.0",
                "connector-registry 0.2.0",
                "connector-cli 0.1.1"
            ]
        );
        let one = plan("connector-kit", Some(Bump::Major), &["connector-mailgun", "connector-cli"]).unwrap();
        assert_eq!(one, ["connector-kit 1.0.0", "connector-smtp 0.2.0", "connector-registry 0.2.0"]);
    }

    #[test]
    fn the_first_release_keeps_its_version() {
        assert_eq!(plan("connector-smtp", None, &["connector-smtp"]).unwrap(), ["connector-smtp 0.1.0"]);
        let refused = plan("connector-smtp", Some(Bump::Minor), &["connector-smtp"]).unwrap_err().to_string();
        assert!(refused.contains("Leave `--bump` out"), "{refused}");
    }
}
