//! `cargo xtask fuzz`: lets libFuzzer look for input that breaks a promise.

use crate::peers;
use crate::progress::Steps;
use crate::run::{cargo, output, shown};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

const HELP: &str = "\
Fuzzes everything that reads what somebody else wrote: the targets of tests/fuzz. What is found is kept below cargo's
target folder, in fuzz/corpus/TARGET; an input that breaks a promise is in fuzz/artifacts/TARGET.

Usage: cargo xtask fuzz [--seconds N] [TARGET …]

  --seconds N   how long each target runs, in seconds (default 60)

Without targets, all of them run, as many at a time as there are processors.

To run a finding again, without fuzzing:
  cargo run --package fuzz --bin TARGET -- FILE
A finding that was mended becomes a seed: copy it into tests/fuzz/seeds/TARGET.

Examples:
  cargo xtask fuzz
  cargo xtask fuzz --seconds 1200 addresses text
";

const SECONDS: u32 = 60;
/// The longest input, in bytes: long enough for the project's real documents.
const LONGEST: u32 = 16_384;
/// The longest that one input may take, in seconds, and the memory that it may use, in MiB.
const SLOWEST: u32 = 10;
const MEMORY: u32 = 2_048;

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let workspace = Workspace::load()?;
    let known = targets(&workspace)?;
    let (mut seconds, mut chosen) = (SECONDS, Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if arg == "--seconds" {
            let value = args.next().context("`--seconds` needs a number")?;
            seconds = value.parse().with_context(|| format!("`--seconds {value}` is not a whole number of seconds"))?;
        } else if known.contains(arg) {
            chosen.push(arg.clone());
        } else {
            bail!("there is no target `{arg}`, only {}", known.join(", "));
        }
    }
    let chosen = if chosen.is_empty() { known } else { chosen };
    let mut steps = Steps::default();
    steps.step("cargo fuzz", || peers::cargo_programs(&workspace).map(|()| Vec::new()));
    steps.step("fuzzing", || fuzz(&workspace, &chosen, seconds));
    steps.finish()
}

/// Every target for `seconds`, from the same seed of randomness each time.
pub fn all(workspace: &Workspace, seconds: u32) -> Result<Vec<String>> {
    fuzz(workspace, &targets(workspace)?, seconds)
}

/// A target is a program of tests/fuzz.
fn targets(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join("tests/fuzz/src/bin");
    let entries = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let stem = |file: PathBuf| Some(file.file_stem()?.to_str()?.to_owned());
    let mut names: Vec<String> = entries.filter_map(|entry| stem(entry.ok()?.path())).collect();
    names.sort();
    Ok(names)
}

fn fuzz(workspace: &Workspace, targets: &[String], seconds: u32) -> Result<Vec<String>> {
    let folder = workspace.target.join("fuzz");
    let mut seeds = cargo(&workspace.root, ["run", "--quiet", "--package", "fuzz", "--example", "seeds", "--"]);
    output(seeds.arg(folder.join("corpus")))?;
    // Shown, since it takes minutes.
    let problems = shown(&mut cargo_fuzz(workspace, "build")?)?;
    if !problems.is_empty() {
        return Ok(problems);
    }
    let at_once = thread::available_parallelism().map_or(1, usize::from);
    let mut problems = Vec::new();
    for some in targets.chunks(at_once) {
        let ran: Vec<Result<Vec<String>>> = thread::scope(|scope| {
            let started: Vec<_> =
                some.iter().map(|target| scope.spawn(|| one(workspace, &folder, target, seconds))).collect();
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("it panicked"))).collect()
        });
        for of_target in ran {
            problems.extend(of_target?);
        }
    }
    Ok(problems)
}

fn one(workspace: &Workspace, folder: &Path, target: &str, seconds: u32) -> Result<Vec<String>> {
    let artifacts = folder.join("artifacts").join(target);
    fs::create_dir_all(&artifacts).with_context(|| format!("creating {}", artifacts.display()))?;
    let mut fuzzer = cargo_fuzz(workspace, "run")?;
    fuzzer.arg(target).arg(folder.join("corpus").join(target)).args([
        "--".to_owned(),
        format!("-artifact_prefix={}/", artifacts.display()),
        format!("-max_total_time={seconds}"),
        format!("-max_len={LONGEST}"),
        format!("-timeout={SLOWEST}"),
        format!("-rss_limit_mb={MEMORY}"),
        // The same inputs in the same order, as far as the time reaches.
        "-seed=1".to_owned(),
        "-verbosity=0".to_owned(),
    ]);
    match output(&mut fuzzer) {
        Ok(_) => {
            eprintln!("   {target}: nothing found in {seconds} s");
            Ok(Vec::new())
        }
        Err(cause) => Ok(vec![format!("{target}: {cause:#}")]),
    }
}

/// `cargo fuzz` over tests/fuzz, without a sanitizer: there is no unsafe code of ours to watch, and a stable toolchain has
/// none.
fn cargo_fuzz(workspace: &Workspace, command: &str) -> Result<Command> {
    let mut fuzz = Command::new(peers::cargo_program(workspace, "cargo-fuzz")?);
    fuzz.current_dir(&workspace.root)
        .args([command, "--sanitizer", "none", "--fuzz-dir", "tests/fuzz", "--target-dir"])
        .arg(workspace.target.join("fuzz"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
    Ok(fuzz)
}
