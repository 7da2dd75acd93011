//! Every published crate builds by itself: no other member's features stand in for a dependency it forgot.

use crate::run::{cargo, shown};
use crate::workspace::{Package, Workspace};
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in workspace.published() {
        // Without features of its own there is nothing to turn off.
        let without: &[bool] = if package.features.is_empty() { &[false] } else { &[true, false] };
        for &without in without {
            problems.extend(build(workspace, package, without)?);
        }
    }
    Ok(problems)
}

/// With clippy, which is `cargo check` and also sees what only this set of features leaves unused.
fn build(workspace: &Workspace, package: &Package, without_features: bool) -> Result<Vec<String>> {
    let mut command = cargo(&workspace.root, ["clippy", "--quiet", "--package", &package.name]);
    command.arg(if package.has_library() { "--lib" } else { "--bins" });
    if without_features {
        command.arg("--no-default-features");
    }
    eprintln!("   {}{}", package.name, if without_features { " without features" } else { "" });
    shown(command.args(["--", "-D", "warnings"]))
}
