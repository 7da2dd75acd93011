//! `cargo xtask docs`: the pages that are generated from what the connectors say of themselves.

mod reference;

use crate::progress::Steps;
use crate::run::{cargo, output, shown};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
Writes the pages that are generated from the connectors' own descriptions:

  docs/schemas/<id>.json      the JSON Schema of each connector's configuration
  docs/connectors/<id>.md     its reference: every field of the configuration
  docs/describe.schema.json   the JSON Schema of what `describe --json` prints

Usage: cargo xtask docs [--check]

  --check    write nothing; fail when a page is not what would be written

Examples:
  cargo xtask docs
  cargo xtask docs --check
";

const BINARY: &str = "email-connectors";

/// The folders below docs/ that hold generated files and nothing else.
const FOLDERS: [&str; 2] = ["connectors", "schemas"];

pub fn run(args: &[String]) -> Result<()> {
    if crate::helped(args, HELP) {
        return Ok(());
    }
    let workspace = Workspace::load()?;
    let mut steps = Steps::default();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => steps.step("docs", || write(&workspace).map(|()| Vec::new())),
        ["--check"] => steps.step("docs", || outdated(&workspace)),
        _ => bail!("`docs` takes only `--check`. See `cargo xtask docs --help`"),
    };
    steps.finish()
}

/// Writes what has changed, and removes what belongs to no connector any more.
fn write(workspace: &Workspace) -> Result<()> {
    let pages = pages(workspace)?;
    for (file, content) in &pages {
        if fs::read_to_string(file).is_ok_and(|current| current == *content) {
            continue;
        }
        let folder = file.parent().unwrap_or(file);
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        fs::write(file, content).with_context(|| format!("writing {}", file.display()))?;
        eprintln!("   wrote {}", workspace.relative(file));
    }
    for file in left_over(workspace, &pages)? {
        fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))?;
        eprintln!("   removed {}", workspace.relative(&file));
    }
    Ok(())
}

/// The files that are not what `write` would write.
pub fn outdated(workspace: &Workspace) -> Result<Vec<String>> {
    let pages = pages(workspace)?;
    let mut problems = Vec::new();
    for (file, content) in &pages {
        let name = workspace.relative(file);
        match fs::read_to_string(file) {
            Ok(current) if current == *content => {}
            Ok(current) => {
                let same = current.lines().zip(content.lines()).take_while(|(have, want)| have == want).count();
                problems.push(format!("{name} is out of date, from line {} on: run `cargo xtask docs`", same + 1));
            }
            Err(_) => problems.push(format!("{name} is missing: run `cargo xtask docs`")),
        }
    }
    for file in left_over(workspace, &pages)? {
        problems.push(format!("{} belongs to no connector: run `cargo xtask docs`", workspace.relative(&file)));
    }
    Ok(problems)
}

/// Every generated file and its content.
fn pages(workspace: &Workspace) -> Result<BTreeMap<PathBuf, String>> {
    #[derive(Deserialize)]
    struct List {
        connectors: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        id: String,
    }

    let tool = command_line_tool(workspace)?;
    let list: List = serde_json::from_str(&output(Command::new(&tool).args(["list", "--json"]))?)
        .with_context(|| format!("`{BINARY} list --json` printed something else"))?;
    let docs = workspace.root.join("docs");
    let mut pages = BTreeMap::new();
    let description = output(Command::new(&tool).args(["schema", "--describe"]))?;
    pages.insert(docs.join("describe.schema.json"), description.trim_end().to_owned() + "\n");
    for Listed { id } in list.connectors {
        let schema = output(Command::new(&tool).args(["schema", &id]))?;
        pages.insert(docs.join("schemas").join(format!("{id}.json")), schema.trim_end().to_owned() + "\n");
        let described = output(Command::new(&tool).args(["describe", &id, "--json"]))?;
        let page = reference::page(&described).with_context(|| format!("`{BINARY} describe {id} --json`"))?;
        pages.insert(docs.join("connectors").join(format!("{id}.md")), page);
    }
    Ok(pages)
}

/// Builds the tool, if this run has not yet, and says where it is.
fn command_line_tool(workspace: &Workspace) -> Result<PathBuf> {
    if !workspace.built {
        // Not `cargo run -p connector-cli`: for one package alone, dependencies get other features than for the whole
        // workspace, and would be built a second time.
        let args = ["build", "--workspace", "--all-features", "--bin", BINARY];
        if let Some(problem) = shown(&mut cargo(&workspace.root, args))?.first() {
            bail!("{problem}");
        }
    }
    let tool = workspace.target.join("debug").join(BINARY);
    if !tool.is_file() {
        bail!("{} was not built: does connector-cli have a binary of this name?", tool.display());
    }
    Ok(tool)
}

/// Files in the generated folders that nothing generates.
fn left_over(workspace: &Workspace, pages: &BTreeMap<PathBuf, String>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in FOLDERS.map(|name| workspace.root.join("docs").join(name)) {
        if folder.is_dir() {
            let files = fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
            for file in files {
                found.push(file?.path());
            }
        }
    }
    found.retain(|file: &PathBuf| !pages.contains_key(Path::new(file)));
    found.sort();
    Ok(found)
}
