//! `cargo xtask check`: the rules of this repository, one file each.

mod alone;
mod arrows;
mod bans;
mod changelogs;
mod connector_files;
mod deny;
mod licences;
pub mod links;
mod machine_paths;
mod manifests;
mod packages;
mod spdx;

use crate::progress::Steps;
use crate::run::{cargo, shown};
use crate::workspace::Workspace;
use crate::{book, docs, run};
use anyhow::{Context as _, Result, bail};
use std::path::PathBuf;

/// A rule: its name on the command line, what it says, and what looks.
struct Check {
    name: &'static str,
    says: &'static str,
    run: fn(&Workspace) -> Result<Vec<String>>,
}

/// In the order they run: what takes no time first, what compiles last.
const CHECKS: [Check; 16] = [
    Check { name: "fmt", says: "the code is formatted", run: fmt },
    Check { name: "arrows", says: "crates know only whom they may know", run: arrows::check },
    Check { name: "bans", says: "no banned crate, no other source", run: bans::check },
    Check { name: "licences", says: "every dependency's licence is allowed", run: licences::check },
    Check { name: "cargo-deny", says: "cargo-deny agrees, where it is installed", run: deny::cargo_deny },
    Check { name: "manifests", says: "published crates say what crates.io shows", run: manifests::check },
    Check { name: "connector-files", says: "connectors have the same files", run: connector_files::check },
    Check { name: "changelogs", says: "changes are written down as a release reads them", run: changelogs::check },
    Check { name: "links", says: "links between the pages lead somewhere", run: links::check },
    Check { name: "book", says: "docs/ makes a book, and its links lead somewhere", run: book::check },
    Check { name: "machine-paths", says: "no path of one machine in the tree", run: machine_paths::check },
    Check { name: "clippy", says: "no warning from clippy", run: clippy },
    Check { name: "rustdoc", says: "no warning from rustdoc, broken links included", run: rustdoc },
    Check { name: "generated", says: "the generated pages are up to date", run: docs::outdated },
    Check { name: "packages", says: "published crates package, with all that belongs in", run: packages::check },
    Check {
        name: "alone",
        says: "published crates build one by one, with default features and with none, and so do their tests",
        run: alone::check,
    },
];

fn help() -> String {
    let mut help = String::from(
        "Looks whether the rules of this repository hold, and says each place where one does not.\n\n\
         Usage: cargo xtask check [rule …]\n\n\
         Rules (all of them unless some are named):\n",
    );
    for check in &CHECKS {
        help += &format!("  {:<16} {}\n", check.name, check.says);
    }
    help += "\nExamples:\n  cargo xtask check\n  cargo xtask check fmt clippy\n";
    help
}

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, &help()) {
        return Ok(());
    }
    let known = |name: &str| CHECKS.iter().any(|check| check.name == name);
    if let Some(unknown) = args.iter().find(|name| !known(name)) {
        bail!("there is no rule `{unknown}`; `cargo xtask check --help` lists them");
    }
    let mut steps = Steps::default();
    let workspace = Workspace::load()?;
    selected(&workspace, &mut steps, |name| args.is_empty() || args.iter().any(|arg| arg == name));
    steps.finish()
}

/// Every check, as steps of the caller.
pub fn all(workspace: &Workspace, steps: &mut Steps) {
    selected(workspace, steps, |_| true);
}

fn selected(workspace: &Workspace, steps: &mut Steps, wanted: impl Fn(&str) -> bool) {
    for check in CHECKS.iter().filter(|check| wanted(check.name)) {
        steps.step(check.name, || (check.run)(workspace));
    }
}

fn fmt(workspace: &Workspace) -> Result<Vec<String>> {
    shown(&mut cargo(&workspace.root, ["fmt", "--all", "--check"]))
}

fn clippy(workspace: &Workspace) -> Result<Vec<String>> {
    let args = ["clippy", "--workspace", "--all-targets", "--all-features", "--keep-going", "--", "-D", "warnings"];
    shown(&mut cargo(&workspace.root, args))
}

fn rustdoc(workspace: &Workspace) -> Result<Vec<String>> {
    let args = ["doc", "--workspace", "--all-features", "--no-deps", "--keep-going"];
    shown(cargo(&workspace.root, args).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The files git tracks or would track: what a clone will hold.
pub fn tracked_files(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(&workspace.root).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = run::output(&mut git).context("which files are tracked is git's to say")?;
    let files = listed.split_terminator('\0').map(|name| workspace.root.join(name));
    // A file that was deleted and not yet committed is listed too.
    Ok(files.filter(|file| file.is_file()).collect())
}
