//! `cargo xtask new-connector`: a crate for a provider that has none, with the files every connector has. It builds and
//! passes the suite that every connector runs against a provider that keeps to HTTP's own meaning of its statuses.

mod name;

use self::name::Name;
use crate::run::{cargo, output};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

const HELP: &str = "\
Makes crates/connector-<name>: a connector with the files every connector has, which builds and passes the conformance
suite, and adds it to the workspace's dependencies. Then it lists what is left to do.

Usage: cargo xtask new-connector <name>

  <name>   the provider's, in small letters, digits and hyphens: `acme`, `acme-mail`

Example:
  cargo xtask new-connector acme-mail
";

macro_rules! template {
    ($($path:literal => $file:literal,)*) => {
        [$(($path, include_str!(concat!("template/", $file))),)*]
    };
}

/// The files of a crate and what they begin as, both with [`Name::fill`]'s words to fill in.
const FILES: [(&str, &str); 13] = template! {
    "Cargo.toml" => "Cargo.toml.in",
    "README.md" => "README.md",
    "CHANGELOG.md" => "CHANGELOG.md",
    "logo.svg" => "logo.svg",
    "src/lib.rs" => "src/lib.rs",
    "src/config.rs" => "src/config.rs",
    "src/%snake%.rs" => "src/provider.rs",
    "tests/answers.json" => "tests/answers.json",
    "tests/faults.json" => "tests/faults.json",
    "tests/%snake%/main.rs" => "tests/provider/main.rs",
    "tests/%snake%/conformance.rs" => "tests/provider/conformance.rs",
    "tests/%snake%/provider.rs" => "tests/provider/provider.rs",
    "tests/%snake%/requests.rs" => "tests/provider/requests.rs",
};

/// What a person has to know of the provider, and where it goes.
const LEFT: &str = "\
Left to do, in this order; docs/adding-a-connector.md says more of each:

  The provider, by its documentation
   1. src/%snake%.rs: ENDPOINT, the request, the answer, and what the provider's own codes mean
   2. src/config.rs: the fields, with titles and help in the provider's words
   3. tests/%snake%/provider.rs: how the provider reads a request, its mistakes included
   4. tests/answers.json: the provider's answers, each with its source; tests/faults.json: where a fault ends otherwise
   5. src/%snake%.rs: names and descriptions in ten languages; logo.svg: a plain mark, nobody's logo
   6. README.md: the guide, from the account to the first mail; CHANGELOG.md: what the first version can do

  The rest of the workspace
   7. crates/connector-registry/Cargo.toml: the optional dependency `connector-%kebab%`, the feature
      `%kebab% = [\"dep:connector-%kebab%\"]`, and `%kebab%` among the default ones
   8. crates/connector-registry/src/catalog.rs: the line `\"%kebab%\" => connector_%snake%,`; the ids in its tests
   9. README.md, ARCHITECTURE.md, docs/README.md, docs/choosing-a-connector.md and the README and CHANGELOG of registry and
      command line: its name; docs/providers/%kebab%.md and docs/SUMMARY.md: its pages;
      crates/connector-cli/tests/cli/connectors.rs: its ids
  10. tests/admin-ui/answers/<id>.json: how a person sets it up in the form
  11. `cargo xtask docs` writes its pages; `cargo xtask test` says what was forgotten
";

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let [name] = args else {
        bail!("`new-connector` takes the provider's name. See `cargo xtask new-connector --help`");
    };
    let name = Name::parse(name)?;
    name.require_unused(FILES.map(|(_, content)| content))?;
    let workspace = Workspace::load()?;
    let package = name.fill("connector-%kebab%");
    let folder = workspace.root.join("crates").join(&package);
    if folder.exists() || workspace.packages.iter().any(|other| other.name == package) {
        bail!("there is a {package} already; take another name");
    }
    let before = Before::new(&workspace.root, &folder)?;
    if let Err(error) = make(&workspace.root, &folder, &name) {
        before.restore().context("and half a crate is left, because what was there cannot be restored")?;
        return Err(error.context("nothing was made"));
    }
    println!("crates/{package} is made: `cargo test --package {package}` passes.\n\n{}", name.fill(LEFT).trim_end());
    Ok(())
}

/// Makes the crate, and makes the workspace know it.
fn make(root: &Path, folder: &Path, name: &Name) -> Result<()> {
    let package = name.fill("connector-%kebab%");
    for (path, content) in FILES {
        write(&folder.join(name.fill(path)), &name.fill(content))?;
    }
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        link(&Path::new("../..").join(licence), &folder.join(licence))?;
    }
    depend(&root.join("Cargo.toml"), &package)?;
    // Rows break where names are long. This also writes the crate into the lock file.
    output(&mut cargo(root, ["update", "--quiet", "--workspace"]))?;
    output(&mut cargo(root, ["fmt", "--package", &package])).map(drop)
}

/// What is there before a crate is made.
struct Before<'f> {
    /// The crate's, which is not there yet.
    folder: &'f Path,
    /// Manifest and lock file.
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl<'f> Before<'f> {
    fn new(root: &Path, folder: &'f Path) -> Result<Self> {
        let read = |name| {
            let file = root.join(name);
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            Ok((file, content))
        };
        Ok(Self { folder, files: ["Cargo.toml", "Cargo.lock"].into_iter().map(read).collect::<Result<_>>()? })
    }

    fn restore(&self) -> Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(self.folder).with_context(|| format!("removing {}", self.folder.display()))?;
        }
        for (file, content) in &self.files {
            fs::write(file, content).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(())
    }
}

fn write(file: &Path, content: &str) -> Result<()> {
    let folder = file.parent().unwrap_or(file);
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    fs::write(file, content).with_context(|| format!("writing {}", file.display()))
}

#[cfg(unix)]
fn link(to: &Path, file: &Path) -> Result<()> {
    std::os::unix::fs::symlink(to, file).with_context(|| format!("linking {}", file.display()))
}

/// Where links are not everybody's to make, a copy has to do.
#[cfg(not(unix))]
fn link(to: &Path, file: &Path) -> Result<()> {
    let original = file.parent().unwrap_or(file).join(to);
    fs::copy(original, file).map(drop).with_context(|| format!("writing {}", file.display()))
}

/// Adds the crate to [workspace.dependencies], where its name belongs among ours.
fn depend(manifest: &Path, package: &str) -> Result<()> {
    let text = fs::read_to_string(manifest).with_context(|| format!("reading {}", manifest.display()))?;
    let line = format!("{package} = {{ path = \"crates/{package}\", version = \"0.1.0\" }}");
    let mut ours = text.lines().filter(|line| line.contains("{ path = \"crates/"));
    let next = ours.find(|other| **other > *line).context("[workspace.dependencies] has no crate of ours behind it")?;
    fs::write(manifest, text.replacen(next, &format!("{line}\n{next}"), 1))
        .with_context(|| format!("writing {}", manifest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_files_use_already_is_no_name() {
        let unused = |name: &str| Name::parse(name).unwrap().require_unused(FILES.map(|(_, content)| content));
        for taken in ["mailbox", "status-code", "usage-type", "value", "json-schema", "connector", "url", "serde"] {
            let error = unused(taken).unwrap_err().to_string();
            assert!(error.contains(&format!("such as `{taken}-mail`")), "{error}");
        }
        for free in ["acme", "pigeon", "mailbox-mail", "sparkpost"] {
            unused(free).unwrap();
        }
    }

    #[test]
    fn a_crate_is_added_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = folder.path().join("Cargo.toml");
        let ours = |name: &str| format!("{name} = {{ path = \"crates/{name}\", version = \"0.1.0\" }}\n");
        let names =
            |middle: &str| format!("[x]\n{}{middle}{}\nserde = \"1\"\n", ours("connector-aws"), ours("connector-smtp"));
        fs::write(&manifest, names("")).unwrap();
        depend(&manifest, "connector-mailgun").unwrap();
        assert_eq!(fs::read_to_string(&manifest).unwrap(), names(&ours("connector-mailgun")));
    }
}
