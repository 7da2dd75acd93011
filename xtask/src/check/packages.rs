//! Every published crate makes a package, with what belongs in one.

use crate::run::{cargo, output, shown};
use crate::workspace::{Package, Workspace};
use anyhow::Result;

/// What a reader of the package on crates.io or docs.rs, or a distribution's packager, looks for.
const REQUIRED: [&str; 4] = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for package in workspace.published() {
        problems.extend(contents(workspace, package)?);
    }
    let names = workspace.published().flat_map(|package| ["--package", package.name.as_str()]);
    // All at once: cargo then resolves the crates among each other, as if those above were published already. They are
    // not built from the package here; `alone` builds each from the same files.
    let args = ["package", "--quiet", "--allow-dirty", "--no-verify"];
    problems.extend(shown(cargo(&workspace.root, args).args(names))?);
    Ok(problems)
}

fn contents(workspace: &Workspace, package: &Package) -> Result<Vec<String>> {
    let args = ["package", "--list", "--allow-dirty", "--package", package.name.as_str()];
    let listed = output(&mut cargo(&workspace.root, args))?;
    let missing = REQUIRED.into_iter().filter(|wanted| !listed.lines().any(|file| file == *wanted));
    let folder = workspace.relative(package.folder());
    Ok(missing
        .map(|file| {
            let remedy = match file {
                "LICENSE-MIT" | "LICENSE-APACHE" => {
                    format!(": `ln -s ../../{file} {folder}/`, cargo packs what it points to")
                }
                _ => String::new(),
            };
            format!("{}: its package has no {file}{remedy}", package.name)
        })
        .collect())
}
