//! `cargo xtask test`: everything that has to hold before a change goes in, in one command.

use crate::progress::Steps;
use crate::run::{cargo, output, shown};
use crate::workspace::Workspace;
use crate::{check, fuzz, peers};
use anyhow::{Result, bail};

const HELP: &str = "\
Installs what the end-to-end tests need and is not there yet (Debian packages; Python, npm and cargo packages below
cargo's target folder), builds the workspace once, runs every test, fuzzes for a minute a target, and then `cargo xtask
check`.

Usage: cargo xtask test [--no-install] [-- <arguments of cargo nextest run>]

  --no-install   install nothing; a test whose server is missing fails and says so

With arguments after `--`, only the tests they select run, without documentation tests, fuzzing and `check`.

Examples:
  cargo xtask test
  cargo xtask test -- peers                     tests with `peers` in their name
  cargo xtask test -- -E 'package(e2e)'         the tests of one crate
";

/// One set of features for everything that builds the workspace, so that nothing is built twice.
const WORKSPACE: [&str; 2] = ["--workspace", "--all-features"];

/// How long each fuzz target runs.
const FUZZING_SECONDS: u32 = 60;

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let (own, selection) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &args[..0]),
    };
    if let Some(unknown) = own.iter().find(|arg| *arg != "--no-install") {
        bail!("`test` has no option `{unknown}`; arguments for the tests go after `--`. See `cargo xtask test --help`");
    }

    let mut workspace = Workspace::load()?;
    let mut steps = Steps::default();
    if own.is_empty() {
        steps.step("test servers", || peers::install(&workspace));
    }
    // With test targets, so that development dependencies' features are settled once for this and all that follows.
    workspace.built = steps.step("build", || shown(cargo(&workspace.root, ["build", "--all-targets"]).args(WORKSPACE)));
    if workspace.built {
        steps.step("tests", || tests(&workspace, selection));
    }
    if workspace.built && selection.is_empty() {
        steps.step("documentation tests", || {
            shown(cargo(&workspace.root, ["test", "--doc", "--quiet"]).args(WORKSPACE))
        });
        steps.step("fuzzing", || fuzz::all(&workspace, FUZZING_SECONDS));
        check::all(&workspace, &mut steps);
    }
    steps.finish()
}

fn tests(workspace: &Workspace, selection: &[String]) -> Result<Vec<String>> {
    let root = &workspace.root;
    if output(&mut cargo(root, ["nextest", "--version"])).is_ok() {
        return shown(cargo(root, ["nextest", "run", "--no-fail-fast"]).args(WORKSPACE).args(selection));
    }
    eprintln!("   cargo-nextest is not installed: running `cargo test` instead");
    // Without `--doc`, which is a step of its own.
    shown(cargo(root, ["test", "--no-fail-fast", "--all-targets"]).args(WORKSPACE).args(selection))
}
