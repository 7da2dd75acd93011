//! Every published crate builds by itself, and so do its tests: no other member's features stand in for a dependency it
//! forgot.

use crate::run::{cargo, shown};
use crate::workspace::{Package, Workspace};
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in workspace.published() {
        // Without features of its own there is nothing to turn off.
        let without: &[bool] = if package.features.is_empty() { &[false] } else { &[true, false] };
        for &without in without {
            let target = if package.has_library() { "--lib" } else { "--bins" };
            problems.extend(build(workspace, package, target, without)?);
        }
        // Apart from the library: what only its tests depend on lends it features, too.
        problems.extend(build(workspace, package, "--tests", false)?);
    }
    Ok(problems)
}

/// With clippy, which is `cargo check` and also sees what only this set of features leaves unused.
fn build(workspace: &Workspace, package: &Package, target: &str, without_features: bool) -> Result<Vec<String>> {
    let mut command = cargo(&workspace.root, ["clippy", "--quiet", "--package", &package.name, target]);
    if without_features {
        command.arg("--no-default-features");
    }
    let what = if without_features { " without features" } else { "" };
    eprintln!("   {} {}{what}", package.name, target.trim_start_matches('-'));
    shown(command.args(["--", "-D", "warnings"]))
}
