//! Every dependency's licence is one deny.toml allows.

use super::deny::Deny;
use super::spdx;
use crate::workspace::Workspace;
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let deny = Deny::load(workspace)?;
    let mut problems = Vec::new();
    for package in &workspace.packages {
        let (name, version) = (&package.name, &package.version);
        let Some(licence) = &package.license else {
            let file = package.license_file.as_deref().unwrap_or("none");
            problems.push(format!("{name} {version} states no licence (licence file: {file})"));
            continue;
        };
        let exceptions = deny.licenses.exceptions.iter().filter(|exception| exception.name == *name);
        let exceptions: Vec<&String> = exceptions.flat_map(|exception| &exception.allow).collect();
        let allowed = |id: &str| deny.licenses.allow.iter().chain(exceptions.iter().copied()).any(|known| known == id);
        match spdx::satisfied(licence, allowed) {
            Ok(true) => {}
            Ok(false) => problems.push(format!("{name} {version} is under {licence}, which deny.toml does not allow")),
            Err(error) => problems.push(format!("{name} {version}: its licence `{licence}` cannot be read: {error:#}")),
        }
    }
    Ok(problems)
}
