//! Who may know whom: dependencies between our crates run one way, and what they pull in stays where it belongs.

use crate::run::{cargo, output};
use crate::workspace::{Dependency, Package, Workspace};
use anyhow::Result;
use std::collections::BTreeSet;

/// What a crate is in this house.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Kit,
    Connector,
    Registry,
    VerificationCode,
    Service,
    Store,
    Server,
    Cli,
    Testkit,
    /// Crates that are never published and may use everything: the benchmarks, the end-to-end tests, the fuzz targets,
    /// and what puts examples on the wire for the generated pages.
    Bench,
    Xtask,
}

use Role::{Bench, Cli, Connector, Kit, Registry, Server, Service, Store, Testkit, VerificationCode, Xtask};

impl Role {
    fn of(package: &Package) -> Option<Self> {
        Some(match package.name.as_str() {
            _ if package.is_kit() => Kit,
            "connector-registry" => Registry,
            "verification-code" => VerificationCode,
            "connector-service" => Service,
            "connector-store" => Store,
            "connector-server" => Server,
            "connector-cli" => Cli,
            "connector-testkit" => Testkit,
            "bench" | "e2e" | "fuzz" | "wire" => Bench,
            "xtask" => Xtask,
            _ if package.is_connector() => Connector,
            _ => return None,
        })
    }

    /// Whom a crate may depend on, to be built.
    const fn may_know(self) -> &'static [Self] {
        match self {
            Kit | VerificationCode | Xtask => &[],
            Connector | Testkit => &[Kit],
            Registry => &[Kit, Connector],
            Store => &[Registry, VerificationCode],
            // Stores are behind contracts: who puts the parts together chooses one.
            Service => &[Kit, Registry, VerificationCode],
            Server => &[Registry, VerificationCode, Service, Store],
            Cli => &[Kit, Connector, Registry, VerificationCode, Service, Store, Server],
            Bench => &[Kit, Connector, Registry, VerificationCode, Service, Store, Server, Testkit],
        }
    }
}

/// Crates by the beginning of their name, and the only crate of ours through which they may come.
const RESERVED: [(&str, &str); 2] = [("lettre", "connector-smtp"), ("aws-", "connector-aws-ses")];

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = arrows(workspace);
    for package in workspace.published() {
        problems.extend(trespassing(package, &reached(workspace, package)?));
    }
    Ok(problems)
}

/// What is wrong between our own crates.
fn arrows(workspace: &Workspace) -> Vec<String> {
    let mut problems = Vec::new();
    for package in workspace.members() {
        let Some(role) = Role::of(package) else {
            let here = file!();
            problems.push(format!("{} has no role yet: say in {here} what it is and whom it may know", package.name));
            continue;
        };
        for dependency in &package.dependencies {
            let ours = workspace.members().find(|other| other.name == dependency.name);
            if let Some(other) = ours {
                problems.extend(arrow(package, role, dependency, other));
            }
        }
        if role == Registry {
            problems.extend(registry_features(workspace, package));
        }
    }
    problems
}

/// What is wrong with one arrow between two of our crates.
fn arrow(from: &Package, role: Role, dependency: &Dependency, to: &Package) -> Option<String> {
    let (from_name, to_name) = (&from.name, &to.name);
    let versioned = dependency.req != "*";
    if dependency.kind.as_deref() == Some("dev") {
        // `cargo publish` drops a development dependency without a version; with one, it must be on crates.io first.
        return (from.is_published() && versioned && !allowed(role, to)).then(|| {
            format!("{from_name}: the dev-dependency {to_name} has a version; give its path alone, so that publishing does not wait for it")
        });
    }
    if from.is_published() && !to.is_published() {
        return Some(format!("{from_name} is published and {to_name} never is: it can be a dev-dependency at most"));
    }
    if !allowed(role, to) {
        let known: Vec<String> = role.may_know().iter().map(|role| format!("{role:?}")).collect();
        let known = if known.is_empty() { "none of our crates".to_owned() } else { known.join(", ") };
        return Some(format!("{from_name} depends on {to_name}, but a {role:?} may know only: {known}"));
    }
    None
}

fn allowed(role: Role, to: &Package) -> bool {
    Role::of(to).is_some_and(|to| role.may_know().contains(&to))
}

/// In the registry every connector hides behind a feature of its name, with or without `connector-`, on by default.
fn registry_features(workspace: &Workspace, registry: &Package) -> Vec<String> {
    let mut problems = Vec::new();
    let defaults = registry.features.get("default").map(Vec::as_slice).unwrap_or_default();
    for connector in workspace.members().filter(|package| Role::of(package) == Some(Connector)) {
        let name = connector.name.as_str();
        let Some(dependency) = registry.dependencies.iter().find(|dependency| dependency.name == name) else {
            problems.push(format!(
                "connector-registry does not know {name}: add it as an optional dependency with its feature"
            ));
            continue;
        };
        if !dependency.optional {
            problems.push(format!("connector-registry: {name} must be optional"));
        }
        let names = [Some(name), connector.provider()];
        let feature = names.into_iter().flatten().find(|feature| {
            let turns_on = registry.features.get(*feature).map(Vec::as_slice).unwrap_or_default();
            turns_on.iter().any(|on| *on == format!("dep:{name}"))
        });
        match feature {
            None => problems.push(format!("connector-registry: no feature of the name turns on \"dep:{name}\"")),
            Some(feature) if !defaults.iter().any(|on| on == feature) => {
                problems.push(format!("connector-registry: the feature {feature} must be among the default ones"));
            }
            Some(_) => {}
        }
    }
    problems
}

/// Every crate that a user of this one builds, on whatever system and with every feature.
fn reached(workspace: &Workspace, package: &Package) -> Result<BTreeSet<String>> {
    // `cargo tree` and not the workspace's metadata: there, features another member turns on would count as well.
    let args =
        ["tree", "--all-features", "--target", "all", "--edges", "normal,build", "--prefix", "none", "--package"];
    let tree = output(cargo(&workspace.root, args).arg(&package.name))?;
    Ok(tree.lines().filter_map(|line| line.split_ascii_whitespace().next()).map(str::to_owned).collect())
}

fn trespassing(package: &Package, reached: &BTreeSet<String>) -> Vec<String> {
    let mut problems = Vec::new();
    for (prefix, door) in RESERVED {
        let crates: Vec<&str> = reached.iter().filter(|name| name.starts_with(prefix)).map(String::as_str).collect();
        if !crates.is_empty() && !reached.contains(door) {
            problems.push(format!("{} pulls in {}, which belongs to {door} alone", package.name, crates.join(", ")));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::tests::{dependency, package, workspace};
    use serde_json::json;

    fn problems(packages: &[serde_json::Value]) -> Vec<String> {
        arrows(&workspace(packages))
    }

    #[test]
    fn arrows_run_one_way() {
        let kit = package("connector-kit", &[]);
        let smtp = package("connector-smtp", &[dependency("connector-kit", "^0.1.0", None)]);
        assert_eq!(problems(&[kit.clone(), smtp.clone()]), Vec::<String>::new());

        let kit_knows = package("connector-kit", &[dependency("connector-smtp", "^0.1.0", None)]);
        let found = problems(&[kit_knows, smtp.clone()]);
        assert!(found[0].contains("connector-kit depends on connector-smtp"), "{found:?}");

        let sibling = package("connector-mailgun", &[dependency("connector-smtp", "^0.1.0", Some("build"))]);
        let found = problems(&[kit, smtp, sibling]);
        assert!(found[0].contains("a Connector may know only: Kit"), "{found:?}");

        let found = problems(&[package("surprise", &[])]);
        assert!(found[0].contains("surprise has no role yet"), "{found:?}");
    }

    #[test]
    fn the_testkit_is_a_development_dependency_by_path() {
        let mut testkit = package("connector-testkit", &[]);
        testkit["publish"] = json!([]);
        for (req, kind, fine) in [("*", Some("dev"), true), ("^0.0.0", Some("dev"), false), ("*", None, false)] {
            let kit = package("connector-kit", &[dependency("connector-testkit", req, kind)]);
            assert_eq!(problems(&[kit, testkit.clone()]).is_empty(), fine, "{req} {kind:?}");
        }
    }

    #[test]
    fn the_registry_hides_each_connector_behind_a_feature() {
        let smtp = package("connector-smtp", &[]);
        let mut optional = dependency("connector-smtp", "^0.1.0", None);
        optional["optional"] = json!(true);
        let with = |dependencies: &[serde_json::Value], features: serde_json::Value| {
            let mut registry = package("connector-registry", dependencies);
            registry["features"] = features;
            problems(&[smtp.clone(), registry])
        };
        let on = json!({ "default": ["smtp"], "smtp": ["dep:connector-smtp"] });
        assert_eq!(with(std::slice::from_ref(&optional), on.clone()), Vec::<String>::new());
        for (dependencies, features, message) in [
            (vec![], json!({}), "does not know connector-smtp"),
            (vec![dependency("connector-smtp", "^0.1.0", None)], on, "must be optional"),
            (
                vec![optional.clone()],
                json!({ "default": ["mail"], "mail": ["dep:connector-smtp"] }),
                "no feature of the name",
            ),
            (
                vec![optional],
                json!({ "default": [], "smtp": ["dep:connector-smtp"] }),
                "must be among the default ones",
            ),
        ] {
            let found = with(&dependencies, features);
            assert!(found.len() == 1 && found[0].contains(message), "{message}: {found:?}");
        }
    }

    #[test]
    fn what_belongs_to_one_connector_comes_through_it() {
        let workspace = workspace(&[package("connector-sendgrid", &[])]);
        let sendgrid = &workspace.packages[0];
        let reaches = |names: &[&str]| trespassing(sendgrid, &names.iter().map(|name| (*name).to_owned()).collect());
        assert!(reaches(&["serde", "connector-smtp", "lettre"]).is_empty());
        assert_eq!(reaches(&["lettre"]), ["connector-sendgrid pulls in lettre, which belongs to connector-smtp alone"]);
        assert_eq!(reaches(&["aws-config", "aws-sdk-sesv2"]).len(), 1);
    }
}
