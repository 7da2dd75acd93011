//! Published crates say in their manifest what crates.io shows and asks for.

use crate::workspace::{Package, Workspace};
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(workspace.published().flat_map(problems).collect())
}

fn problems(package: &Package) -> Vec<String> {
    let texts = [
        ("description", &package.description),
        ("license", &package.license),
        ("repository", &package.repository),
        ("readme", &package.readme),
        ("rust-version", &package.rust_version),
    ];
    let missing = texts.into_iter().filter(|(_, value)| value.as_ref().is_none_or(|text| text.trim().is_empty()));
    let mut faults: Vec<String> = missing.map(|(field, _)| format!("has no {field}")).collect();
    if let Some(readme) = &package.readme
        && !package.folder().join(readme).is_file()
    {
        faults.push(format!("names {readme} as its readme, which does not exist"));
    }
    for (field, values) in [("keywords", &package.keywords), ("categories", &package.categories)] {
        // crates.io takes from one to five of each, and keywords of up to 20 characters.
        if values.is_empty() || values.len() > 5 {
            faults.push(format!("has {} {field}: crates.io wants one to five", values.len()));
        }
    }
    for keyword in &package.keywords {
        let fits = keyword.len() <= 20 && keyword.starts_with(|first: char| first.is_ascii_alphanumeric());
        if !fits || !keyword.chars().all(|char| char.is_ascii_alphanumeric() || "_-+".contains(char)) {
            faults.push(format!("has the keyword `{keyword}`: crates.io takes up to 20 of a-z, 0-9, `_`, `-`, `+`"));
        }
    }
    faults.into_iter().map(|fault| format!("{}: its Cargo.toml {fault}", package.name)).collect()
}
