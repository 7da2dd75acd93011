//! The manifests of a release: the crates' versions, and what the workspace requires of them.

use super::plan::Release;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use std::fs;
use std::path::Path;
use toml_edit::{DocumentMut, Item, value};

/// Writes the versions into the workspace's copy at `root`.
pub fn write(workspace: &Workspace, releases: &[Release<'_>], root: &Path) -> Result<()> {
    for release in releases {
        let manifest = workspace.relative(&release.package.manifest_path).to_string();
        edit(&root.join(manifest), |document| {
            let version = document.get_mut("package").and_then(|package| package.get_mut("version"));
            let version =
                version.filter(|version| version.is_str()).context("[package] states no version of its own")?;
            raise(version, release);
            Ok(())
        })?;
    }
    edit(&root.join("Cargo.toml"), |document| {
        for release in releases {
            let name = release.package.name.as_str();
            // No crate of ours may depend on it yet: then there is no line for it.
            if let Some(version) = requirement(document, name) {
                raise(version, release);
            }
        }
        Ok(())
    })
}

/// Puts the new version in place of the former one, and leaves what stands around it.
fn raise(version: &mut Item, release: &Release<'_>) {
    let decor = version.as_value().map(|former| former.decor().clone()).unwrap_or_default();
    *version = value(release.to.to_string());
    if let Some(value) = version.as_value_mut() {
        *value.decor_mut() = decor;
    }
}

/// The version in the line of [workspace.dependencies] that all our crates take a crate of ours from.
fn requirement<'d>(document: &'d mut DocumentMut, name: &str) -> Option<&'d mut Item> {
    document.get_mut("workspace")?.get_mut("dependencies")?.get_mut(name)?.get_mut("version")
}

fn edit(file: &Path, change: impl FnOnce(&mut DocumentMut) -> Result<()>) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut document: DocumentMut = text.parse().with_context(|| format!("reading {}", file.display()))?;
    change(&mut document).with_context(|| file.display().to_string())?;
    fs::write(file, document.to_string()).with_context(|| format!("writing {}", file.display()))
}
