//! What a connector costs to build: its crates, and the time of a clean build of it alone.

use std::{collections::BTreeSet, process::Command, time::Instant};

use anyhow::{Result, bail};

/// What one crate costs to build.
pub struct Build {
    pub package: &'static str,
    /// Crates in its tree, itself included; what only builds or tests it is not counted.
    pub crates: usize,
    pub debug_seconds: f64,
    pub release_seconds: f64,
}

/// Builds `package` alone into an empty folder.
pub fn clean(package: &'static str) -> Result<Build> {
    cargo(&["fetch", "--locked"])?;
    let mut seconds = [0.0; 2];
    for (profile, seconds) in ["dev", "release"].into_iter().zip(&mut seconds) {
        eprintln!("clean build, {profile}: {package}");
        let folder = tempfile::tempdir()?;
        let target = folder.path().to_str().unwrap_or_default().to_owned();
        let started = Instant::now();
        cargo(&[
            "build",
            "--quiet",
            "--locked",
            "--offline",
            "--package",
            package,
            "--profile",
            profile,
            "--target-dir",
            &target,
        ])?;
        *seconds = started.elapsed().as_secs_f64();
    }
    let [debug_seconds, release_seconds] = seconds;
    Ok(Build { package, crates: crates(package)?, debug_seconds, release_seconds })
}

/// How many crates a package pulls in, itself included.
pub fn crates(package: &str) -> Result<usize> {
    let text = cargo(&["tree", "--quiet", "--edges", "normal", "--prefix", "none", "--package", package])?;
    let names: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split(" (").next()).filter(|line| !line.is_empty()).collect();
    Ok(names.len())
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let output = Command::new("cargo").args(arguments).output()?;
    if !output.status.success() {
        bail!("cargo {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
