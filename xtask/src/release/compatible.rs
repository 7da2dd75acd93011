//! Whether a version keeps what its number promises: to those who read the public API, and to the crates that were
//! released on top of it.

use super::git::Copy;
use super::plan::{Plan, Release};
use super::registry::Registry;
use crate::run::{cargo, output, shown};
use crate::workspace::{Package, Workspace};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::Path;
use toml_edit::{Array, DocumentMut, InlineTable, table, value};

/// Has cargo-semver-checks compare the public API with that of the version before, where it is installed.
pub fn public_api(workspace: &Workspace, release: &Release<'_>, copy: &Copy) -> Result<()> {
    let (Some(from), true) = (&release.from, release.package.has_library()) else { return Ok(()) };
    let name = release.package.name.as_str();
    if output(&mut cargo(&workspace.root, ["semver-checks", "--version"])).is_err() {
        println!(
            "   {name}: the public API was not compared with that of {from}: cargo-semver-checks is not installed \
             (`cargo install --locked cargo-semver-checks`)"
        );
        return Ok(());
    }
    // What the step from one version to the other promises, it reads from the manifests.
    let mut compare = cargo(&workspace.root, ["semver-checks", "--package", name, "--baseline-rev"]);
    compare.arg(format!("{name}-v{from}")).arg("--manifest-path").arg(copy.root().join("Cargo.toml"));
    if let Some(problem) = shown(&mut compare)?.first() {
        bail!(
            "cargo-semver-checks does not let {} pass (it says why above): {problem}. Undo what breaks, or release \
             {} by itself with a higher `--bump`",
            release.title(),
            release.package.name
        );
    }
    Ok(())
}

/// Builds the crates that were released on top of the ones before, as they are in the registry, with the packages of
/// this release: `cargo update` is going to put the two together on somebody's machine.
pub fn dependents(workspace: &Workspace, plan: &Plan<'_>, copy: &Copy, registry: &Registry) -> Result<()> {
    let updates: Vec<&Release<'_>> = plan.releases.iter().filter(|release| release.is_update()).collect();
    for update in &updates {
        let mut together = Vec::new();
        for dependent in workspace.published().filter(|dependent| dependent.depends_on(update.package)) {
            // For a program there is nothing to build.
            if dependent.has_library() && registry.has(&workspace.root, &dependent.name, &dependent.semver()?)? {
                together.push(dependent);
            }
        }
        if !together.is_empty() {
            with_dependents(workspace, update, &updates, &together, copy, registry)?;
        }
    }
    Ok(())
}

/// Builds `together` as they were released, on top of `update`.
fn with_dependents(
    workspace: &Workspace,
    update: &Release<'_>,
    updates: &[&Release<'_>],
    together: &[&Package],
    copy: &Copy,
    registry: &Registry,
) -> Result<()> {
    let mut manifest: DocumentMut = "[package]\nname = \"dependents\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
                                     [workspace]\n[dependencies]\n"
        .parse()
        .context("the manifest of the crate that brings the dependents together")?;
    for dependent in together {
        manifest["dependencies"][&dependent.name] = value(dependency(dependent, updates, registry));
    }
    let patched = registry.name.as_str();
    manifest["patch"] = table();
    manifest["patch"][patched] = table();
    for release in updates {
        // Where cargo unpacked the tarball to build it.
        let unpacked = workspace.target.join(format!("package/{}-{}", release.package.name, release.to));
        let path = InlineTable::from_iter([("path", unpacked.to_string_lossy().into_owned())]);
        manifest["patch"][patched][&release.package.name] = value(path);
    }
    let names = together.iter().map(|dependent| dependent.name.as_str()).collect::<Vec<_>>().join(", ");
    println!("   {} with what depends on it: {names}", update.title());
    let folder = copy.beside(&format!("with-{}", update.package.name));
    write(&folder, &manifest.to_string())?;
    // Everything else as it was tried here: a third party's new version is nobody's fault in this release.
    fs::copy(workspace.root.join("Cargo.lock"), folder.join("Cargo.lock")).context("copying the lock file")?;
    let mut check = cargo(&workspace.root, ["check", "--quiet", "--manifest-path"]);
    check.arg(folder.join("Cargo.toml")).env("CARGO_TARGET_DIR", &workspace.target);
    if shown(&mut check)?.is_empty() {
        return Ok(());
    }
    bail!(
        "what was released on top of it no longer builds with it ({names}): undo what broke them, or release {} with a \
         higher `--bump`",
        update.package.name
    )
}

/// A dependency on the released version, with no more features than bring in what is released here.
fn dependency(dependent: &Package, updates: &[&Release<'_>], registry: &Registry) -> InlineTable {
    let mut table = InlineTable::from_iter([("version", format!("={}", dependent.version))]);
    if let Some(name) = registry.of_dependency() {
        table.insert("registry", name.into());
    }
    let updated = |name: &str| updates.iter().any(|update| update.package.name == name);
    let optional: Vec<String> = dependent
        .requirements()
        .filter(|needed| needed.optional && updated(&needed.name))
        .map(|needed| format!("dep:{}", needed.name))
        .collect();
    if !optional.is_empty() {
        let on = dependent.features.iter().filter(|(_, turns_on)| turns_on.iter().any(|on| optional.contains(on)));
        table.insert("default-features", false.into());
        table.insert("features", on.map(|(feature, _)| feature.as_str()).collect::<Array>().into());
    }
    table
}

fn write(folder: &Path, manifest: &str) -> Result<()> {
    let source = folder.join("src");
    fs::create_dir_all(&source).with_context(|| format!("creating {}", source.display()))?;
    fs::write(source.join("lib.rs"), "")?;
    fs::write(folder.join("Cargo.toml"), manifest).with_context(|| format!("writing in {}", folder.display()))
}
