//! Nothing in the tree names a place on one machine.

use super::tracked_files;
use crate::workspace::Workspace;
use anyhow::Result;

/// Folders right below `/` in which people and CI keep their checkouts. Written without slashes: this file is checked too.
const PRIVATE: [&str; 2] = ["work", "root"];

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for file in tracked_files(workspace)? {
        // What is not text holds no path anybody would follow.
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        for (number, line) in text.lines().enumerate() {
            if let Some(path) = machine_path(line) {
                let place = workspace.relative(&file);
                problems.push(format!("{place}:{}: `{path}…` exists on one machine only", number + 1));
            }
        }
    }
    Ok(problems)
}

/// The beginning of an absolute path below a private folder or somebody's home.
fn machine_path(line: &str) -> Option<String> {
    for (at, _) in line.match_indices('/') {
        // Where a path or a URL is under way already, this slash is not its beginning.
        let before = line[..at].chars().next_back();
        if before.is_some_and(|char| char.is_alphanumeric() || "._-~/})>*$".contains(char)) {
            continue;
        }
        let mut parts = line[at + 1..].split('/');
        let (first, second, more) = (parts.next()?, parts.next(), parts.next().is_some());
        if PRIVATE.contains(&first) && second.is_some() {
            return Some(format!("/{first}/"));
        }
        let is_user = |name: &str| {
            !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || "._-".contains(char))
        };
        if let (true, "home", Some(user)) = (more, first, second)
            && is_user(user)
        {
            return Some(format!("/{first}/{user}/"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::machine_path;

    #[test]
    fn only_where_an_absolute_path_begins() {
        // Put together here, so that this file does not hold what it looks for.
        let path = |parts: &[&str]| format!("/{}", parts.join("/"));
        for found in [
            path(&["work", "x"]),
            format!("see `{}`", path(&["root", ".cargo"])),
            format!("a={}", path(&["home", "ann", "x"])),
        ] {
            assert!(machine_path(&found).is_some(), "{found}");
        }
        for fine in ["https://example.com/work/x", "../work/x", "$HOME/work/x", "{dir}/root/x", "net/work/x"] {
            assert_eq!(machine_path(fine), None, "{fine}");
        }
        for fine in [path(&["home", "<user>", "x"]), path(&["home", "ann"]), path(&["workspace", "x"]), path(&["work"])]
        {
            assert_eq!(machine_path(&fine), None, "{fine}");
        }
    }
}
