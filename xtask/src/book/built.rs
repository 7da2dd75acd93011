//! The built book: every link in it leads to one of its files and, where it names one, to an anchor there.

use crate::check::links::{attributes, decode, fault_of_target};
use anyhow::{Context as _, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The page that a server shows for an address that is none: its links are relative to that address.
const NO_PAGE: &str = "404.html";

/// The links of the book in `folder` that lead nowhere.
pub fn broken_links(folder: &Path) -> Result<Vec<String>> {
    let mut files = BTreeSet::new();
    collect(folder, &mut files)?;
    let mut pages = BTreeMap::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "html")) {
        let html = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        pages.insert(file.as_path(), tags(&html));
    }
    let anchors: BTreeMap<&Path, BTreeSet<String>> =
        pages.iter().map(|(file, html)| (*file, attributes(html, "id").into_iter().collect())).collect();
    let mut problems = Vec::new();
    for (file, html) in pages.iter().filter(|(file, _)| file.file_name().is_none_or(|name| name != NO_PAGE)) {
        let targets: BTreeSet<String> = ["href", "src"].iter().flat_map(|name| attributes(html, name)).collect();
        for target in targets {
            let target = unescape(&target);
            let anchor = |page: &Path, anchor: &str| anchors.get(page).map(|known| known.contains(&decode(anchor)));
            if let Some(fault) = fault_of_target(file, &target, &files, anchor) {
                let page = file.strip_prefix(folder).unwrap_or(file).display();
                problems.push(format!("book: {page}: {target}: {fault}"));
            }
        }
    }
    Ok(problems)
}

/// The tags alone: what is shown between them may look like one.
fn tags(html: &str) -> String {
    html.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| format!("<{tag}>")).collect()
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// Undoes what an attribute's value needs in HTML.
fn unescape(value: &str) -> String {
    value.replace("&quot;", "\"").replace("&#x27;", "'").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_leads_nowhere() {
        let folder = std::env::temp_dir().join(format!("xtask-book-{}", std::process::id()));
        fs::create_dir_all(folder.join("sub")).unwrap();
        let page =
            r#"<h1 id="here"><a href="sub/a.html#there"></a><a href="gone.html"></a><a href="a.html?b&amp;c"></a>"#;
        fs::write(folder.join("index.html"), format!("{page}<code>&lt;a href=\"shown.html\"></code>")).unwrap();
        let page = r##"<a href="../index.html#here"></a><a href="#nowhere"></a><a href="https://example.com"></a>"##;
        fs::write(folder.join("sub/a.html"), page).unwrap();
        fs::write(folder.join(NO_PAGE), r#"<a href="anywhere">"#).unwrap();
        let found = broken_links(&folder);
        fs::remove_dir_all(&folder).unwrap();
        let found = found.unwrap();
        let places: Vec<&str> = found.iter().map(|problem| problem.rsplit_once(": ").unwrap().0).collect();
        assert_eq!(
            places,
            [
                "book: index.html: a.html?b&c",
                "book: index.html: gone.html",
                "book: index.html: sub/a.html#there",
                "book: sub/a.html: #nowhere"
            ]
        );
    }
}
