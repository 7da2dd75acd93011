//! Installing what the tests and checks need besides cargo, servers, a browser, mdBook: only what is missing, from the
//! ordinary registries.

use crate::run::{cargo, output};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what is missing. Each part is tried; what did not work is a problem.
pub fn install(workspace: &Workspace) -> Result<Vec<String>> {
    let wanted = workspace.root.join("tests/peers");
    let installed = workspace.target.join("peers");
    let results = [
        debian_packages(&wanted),
        unpacked_packages(&wanted, &installed.join("unpacked")),
        python_packages(&wanted, &installed),
        npm_packages(&wanted, &installed.join("node")),
        npm_packages(&workspace.root.join("tests/admin-ui"), &installed.join("admin-ui")),
        cargo_programs(workspace),
    ];
    Ok(results.into_iter().filter_map(|result| result.err().map(|error| format!("{error:#}"))).collect())
}

fn debian_packages(wanted: &Path) -> Result<()> {
    let list = read(&wanted.join("apt.txt"))?;
    let packages: Vec<&str> =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let missing: Vec<&str> = packages.into_iter().filter(|package| !is_installed(package)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("Debian packages are missing and only root can install them: `sudo {command}`");
    }
    if Command::new("apt-get").arg("--version").output().is_err() {
        bail!("this is no Debian system; install what these packages hold in your own way: {}", missing.join(" "));
    }
    eprintln!("   apt-get install {}", missing.join(" "));
    let _quiet = NoServices::begin()?;
    // Postfix must be told something, or its installation asks. Ours is started with a configuration of its own; the
    // system's, should anybody start it, then listens on loopback alone.
    preseed("postfix postfix/main_mailer_type select Local only\npostfix postfix/mailname string localhost\n")?;
    output(&mut apt_get(&["update", "--quiet"]))?;
    output(apt_get(&["install", "--yes", "--quiet", "--no-install-recommends"]).args(&missing))?;
    Ok(())
}

/// Debian packages that cannot be installed beside others, such as a second mail server: only unpacked, with the libraries
/// that they need installed and the users that they run as made.
fn unpacked_packages(wanted: &Path, folder: &Path) -> Result<()> {
    let list = wanted.join("apt-unpacked.txt");
    let stamp = Stamp::new(folder, &[&list])?;
    if stamp.is_current() {
        return Ok(());
    }
    if output(Command::new("id").arg("-u"))?.trim() != "0" {
        bail!("{} names packages that only root can unpack for the tests: run them as root", list.display());
    }
    remove(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    output(&mut apt_get(&["update", "--quiet"]))?;
    for line in read(&list)?.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((package, user)) = line.split_once(' ') else { bail!("{}: `{line}` names no user", list.display()) };
        eprintln!("   apt-get download {package}");
        output(apt_get(&["download", "--quiet", package]).current_dir(folder))?;
        let mut files = fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        let file = files.find(|path| path.extension().is_some_and(|extension| extension == "deb"));
        let file = file.with_context(|| format!("apt-get has downloaded no file for {package}"))?;
        output(Command::new("dpkg-deb").arg("--extract").arg(&file).arg(folder))?;
        let depends = output(Command::new("dpkg-deb").arg("--field").arg(&file).arg("Depends"))?;
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        // "libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0, …"
        let libraries = depends.split(',').filter_map(|one| one.split_whitespace().next());
        let missing: Vec<&str> = libraries.filter(|name| name.starts_with("lib") && !is_installed(name)).collect();
        if !missing.is_empty() {
            let install = ["install", "--yes", "--quiet", "--no-install-recommends"];
            output(apt_get(&install).args(&missing))?;
        }
        if output(Command::new("id").arg(user)).is_err() {
            let nobody = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"];
            output(Command::new("useradd").args(["--system", "--user-group"]).args(nobody).arg(user))?;
        }
    }
    stamp.write()
}

fn is_installed(package: &str) -> bool {
    let mut query = Command::new("dpkg-query");
    query.args(["--show", "--showformat=${db:Status-Status}", package]);
    output(&mut query).is_ok_and(|status| status.trim() == "installed")
}

fn apt_get(args: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn preseed(answers: &str) -> Result<()> {
    let file = std::env::temp_dir().join(format!("xtask-debconf-{}", std::process::id()));
    fs::write(&file, answers).with_context(|| format!("writing {}", file.display()))?;
    let set = output(Command::new("debconf-set-selections").arg(&file));
    fs::remove_file(&file).ok();
    set.map(drop)
}

/// Keeps Debian packages from starting their services while this exists: their scripts ask policy-rc.d first.
struct NoServices(Option<&'static Path>);

impl NoServices {
    const POLICY: &str = "/usr/sbin/policy-rc.d";
    const OURS: &str = "#!/bin/sh\n# Made by `cargo xtask test` for the time of an installation.\nexit 101\n";

    fn begin() -> Result<Self> {
        let file = Path::new(Self::POLICY);
        // One that was there, as in containers, is left alone; one of ours was left by a run that was interrupted.
        if file.exists() && fs::read_to_string(file).unwrap_or_default() != Self::OURS {
            return Ok(Self(None));
        }
        fs::write(file, Self::OURS).with_context(|| format!("writing {}", file.display()))?;
        output(Command::new("chmod").arg("755").arg(file))?;
        Ok(Self(Some(file)))
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(file) = self.0 {
            fs::remove_file(file).ok();
        }
    }
}

/// A virtual environment; made anew when requirements.txt has changed since.
fn python_packages(wanted: &Path, installed: &Path) -> Result<()> {
    let venv = installed.join("venv");
    let requirements = wanted.join("requirements.txt");
    let stamp = Stamp::new(&venv, &[&requirements])?;
    if stamp.is_current() {
        return Ok(());
    }
    eprintln!("   pip install -r {}", requirements.display());
    remove(&venv)?;
    output(Command::new("python3").args(["-m", "venv"]).arg(&venv))
        .context("no Python environment; on Debian `apt-get install python3-venv` may be what is missing")?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "-r"]);
    output(pip.arg(&requirements))?;
    stamp.write()
}

/// A node_modules in `folder`; made anew when package.json or its lock file has changed since.
fn npm_packages(wanted: &Path, folder: &Path) -> Result<()> {
    let files = ["package.json", "package-lock.json", ".npmrc"].map(|name| wanted.join(name));
    let stamp = Stamp::new(folder, &files.each_ref().map(PathBuf::as_path))?;
    if stamp.is_current() {
        return Ok(());
    }
    eprintln!("   npm ci, as {} says", wanted.join("package-lock.json").display());
    remove(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    for file in &files {
        let name = file.file_name().unwrap_or_default();
        fs::copy(file, folder.join(name)).with_context(|| format!("copying {}", file.display()))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    output(&mut npm).context("no npm packages; npm comes with Node.js 20 or later")?;
    stamp.write()
}

/// Programs from crates.io; made anew when cargo.txt has changed since.
pub fn cargo_programs(workspace: &Workspace) -> Result<()> {
    let list = workspace.root.join("tests/peers/cargo.txt");
    let folder = cargo_folder(workspace);
    let stamp = Stamp::new(&folder, &[&list])?;
    if stamp.is_current() {
        return Ok(());
    }
    remove(&folder)?;
    for line in read(&list)?.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(program), Some(version)) = (words.next(), words.next()) else {
            bail!("cargo.txt: `{line}` lacks a version");
        };
        eprintln!("   cargo install {program} {version}");
        // Unoptimised: they run for seconds, and are built for minutes otherwise.
        let mut install =
            cargo(&workspace.root, ["install", "--quiet", "--locked", "--debug", program, "--version", version]);
        install.args(words).arg("--root").arg(&folder).env("CARGO_PROFILE_DEV_DEBUG", "0");
        // Not into the workspace's target folder: cargo then takes one of its own, and removes it again.
        output(install.env_remove("CARGO_TARGET_DIR"))?;
    }
    stamp.write()
}

/// Where a program of [`cargo_programs`] is.
pub fn cargo_program(workspace: &Workspace, name: &str) -> Result<PathBuf> {
    let program = cargo_folder(workspace).join("bin").join(name);
    let installed = program.is_file().then_some(program);
    installed.with_context(|| format!("{name} is not installed: `cargo xtask test` and `cargo xtask book` install it"))
}

fn cargo_folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("peers/cargo")
}

/// What a folder was made from, written into it once it is complete.
struct Stamp {
    file: PathBuf,
    content: String,
}

impl Stamp {
    fn new(folder: &Path, sources: &[&Path]) -> Result<Self> {
        let sources: Result<Vec<String>> = sources.iter().map(|source| read(source)).collect();
        Ok(Self { file: folder.join("made-from"), content: sources?.concat() })
    }

    fn is_current(&self) -> bool {
        fs::read_to_string(&self.file).is_ok_and(|content| content == self.content)
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.file, &self.content).with_context(|| format!("writing {}", self.file.display()))
    }
}

fn read(file: &Path) -> Result<String> {
    fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}

fn remove(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    Ok(())
}
