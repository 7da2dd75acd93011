//! What a release comes to: the versions, who is released with it, and in which order.

use crate::workspace::{Package, Workspace};
use anyhow::{Result, bail};
use semver::{Comparator, Op, Version};

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
    /// Whether it brings more than what it requires of others: somebody asked for it, or its changelog has notes.
    changed: bool,
    /// The crates of this release that it follows, asked for or not.
    pub follows: Vec<String>,
    /// Whether it is the kit, or brings it to others.
    carries_kit: bool,
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

    /// Whether crates that were released on top of the version before meet this one as they are, by `cargo update`, and it
    /// brings them more than a requirement.
    pub fn is_update(&self) -> bool {
        self.changed && self.from.is_some() && !self.is_breaking()
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

/// What a crate's changelog says.
#[derive(Clone, Copy)]
pub struct Log {
    /// Whether any version was released.
    pub has_releases: bool,
    /// Whether anything is unreleased.
    pub has_notes: bool,
}

/// All crates of a release, each after those it depends on.
pub struct Plan<'w> {
    pub releases: Vec<Release<'w>>,
}

impl<'w> Plan<'w> {
    /// `log` is what a crate's changelog says.
    pub fn new(
        workspace: &'w Workspace,
        asked: &[&'w Package],
        bump: Option<Bump>,
        log: impl Fn(&Package) -> Result<Log>,
    ) -> Result<Self> {
        let mut first = Vec::new();
        for package in asked {
            if !log(package)?.has_releases {
                first.push(package.name.as_str());
            }
        }
        if bump.is_some() && first.len() == asked.len() {
            bail!(
                "{} was never released: a first release has the version of Cargo.toml. Leave `--bump` out",
                first.join(" and ")
            );
        }
        let mut releases: Vec<Release<'w>> = Vec::new();
        for package in in_order(workspace.published().collect()) {
            let current = package.semver()?;
            let asked = asked.iter().any(|asked| asked.id == package.id);
            let Log { has_releases, has_notes } = log(package)?;
            if !has_releases {
                if asked {
                    let (changed, carries_kit) = (true, package.is_kit());
                    let follows = Vec::new();
                    releases.push(Release { package, from: None, to: current, changed, follows, carries_kit });
                }
                continue;
            }
            // Whoever depends on what breaks is released with it. So is whoever builds on the kit: what it mends is to
            // reach those, too, who update no more than the crate they know.
            let leaders = releases.iter().filter(|other| package.depends_on(other.package));
            let leaders: Vec<_> = leaders.filter(|other| other.is_breaking() || other.carries_kit).collect();
            let bumps = leaders.iter().map(|leader| following(package, &current, leader));
            let bumps = bumps.chain(asked.then_some(bump.unwrap_or(Bump::Patch)));
            let Some(to) = bumps.map(|bump| bump.apply(&current)).max() else { continue };
            let follows = leaders.iter().map(|leader| leader.package.name.clone()).collect();
            let carries_kit = package.is_kit() || leaders.iter().any(|leader| leader.carries_kit);
            releases.push(Release {
                package,
                from: Some(current),
                to,
                changed: asked || has_notes,
                follows,
                carries_kit,
            });
        }
        match releases.iter().find(|release| !release.from.as_ref().unwrap_or(&release.to).pre.is_empty()) {
            Some(Release { package, .. }) => bail!(
                "{} is at {}: pre-releases are published by hand, with `cargo publish`",
                package.name,
                package.version
            ),
            None => Ok(Self { releases }),
        }
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

/// How a crate is raised that follows another. What it shows of one that breaks breaks with it, unless it is a program.
fn following(package: &Package, current: &Version, leader: &Release<'_>) -> Bump {
    match leader.is_breaking() && package.has_library() {
        true => Bump::breaking(current),
        false => Bump::Patch,
    }
}

/// Each after those it depends on.
fn in_order(mut packages: Vec<&Package>) -> Vec<&Package> {
    let mut ordered = Vec::new();
    while !packages.is_empty() {
        let waits = |package: &&Package| packages.iter().any(|other| package.depends_on(other));
        // Cargo allows no circle of dependencies, so there is always one that waits for none.
        let next = packages.iter().position(|package| !waits(package)).unwrap_or_default();
        ordered.push(packages.remove(next));
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

    fn plan(asked: &[&str], bump: Option<Bump>, never_released: &[&str]) -> Result<Vec<String>> {
        let house = house();
        let asked: Vec<&Package> = house.members().filter(|package| asked.contains(&package.name.as_str())).collect();
        let plan = Plan::new(&house, &asked, bump, |package| {
            Ok(Log { has_releases: !never_released.contains(&package.name.as_str()), has_notes: false })
        })?;
        Ok(plan.releases.iter().map(Release::title).collect())
    }

    #[test]
    fn a_connector_s_compatible_release_is_of_one_crate() {
        for bump in [None, Some(Bump::Patch)] {
            assert_eq!(plan(&["connector-smtp"], bump, &[]).unwrap(), ["connector-smtp 0.1.1"]);
        }
        let breaking = plan(&["connector-smtp"], Some(Bump::Minor), &[]).unwrap();
        assert_eq!(breaking, ["connector-smtp 0.2.0", "connector-registry 0.2.0", "connector-cli 0.1.1"]);
    }

    #[test]
    fn any_release_of_the_kit_is_of_everything_that_builds_on_it() {
        let all = plan(&["connector-kit"], None, &[]).unwrap();
        assert_eq!(
            all,
            [
                "connector-kit 0.1.1",
                "connector-mailgun 0.1.1",
                "connector-smtp 0.1.1",
                "connector-registry 0.1.1",
                "connector-cli 0.1.1"
            ]
        );
    }

    #[test]
    fn a_breaking_release_of_the_kit_is_of_everything_that_depends_on_it() {
        let all = [
            "connector-kit 0.2.0",
            "connector-mailgun 0.2.0",
            "connector-smtp 0.2.0",
            "connector-registry 0.2.0",
            "connector-cli 0.1.1",
        ];
        // Who is asked for, too, is raised as far as either needs, and takes others along.
        for asked in [&["connector-kit"][..], &["connector-registry", "connector-smtp", "connector-kit"]] {
            assert_eq!(plan(asked, Some(Bump::Minor), &[]).unwrap(), all);
        }
        let one = plan(&["connector-kit"], Some(Bump::Major), &["connector-mailgun", "connector-cli"]).unwrap();
        assert_eq!(one, ["connector-kit 1.0.0", "connector-smtp 0.2.0", "connector-registry 0.2.0"]);
    }

    #[test]
    fn a_pre_release_stands_in_the_way_of_its_own_release_alone() {
        let mut house = house();
        for package in house.packages.iter_mut().filter(|package| package.name == "connector-mailgun") {
            package.version = "0.2.0-rc.1".to_owned();
        }
        let of = |asked: &str| {
            let asked: Vec<&Package> = house.members().filter(|package| package.name == asked).collect();
            Plan::new(&house, &asked, None, |_| Ok(Log { has_releases: true, has_notes: false }))
                .map(|plan| plan.releases.len())
        };
        assert_eq!(of("connector-smtp").unwrap(), 1);
        for asked in ["connector-mailgun", "connector-kit"] {
            let error = of(asked).unwrap_err().to_string();
            assert!(error.contains("connector-mailgun is at 0.2.0-rc.1"), "{error}");
        }
    }

    #[test]
    fn the_first_release_keeps_its_version() {
        assert_eq!(plan(&["connector-smtp"], None, &["connector-smtp"]).unwrap(), ["connector-smtp 0.1.0"]);
        let refused = plan(&["connector-smtp"], Some(Bump::Minor), &["connector-smtp"]).unwrap_err().to_string();
        assert!(refused.contains("Leave `--bump` out"), "{refused}");
        // A new connector, written against a kit that breaks, goes with it.
        let with_kit = plan(&["connector-smtp", "connector-kit"], Some(Bump::Minor), &["connector-smtp"]).unwrap();
        assert!(with_kit.contains(&"connector-smtp 0.1.0".to_owned()), "{with_kit:?}");
        assert!(with_kit.contains(&"connector-registry 0.2.0".to_owned()), "{with_kit:?}");
    }
}
