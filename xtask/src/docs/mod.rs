//! `cargo xtask docs`: the pages that are generated from what the connectors say of themselves, and are seen to do.

mod connector;
mod errors;
mod faults;
mod form;
mod kinds;
mod reference;
mod wire;

use self::connector::Description;
use self::wire::Wire;
use crate::progress::Steps;
use crate::run::{cargo, output, shown};
use crate::workspace::{Package, Workspace};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HELP: &str = "\
Writes the pages that are generated from the connectors' own descriptions:

  docs/schemas/<id>.json     the JSON Schema of each connector's configuration
  docs/describe.schema.json  the JSON Schema of what `describe --json` prints
  docs/connectors/<id>.md    its reference: the configuration, the form, errors, and an example on the wire
  docs/faults.md             what comes of each fault, connector by connector
  docs/errors.md             the kinds of error, and what to do about each

Errors and example are not described but seen: each connector sends to a server on this machine that gives the answers in
its tests/answers.json. The example's configuration is the one in the connector's README.

Usage: cargo xtask docs [--check]

  --check    write nothing; fail when a page is not what would be written

Examples:
  cargo xtask docs
  cargo xtask docs --check
";

const BINARY: &str = "email-connectors";
const WIRE: &str = "wire";

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
    let tools = Tools::build(workspace)?;
    let crates: Vec<&Package> = workspace.members().filter(|package| package.is_connector()).collect();
    let folders = crates.iter().map(|package| package.folder());
    let wire = Wire::read(&output(Command::new(&tools.wire).arg(&tools.command_line).args(folders))?)?;
    let docs = workspace.root.join("docs");
    let mut pages = BTreeMap::from([(docs.join("faults.md"), faults::page(workspace)?)]);
    let description = output(Command::new(&tools.command_line).args(["schema", "--describe"]))?;
    pages.insert(docs.join("describe.schema.json"), description.trim_end().to_owned() + "\n");
    let mut names = Vec::new();
    for package in crates {
        let described = output(Command::new(&tools.command_line).args([
            "describe",
            package.provider().unwrap_or_default(),
            "--json",
        ]))?;
        let connector =
            Description::read(&described).with_context(|| format!("{BINARY} describes {}", package.name))?;
        let id = &connector.id;
        let schema = output(Command::new(&tools.command_line).args(["schema", id]))?;
        pages.insert(docs.join("schemas").join(format!("{id}.json")), schema.trim_end().to_owned() + "\n");
        let guide = format!("../../{}/README.md", workspace.relative(package.folder()));
        let observed = wire.connectors.get(id).with_context(|| format!("nothing was seen of {id}"))?;
        pages.insert(docs.join("connectors").join(format!("{id}.md")), connector.page(&guide, observed)?);
        names.push((id.clone(), connector.name()?.to_owned()));
    }
    pages.insert(docs.join("errors.md"), kinds::page(&wire, &names)?);
    Ok(pages)
}

/// The programs that the pages come from.
struct Tools {
    command_line: PathBuf,
    wire: PathBuf,
}

impl Tools {
    /// Builds them, if this run has not yet, and says where they are.
    fn build(workspace: &Workspace) -> Result<Self> {
        if !workspace.built {
            // Not `cargo run -p …`: for one package alone, dependencies get other features than for the whole workspace,
            // and would be built a second time.
            let args = ["build", "--workspace", "--all-features", "--bin", BINARY, "--bin", WIRE];
            if let Some(problem) = shown(&mut cargo(&workspace.root, args))?.first() {
                bail!("{problem}");
            }
        }
        let built = |name: &str| {
            let tool = workspace.target.join("debug").join(name);
            if tool.is_file() {
                Ok(tool)
            } else {
                bail!("{} was not built: is there a binary of this name?", tool.display())
            }
        };
        Ok(Self { command_line: built(BINARY)?, wire: built(WIRE)? })
    }
}

/// A value as code; a text without the quotes JSON puts around it.
fn code(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("`{value}`"), |text| format!("`{text}`"))
}

/// Text that stays in its cell of a table.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
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
