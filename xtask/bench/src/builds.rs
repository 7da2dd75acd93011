//! What a connector costs to build: its crates, and the time of a clean build of it alone.

use std::{collections::BTreeSet, process::Command, time::Instant};

use anyhow::{Result, bail};

use crate::measure;

pub const COMMAND_LINE: &str = "connector-cli";

/// What one crate costs to build.
pub struct Build {
    pub package: &'static str,
    /// Crates in its tree, itself included; what only builds or tests it is not counted.
    pub crates: usize,
    pub seconds: f64,
}

/// Builds `package` alone into an empty folder, as Cargo does by default.
pub fn clean(package: &'static str) -> Result<Build> {
    cargo(&["fetch", "--locked"])?;
    eprintln!("clean build: {package}");
    let folder = tempfile::tempdir()?;
    let target = folder.path().to_str().unwrap_or_default().to_owned();
    let started = Instant::now();
    // Without this workspace's own setting.
    let full_debug = ["--config", "profile.dev.debug=2"];
    let build = ["build", "--quiet", "--locked", "--offline", "--package", package, "--target-dir", &target];
    cargo(&[build.as_slice(), full_debug.as_slice()].concat())?;
    Ok(Build { package, crates: crates(package)?, seconds: started.elapsed().as_secs_f64() })
}

/// What the command line's release build takes: CPU of cargo and all that it runs, and the size of what comes of it.
pub struct Release {
    pub cpu_seconds: f64,
    pub mib: f64,
}

/// Builds the command line in release mode into an empty folder.
pub fn release() -> Result<Release> {
    cargo(&["fetch", "--locked"])?;
    eprintln!("clean release build: {COMMAND_LINE}");
    let folder = tempfile::tempdir()?;
    let target = folder.path().to_str().unwrap_or_default().to_owned();
    let before = measure::children()?;
    cargo(&["build", "--quiet", "--release", "--locked", "--offline", "-p", COMMAND_LINE, "--target-dir", &target])?;
    let cpu_seconds = (measure::children()? - before).as_secs_f64();
    let size = std::fs::metadata(folder.path().join("release/email-connectors"))?.len();
    Ok(Release { cpu_seconds, mib: size as f64 / (1024.0 * 1024.0) })
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
