//! `cargo xtask book`: the pages of docs/ as a book, made by mdBook.

mod built;
mod pages;

use crate::check::tracked_files;
use crate::peers;
use crate::run::output;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
Makes a book of docs/ in target/book, installing mdBook below cargo's target folder first if it is not there. Says which links
in it lead nowhere, and which pages are in docs/ and not in docs/SUMMARY.md.

Usage: cargo xtask book

  --preprocess   what mdBook runs to put the guides in (see book.toml)
";

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => {
            let workspace = Workspace::load()?;
            peers::cargo_programs(&workspace)?;
            let problems = check(&workspace)?;
            if !problems.is_empty() {
                bail!("the book has faults:\n   {}", problems.join("\n   "));
            }
            println!("{}", folder(&workspace).join("index.html").display());
            Ok(())
        }
        ["--preprocess"] => pages::preprocess(&Workspace::load()?),
        // mdBook asks whether the pages are to be changed for a kind of output: for any.
        ["--preprocess", "supports", _] => Ok(()),
        _ => bail!("`book` takes nothing of the kind; see `cargo xtask book --help`"),
    }
}

/// Makes the book and looks through it.
pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = unlisted(workspace)?;
    let folder = folder(workspace);
    // What an earlier book left there would satisfy links of this one.
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    let mdbook = peers::cargo_program(workspace, "mdbook")?;
    let this = std::env::current_exe().context("this program's own path is unknown")?;
    let this = standing(&this);
    let mut build = Command::new(mdbook);
    build.arg("build").arg(&workspace.root).arg("--dest-dir").arg(&folder);
    // In place of book.toml's `cargo xtask`, which would wait for whatever cargo is building.
    build.env("MDBOOK_PREPROCESSOR__REPOSITORY__COMMAND", format!("'{}' book --preprocess", this.display()));
    output(&mut build)?;
    problems.extend(built::broken_links(&folder)?);
    Ok(problems)
}

/// Where this program stands. Once cargo has built it anew, as it does in the course of `cargo xtask test`, Linux adds to the path
/// that it is deleted; the new one is there all the same.
fn standing(this: &Path) -> PathBuf {
    match this.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        Some(path) => path.into(),
        None => this.to_owned(),
    }
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("book")
}

/// Pages of docs/ that docs/SUMMARY.md does not list: the book would be without them.
fn unlisted(workspace: &Workspace) -> Result<Vec<String>> {
    let docs = workspace.root.join("docs");
    let listed = pages::listed(&docs)?;
    let is_page = |file: &Path| file.extension().is_some_and(|extension| extension == "md");
    let files = tracked_files(workspace)?;
    let pages = files.iter().filter_map(|file| file.strip_prefix(&docs).ok()).filter(|file| is_page(file));
    let missing = pages.filter(|page| *page != Path::new("SUMMARY.md") && !listed.iter().any(|known| known == page));
    Ok(missing.map(|page| format!("docs/{} is not in docs/SUMMARY.md", page.display())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_was_built_anew_is_found_in_its_place() {
        for path in ["/target/debug/xtask", "/target/debug/xtask (deleted)"] {
            assert_eq!(standing(Path::new(path)), Path::new("/target/debug/xtask"));
        }
    }
}
