//! No banned crate anywhere, and none from another place than crates.io.

use super::deny::{Deny, Sources};
use crate::workspace::Workspace;
use anyhow::Result;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    Ok(problems(workspace, &Deny::load(workspace)?))
}

fn problems(workspace: &Workspace, deny: &Deny) -> Vec<String> {
    let mut problems = Vec::new();
    for banned in &deny.bans.deny {
        let instead = banned.use_instead.as_ref().map(|instead| format!("; use {instead}")).unwrap_or_default();
        for package in workspace.packages.iter().filter(|package| package.name == banned.name) {
            for dependent in
                workspace.dependents(package).filter(|dependent| !banned.wrappers.contains(&dependent.name))
            {
                problems.push(format!("{} depends on {}: {}{instead}", dependent.name, banned.name, banned.reason));
            }
        }
    }
    for package in &workspace.packages {
        if let Some(source) = package.source.as_ref().filter(|source| !is_allowed(source, &deny.sources)) {
            problems.push(format!("{} comes from {source}, which deny.toml does not allow", package.name));
        }
    }
    problems
}

/// A source is `registry+URL` or `git+URL?branch=…#commit`.
fn is_allowed(source: &str, sources: &Sources) -> bool {
    let (kind, url) = source.split_once('+').unwrap_or_default();
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let allowed = match kind {
        "registry" => &sources.allow_registry,
        "git" => &sources.allow_git,
        _ => return false,
    };
    allowed.iter().any(|known| known == url)
}

#[cfg(test)]
mod tests {
    use super::{Deny, problems};
    use crate::workspace::tests::{dependency, package, workspace};

    #[test]
    fn banned_crates_and_sources() {
        let deny: Deny = toml::from_str(
            r#"
            licenses.allow = ["MIT"]
            sources.allow-registry = ["https://example.com/index"]
            bans.deny = [
                { crate = "openssl", reason = "no C", use-instead = "rustls" },
                { crate = "lettre", reason = "SMTP only", wrappers = ["connector-smtp"] },
            ]
            "#,
        )
        .unwrap();
        let packages = |smtp: &str, source: &str| {
            let mut openssl = package("openssl", &[]);
            openssl["source"] = "registry+https://example.com/index".into();
            let mut lettre = package("lettre", &[dependency("openssl", "*", None)]);
            lettre["source"] = source.into();
            workspace(&[openssl, lettre, package(smtp, &[dependency("lettre", "*", None)])])
        };
        let found = problems(&packages("connector-smtp", "registry+https://example.com/index"), &deny);
        assert_eq!(found, ["lettre depends on openssl: no C; use rustls"]);
        let found = problems(&packages("connector-mailgun", "git+https://example.com/fork?branch=x#abc"), &deny);
        assert_eq!(found[1], "connector-mailgun depends on lettre: SMTP only");
        assert!(found[2].starts_with("lettre comes from git+"), "{found:?}");
    }
}
