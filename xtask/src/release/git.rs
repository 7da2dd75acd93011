//! What a release asks of git, and does with it.

use crate::run::output;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// How many changed files an error names.
const SHOWN: usize = 5;

fn git<S: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = S>) -> Result<String> {
    output(Command::new("git").current_dir(folder).args(args))
}

/// Fails when the tree holds anything that is not committed: a release is of what is in the history.
pub fn require_committed(root: &Path) -> Result<()> {
    let status = git(root, ["status", "--porcelain"])?;
    let changed: Vec<&str> = status.lines().collect();
    if changed.is_empty() {
        return Ok(());
    }
    let more = if changed.len() > SHOWN { format!("\n… and {} more", changed.len() - SHOWN) } else { String::new() };
    let files = changed.iter().take(SHOWN).copied().collect::<Vec<_>>().join("\n");
    bail!("there are uncommitted changes; commit or stash them first:\n{files}{more}")
}

pub fn has_tag(root: &Path, tag: &str) -> Result<bool> {
    Ok(!git(root, ["tag", "--list", tag])?.trim().is_empty())
}

pub fn tag(root: &Path, tag: &str, message: &str) -> Result<()> {
    git(root, ["tag", "--annotate", "--message", message, tag]).map(drop)
}

/// Commits these files and gives the commit before.
pub fn commit(root: &Path, files: &[PathBuf], message: &str) -> Result<String> {
    let before = head(root)?;
    let add = ["add", "--"].map(OsStr::new).into_iter().chain(files.iter().map(|file| file.as_os_str()));
    let committed = git(root, add).and_then(|_| git(root, ["commit", "--quiet", "--message", message])).map(drop);
    if let Err(error) = committed {
        // What was added is not committed yet, and `--keep` would keep it.
        git(root, ["reset", "--quiet", "--hard", &before])?;
        return Err(error.context("git does not commit the release"));
    }
    Ok(before)
}

/// Undoes the release's commit, and nothing that somebody has changed since: git refuses where the two meet.
pub fn back_to(root: &Path, commit: &str) -> Result<()> {
    git(root, ["reset", "--quiet", "--keep", commit]).map(drop)
}

/// The commit that is checked out.
pub fn head(root: &Path) -> Result<String> {
    Ok(git(root, ["rev-parse", "HEAD"])?.trim().to_owned())
}

/// Fails when no branch is checked out: a release's commit would belong to none.
pub fn require_branch(root: &Path) -> Result<()> {
    match git(root, ["symbolic-ref", "--quiet", "HEAD"]) {
        Ok(_) => Ok(()),
        Err(_) => bail!("no branch is checked out, and the release's commit would belong to none: `git switch` to one"),
    }
}

/// A copy of what is committed, in cargo's target folder, which goes away again. A release is written and tried there,
/// so that a refusal leaves nothing behind.
pub struct Copy {
    folder: TempDir,
    /// The commit that it is a copy of.
    pub head: String,
}

impl Copy {
    pub fn of(workspace: &Workspace) -> Result<Self> {
        std::fs::create_dir_all(&workspace.target).context("creating cargo's target folder")?;
        let folder = tempfile::Builder::new().prefix("release-").tempdir_in(&workspace.target)?;
        let copy = Self { folder, head: head(&workspace.root)? };
        let clone = ["clone", "--quiet", "--shared"].map(OsStr::new);
        git(&workspace.root, clone.into_iter().chain([workspace.root.as_os_str(), copy.root().as_os_str()]))?;
        Ok(copy)
    }

    /// The workspace in it.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("workspace")
    }

    /// A place beside the workspace.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The pages in it, but for changelogs: what they said of a version stays.
    pub fn pages(&self) -> Result<Vec<String>> {
        let pages = git(&self.root(), ["ls-files", "-z", "*.md"])?;
        let of_guides = |page: &&str| !page.ends_with("CHANGELOG.md") && !page.is_empty();
        Ok(pages.split('\0').filter(of_guides).map(str::to_owned).collect())
    }

    /// The files that differ from what is committed.
    pub fn changed(&self) -> Result<Vec<PathBuf>> {
        let changed = git(&self.root(), ["diff", "--name-only", "-z"])?;
        Ok(changed.split_terminator('\0').map(PathBuf::from).collect())
    }

    /// How they differ, the lock file left out.
    pub fn difference(&self) -> Result<String> {
        git(&self.root(), ["diff", "--unified=1", "--", ".", ":(exclude)Cargo.lock"])
    }

    /// Puts the changed files into the real tree.
    pub fn take_over(&self, files: &[PathBuf], root: &Path) -> Result<()> {
        for file in files {
            let to = root.join(file);
            std::fs::copy(self.root().join(file), &to).with_context(|| format!("writing {}", to.display()))?;
        }
        Ok(())
    }
}
