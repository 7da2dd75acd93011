//! Where the servers' programs are, and what to do when they are not there.

use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};

/// A file of `tests/peers/`.
pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(name)
}

/// Something below `<target>/peers/`, where `cargo xtask test` installs what comes from PyPI and npm, and unpacks what
/// cannot be installed beside the rest.
pub(crate) fn peer(what: &str, path: &str) -> Result<PathBuf> {
    // A test binary is <target>/debug/deps/e2e-…, or <target>/<triple>/debug/deps/e2e-…
    let this = std::env::current_exe().context("this program's own path is unknown")?;
    let found =
        this.ancestors().skip(1).take(5).map(|folder| folder.join("peers").join(path)).find(|file| file.exists());
    found.with_context(|| {
        format!("{what} is not installed (no peers/{path} in cargo's target folder). Run `cargo xtask test` once: it installs it")
    })
}

/// A program of a Debian package, in PATH or where Debian puts system programs.
pub(crate) fn program(name: &str, package: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let found = std::env::split_paths(&path).chain(system).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.with_context(|| {
        format!("{name} is not installed. Run `cargo xtask test` as root, or `apt-get install {package}`")
    })
}

/// Postfix and Exim give their processes users of their own, which only root can do.
pub(crate) fn require_root(what: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("{what} starts only as root. Run the tests as root, in a container if need be");
    }
    Ok(())
}
