//! Every connector crate is laid out like the others.

use crate::workspace::{Package, Workspace};
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let connectors = workspace.members().filter(|package| package.is_connector());
    Ok(connectors.flat_map(|connector| missing(workspace, connector)).collect())
}

fn missing(workspace: &Workspace, connector: &Package) -> Vec<String> {
    let folder = connector.folder();
    let provider = connector.provider().unwrap_or_default();
    let files = ["Cargo.toml", "README.md", "CHANGELOG.md", "logo.svg", "src/lib.rs", "src/config.rs"];
    let files = files.map(str::to_owned).into_iter().chain([format!("src/{}.rs", provider.replace('-', "_"))]);
    let absent = files.map(|file| folder.join(file)).filter(|file| !file.is_file());
    let mut problems: Vec<String> = absent.map(|file| format!("{} is missing", workspace.relative(&file))).collect();

    let tests = folder.join("tests");
    if !tests.is_dir() {
        problems.push(format!(
            "{} is missing: every connector runs the conformance suite there",
            workspace.relative(&tests)
        ));
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    if name != connector.name {
        problems.push(format!(
            "{} holds {}: a crate is named like its folder",
            workspace.relative(folder),
            connector.name
        ));
    }
    problems
}
