//! `cargo xtask release`: from the unreleased changelog to a published, tagged version, one crate at a time.

mod changelog;
mod compatible;
mod git;
mod manifests;
mod options;
mod pages;
mod plan;
mod registry;

pub use self::changelog::Changelog;

use self::git::Copy;
use self::options::Options;
use self::plan::{Log, Plan, Release};
use self::registry::{Registry, Stopped};
use crate::run::{cargo, output};
use crate::workspace::{Package, Workspace};
use anyhow::{Context as _, Result, bail};
use std::sync::Arc;
use std::time::SystemTime;

const HELP: &str = "\
Releases a crate: raises its version, dates its changelog, raises what the others require of it, builds it from its
package alone, publishes and tags it. Several crates may be named. Those that depend on what breaks are released with it,
and with the kit all that build on it.

Usage: cargo xtask release <crate> … [--bump patch|minor|major] [--dry-run | --execute] [--registry NAME] [--no-verify]

  --bump LEVEL      which part of the version to raise (patch); the first release of a crate has the version it has
  --dry-run         show all that, try it in a copy, change nothing; this is the default
  --execute         do it: one commit, `cargo publish`, one tag `<crate>-v<version>` per crate; nothing is pushed
  --registry NAME   a registry of cargo's configuration instead of crates.io
  --no-verify       do not build the packages, nor with them what depends on them

It is refused, and nothing is changed, when anything is not committed, a changelog has nothing unreleased, a dependency
of ours is not published, or the version is there already. cargo-semver-checks has its say where it is installed.

Examples:
  cargo xtask release connector-smtp
  cargo xtask release connector-smtp --bump minor --execute
";

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let options = Options::parse(args)?;
    let workspace = Workspace::load_locked()?;
    let asked: Result<Vec<&Package>> = options.crates.iter().map(|name| published(&workspace, name)).collect();
    let asked = asked?;
    git::require_committed(&workspace.root)?;
    if options.execute {
        git::require_branch(&workspace.root)?;
    }
    for package in &asked {
        if !Changelog::read(package)?.has_notes() {
            bail!(
                "{} has nothing under `## Unreleased`: write down there what changed for those who use {}",
                workspace.relative(&Changelog::file(package)),
                package.name
            );
        }
    }
    let log = |package: &Package| {
        let changelog = Changelog::read(package)?;
        Ok(Log { has_releases: changelog.has_releases(), has_notes: changelog.has_notes() })
    };
    let plan = Plan::new(&workspace, &asked, options.bump, log)?;
    for release in &plan.releases {
        if let Some(problem) = Changelog::read(release.package)?.problems(&release.package.semver()?).first() {
            bail!("{}: {problem}", workspace.relative(&Changelog::file(release.package)));
        }
    }
    let registry = Registry::new(options.registry);
    require_publishable(&workspace, &plan, &registry)?;

    let copy = Copy::of(&workspace)?;
    write(&workspace, &plan, &copy)?;
    show(&workspace, &plan, &copy)?;
    println!("Checks:");
    for release in &plan.releases {
        compatible::public_api(&workspace, release, &copy)?;
    }
    if options.verify {
        println!("   the packages, each built from its tarball");
        registry.rehearse(&workspace.root, &copy.root().join("Cargo.toml"), &workspace.target, &plan.releases)?;
        compatible::dependents(&workspace, &plan, &copy, &registry)?;
    }
    if options.execute {
        return execute(&workspace, &plan, &copy, &registry);
    }
    println!("\nThis was a dry run: nothing has changed. The same with `--execute` commits, publishes and tags.");
    Ok(())
}

/// The crate of this name, if it is one that is ever published.
fn published<'w>(workspace: &'w Workspace, name: &str) -> Result<&'w Package> {
    let Some(package) = workspace.members().find(|package| package.name == name) else {
        let distance = |package: &&Package| strsim::damerau_levenshtein(name, &package.name);
        let near = workspace.published().min_by_key(distance).filter(|package| distance(package) * 3 <= name.len());
        let meant = near.map(|package| format!("; did you mean `{}`?", package.name)).unwrap_or_default();
        bail!("this workspace has no crate `{name}`{meant}");
    };
    if !package.is_published() {
        bail!("{name} is never published: its Cargo.toml says `publish = false`");
    }
    Ok(package)
}

/// Fails when the registry would not take one of these, or nobody could build it from there.
fn require_publishable(workspace: &Workspace, plan: &Plan<'_>, registry: &Registry) -> Result<()> {
    for release in &plan.releases {
        if git::has_tag(&workspace.root, &release.tag())? {
            bail!("the tag {} exists: that version was released before", release.tag());
        }
        let needed = workspace.published().filter(|other| release.package.depends_on(other) && !plan.has(other));
        for dependency in needed {
            if !registry.has(&workspace.root, &dependency.name, &dependency.semver()?)? {
                bail!(
                    "{} needs {} {}, which is not on {} yet. Release that first: `cargo xtask release {}`",
                    release.title(),
                    dependency.name,
                    dependency.version,
                    registry.name,
                    dependency.name
                );
            }
        }
        if registry.has(&workspace.root, &release.package.name, &release.to)? {
            bail!("{} is on {} already, and a version is published once", release.title(), registry.name);
        }
    }
    Ok(())
}

/// Writes the release into the copy.
fn write(workspace: &Workspace, plan: &Plan<'_>, copy: &Copy) -> Result<()> {
    let root = copy.root();
    let date = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    let date = date.split('T').next().unwrap_or_default();
    for release in &plan.releases {
        let follows =
            release.follows.iter().filter_map(|name| plan.releases.iter().find(|other| other.package.name == *name));
        let entries: Vec<String> =
            follows.map(|other| format!("- Requires `{}` {}.", other.package.name, other.to)).collect();
        let file = root.join(workspace.relative(&Changelog::file(release.package)).to_string());
        let text = Changelog::read(release.package)?.released(&release.to, date, &entries);
        std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
    }
    manifests::write(workspace, &plan.releases, &root)?;
    let pages = copy.pages()?;
    pages::write(&root, &pages.iter().map(String::as_str).collect::<Vec<_>>(), &plan.releases)?;
    // The lock file names our own versions, too.
    let mut lock = cargo(&workspace.root, ["update", "--quiet", "--workspace", "--manifest-path"]);
    output(lock.arg(root.join("Cargo.toml"))).context("the workspace does not resolve with the new versions").map(drop)
}

/// Tells what the release is.
fn show(workspace: &Workspace, plan: &Plan<'_>, copy: &Copy) -> Result<()> {
    println!("Publish order:");
    for (number, release) in plan.releases.iter().enumerate() {
        let from = release.from.as_ref().map_or("first release".to_owned(), |from| format!("after {from}"));
        let breaking = if release.is_breaking() { ", breaking" } else { "" };
        let why = match release.follows.as_slice() {
            [] => String::new(),
            names => format!(", with {}", names.join(" and ")),
        };
        println!("{:>4}. {} ({from}{breaking}{why}), tag {}", number + 1, release.title(), release.tag());
    }
    let untouched = plan.untouched_dependents(workspace);
    if !untouched.is_empty() {
        println!("Depend on it, and are not released with it:");
        for package in untouched {
            let how = match Changelog::read(package)?.has_releases() {
                true => "`cargo update` brings them together; requires it from its own next release on",
                false => "never released yet",
            };
            println!("      {} {} ({how})", package.name, package.version);
        }
    }
    println!("Changes:\n{}", copy.difference()?.trim_end());
    Ok(())
}

/// Commits, publishes and tags. What was published cannot be taken back, so only when nothing was, everything is undone.
fn execute(workspace: &Workspace, plan: &Plan<'_>, copy: &Copy, registry: &Registry) -> Result<()> {
    let root = &workspace.root;
    let titles = plan.releases.iter().map(Release::title).collect::<Vec<_>>().join(", ");
    let files = copy.changed()?;
    git::require_committed(root)?;
    if git::head(root)? != copy.head {
        bail!("the branch has moved on since this release was tried: run it again");
    }
    // Cargo invites to Ctrl-C while it waits for the registry, and it reaches both: what is to follow, follows.
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default())?;
    copy.take_over(&files, root)?;
    let before = git::commit(root, &files, &format!("Release {titles}"))?;
    let stopped = registry.publish(root, &plan.releases).err();

    let (mut missing, mut untold, mut left) = (0, 0, Vec::new());
    for release in &plan.releases {
        let Some(stopped) = stopped.as_ref().filter(|stopped| !stopped.uploaded(release)) else { continue };
        match registry.has(root, &release.package.name, &release.to) {
            Ok(true) => continue,
            Ok(false) if !stopped.may_have_uploaded(release) => missing += 1,
            _ => untold += 1,
        }
        left.push(release.tag());
    }
    if let Some(Stopped { error, .. }) = stopped {
        if missing == plan.releases.len() {
            return Err(match git::back_to(root, &before) {
                Ok(()) => error.context("nothing was published, and the commit is undone"),
                Err(fault) => error.context(format!("nothing was published; the commit stays, as {fault:#}")),
            });
        }
        let what = match untold {
            0 if left.is_empty() => "all were published",
            0 => "some were published",
            _ => "whether all were published cannot be told",
        };
        eprintln!("xtask: {error:#}: {what}, so the commit stands");
    }
    let mut lines = String::new();
    for release in &plan.releases {
        let tag = release.tag();
        let waits = left.contains(&tag);
        if waits {
            lines += &format!("\n  {}", registry.publish_line(release));
        }
        if let Err(error) = if waits { Ok(()) } else { git::tag(root, &tag, &release.title()) } {
            eprintln!("xtask: {error:#}");
        } else if !waits {
            continue;
        }
        lines += &format!("\n  git tag -a -m '{}' {tag}", release.title());
    }
    if !lines.is_empty() {
        bail!("the release is not complete. Once the cause is gone, for what is not there yet:{lines}\n");
    }
    let tags = plan.releases.iter().map(Release::tag).collect::<Vec<_>>().join(" ");
    println!("\nReleased {titles}. Nothing is pushed yet: `git push origin HEAD {tags}`");
    Ok(())
}
