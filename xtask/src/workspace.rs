//! The workspace as `cargo metadata` describes it.

use crate::run::{cargo, output};
use anyhow::{Context as _, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The workspace, and every package it is built from.
#[derive(Deserialize)]
pub struct Workspace {
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
    /// Ours and everybody else's.
    pub packages: Vec<Package>,
    /// Whether this run has built all of it.
    #[serde(skip)]
    pub built: bool,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    dependencies: Vec<String>,
}

#[derive(Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    /// The registry it comes from; none for a package on this disk.
    pub source: Option<String>,
    pub manifest_path: PathBuf,
    pub license: Option<String>,
    pub license_file: Option<String>,
    pub description: Option<String>,
    pub repository: Option<String>,
    pub rust_version: Option<String>,
    pub readme: Option<String>,
    pub keywords: Vec<String>,
    pub categories: Vec<String>,
    pub dependencies: Vec<Dependency>,
    pub features: BTreeMap<String, Vec<String>>,
    pub targets: Vec<Target>,
    /// The registries it may be published to: none stated means any, an empty list means never.
    publish: Option<Vec<String>>,
}

#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
    pub req: String,
    /// `dev`, `build`, or none for a normal one.
    pub kind: Option<String>,
    pub optional: bool,
}

#[derive(Deserialize)]
pub struct Target {
    pub kind: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Result<Self> {
        Self::described(&[])
    }

    /// Asks cargo, which then leaves the lock file alone and fails where it is not up to date.
    pub fn load_locked() -> Result<Self> {
        Self::described(&["--locked"])
    }

    fn described(args: &[&str]) -> Result<Self> {
        let here = std::env::current_dir().context("the current folder is gone")?;
        // Set by `cargo run`; without it we were started by hand, and the current folder has to do.
        let root = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(manifest) => PathBuf::from(manifest).join(".."),
            None => here,
        };
        let metadata = output(cargo(&root, ["metadata", "--format-version", "1", "--all-features"]).args(args))?;
        serde_json::from_str(&metadata).context("cargo metadata's answer cannot be read")
    }

    /// Our own packages.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Those of our packages that are published.
    pub fn published(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| package.is_published())
    }

    /// Who depends on a package directly, with all features on.
    pub fn dependents(&self, package: &Package) -> impl Iterator<Item = &Package> {
        let nodes = self.resolve.nodes.iter().filter(|node| node.dependencies.contains(&package.id));
        let ids: Vec<&str> = nodes.map(|node| node.id.as_str()).collect();
        self.packages.iter().filter(move |package| ids.contains(&package.id.as_str()))
    }

    /// A path as a person in the root would write it.
    pub fn relative<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(&self.root).unwrap_or(path).display()
    }
}

impl Package {
    pub fn is_published(&self) -> bool {
        self.publish.as_ref().is_none_or(|registries| !registries.is_empty())
    }

    pub fn semver(&self) -> Result<semver::Version> {
        semver::Version::parse(&self.version).with_context(|| format!("the version of {}", self.name))
    }

    /// What it takes to build it: its dependencies but for those of its tests.
    pub fn requirements(&self) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(|dependency| dependency.kind.as_deref() != Some("dev"))
    }

    /// Whether it takes the other one to build it.
    pub fn depends_on(&self, other: &Self) -> bool {
        self.requirements().any(|dependency| dependency.name == other.name)
    }

    /// Whether it is the crate that all connectors build on.
    pub fn is_kit(&self) -> bool {
        self.name == "connector-kit"
    }

    /// Whether it is a provider's connector, and not one of the crates around them.
    pub fn is_connector(&self) -> bool {
        const AROUND: [&str; 7] = ["kit", "registry", "service", "store", "server", "cli", "testkit"];
        self.provider().is_some_and(|provider| !AROUND.contains(&provider))
    }

    /// What its name says after `connector-`.
    pub fn provider(&self) -> Option<&str> {
        self.name.strip_prefix("connector-")
    }

    pub fn has_library(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "proc-macro"))
    }

    /// The folder its manifest is in.
    pub fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

#[cfg(test)]
pub mod tests {
    //! Workspaces that exist only on paper, for testing the rules.

    use super::Workspace;
    use serde_json::{Value, json};

    pub fn dependency(name: &str, req: &str, kind: Option<&str>) -> Value {
        json!({ "name": name, "req": req, "kind": kind, "optional": false })
    }

    /// A published member with these dependencies.
    pub fn package(name: &str, dependencies: &[Value]) -> Value {
        json!({
            "id": name, "name": name, "version": "0.1.0", "manifest_path": format!("crates/{name}/Cargo.toml"),
            "license": "MIT", "keywords": [], "categories": [], "dependencies": dependencies, "features": {}, "targets": [],
        })
    }

    /// All of them members, each depending on those it names.
    pub fn workspace(packages: &[Value]) -> Workspace {
        let names = |package: &Value| -> Vec<Value> {
            let dependencies = package["dependencies"].as_array().unwrap();
            dependencies.iter().map(|dependency| dependency["name"].clone()).collect()
        };
        let nodes: Vec<Value> =
            packages.iter().map(|package| json!({ "id": package["id"], "dependencies": names(package) })).collect();
        let ids: Vec<&Value> = packages.iter().map(|package| &package["id"]).collect();
        let metadata = json!({
            "workspace_root": "", "target_directory": "target", "packages": packages, "workspace_members": ids,
            "resolve": { "nodes": nodes },
        });
        serde_json::from_value(metadata).unwrap()
    }
}
