//! Published crates write their changes down in one form, which `cargo xtask release` reads and dates.

use crate::release::Changelog;
use crate::workspace::{Package, Workspace};
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let problems: Result<Vec<Vec<String>>> =
        workspace.published().map(|package| problems(workspace, package)).collect();
    Ok(problems?.concat())
}

fn problems(workspace: &Workspace, package: &Package) -> Result<Vec<String>> {
    let file = Changelog::file(package);
    let found = Changelog::read(package)?.problems(&package.semver()?);
    Ok(found.into_iter().map(|problem| format!("{}: {problem}", workspace.relative(&file))).collect())
}
