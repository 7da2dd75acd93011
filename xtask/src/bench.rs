//! `cargo xtask bench`: the benchmarks, which the crate `bench` holds.

use crate::run::{cargo, shown};
use crate::workspace::Workspace;
use anyhow::{Result, bail};

const HELP: &str = "\
Runs the benchmarks in release mode. What they measured is written to docs/benchmarks.md by the crate `bench` itself.

Usage: cargo xtask bench [arguments of the benchmarks]

Examples:
  cargo xtask bench
  cargo xtask bench -- --help      what the benchmarks take
";

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let workspace = Workspace::load()?;
    if !workspace.members().any(|package| package.name == "bench") {
        bail!("this workspace has no crate `bench` yet: the benchmarks belong there");
    }
    let args = if args.first().is_some_and(|arg| arg == "--") { &args[1..] } else { args };
    let bench = ["run", "--release", "-p", "bench", "--"].map(str::to_owned);
    let problems = shown(&mut cargo(&workspace.root, bench.iter().chain(args)))?;
    if let Some(problem) = problems.first() {
        bail!("{problem}");
    }
    Ok(())
}
