//! Links between the pages: files and headings they name exist.

use super::tracked_files;
use crate::workspace::Workspace;
use anyhow::{Context as _, Result};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let files = tracked_files(workspace)?;
    let mut exist: BTreeSet<PathBuf> = files.iter().cloned().collect();
    for file in &files {
        exist.extend(
            file.ancestors().skip(1).take_while(|folder| folder.starts_with(&workspace.root)).map(Path::to_owned),
        );
    }
    let mut pages = HashMap::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        pages.insert(file.as_path(), Page::read(&text));
    }

    let mut problems = Vec::new();
    for (file, page) in &pages {
        for (line, target) in &page.links {
            if let Some(fault) = fault(file, target, &exist, &pages) {
                problems.push(format!("{}:{line}: {target}: {fault}", workspace.relative(file)));
            }
        }
    }
    problems.sort();
    Ok(problems)
}

/// What is wrong with a link, if it is one of ours.
fn fault(file: &Path, target: &str, exist: &BTreeSet<PathBuf>, pages: &HashMap<&Path, Page>) -> Option<String> {
    // `crate::Item` in a README that is also crate documentation: rustdoc resolves and checks it.
    if target.contains("::") {
        return None;
    }
    fault_of_target(file, target, exist, |page, anchor| {
        pages.get(page).map(|page| page.anchors.contains(&decode(anchor)))
    })
}

/// What is wrong with a link of `file` to somewhere among the files that `exist`. `anchored` says whether a page has an
/// anchor, and nothing where that cannot be told.
pub fn fault_of_target(
    file: &Path,
    target: &str,
    exist: &BTreeSet<PathBuf>,
    anchored: impl Fn(&Path, &str) -> Option<bool>,
) -> Option<String> {
    if is_elsewhere(target) {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = decode(path.split('?').next().unwrap_or_default());
    let full = match path.as_str() {
        "" => file.to_owned(),
        path if path.starts_with('/') => return Some("is absolute; a link here is relative to its page".to_owned()),
        path => normal(&file.parent()?.join(path)),
    };
    if !exist.contains(&full) {
        return Some("there is no such file".to_owned());
    }
    let anchor = anchor?;
    match anchored(&full, anchor) {
        Some(false) => Some(format!("the page has no heading `#{anchor}`")),
        _ => None,
    }
}

/// Whether a link leaves for another site, or is no link to a file at all.
pub fn is_elsewhere(target: &str) -> bool {
    target.starts_with("//") || target.split_once(':').is_some_and(|(scheme, _)| is_scheme(scheme))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}

/// The path without `.` and `..`.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

/// Undoes `%20` and the like.
pub fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail
            .get(..2)
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match escaped {
            Some(byte) if first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a Markdown page links to, with line numbers, and what can be linked to in it.
#[derive(Default)]
struct Page {
    links: Vec<(usize, String)>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(text: &str) -> Self {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_TASKLISTS;
        let mut page = Self::default();
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut heading: Option<String> = None;
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let line = || text[..range.start].matches('\n').count() + 1;
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    page.links.push((line(), dest_url.to_string()))
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = &mut heading {
                        heading.push_str(&text);
                    }
                }
                Event::End(TagEnd::Heading(_)) => {
                    let slug = slug(&heading.take().unwrap_or_default());
                    // GitHub tells headings of the same text apart by number.
                    let count = seen.entry(slug.clone()).or_default();
                    page.anchors.insert(if *count == 0 { slug } else { format!("{slug}-{count}") });
                    *count += 1;
                }
                Event::Html(html) | Event::InlineHtml(html) => {
                    let line = line();
                    page.links.extend(
                        ["href", "src"].into_iter().flat_map(|name| attributes(&html, name)).map(|url| (line, url)),
                    );
                    page.anchors.extend(["id", "name"].into_iter().flat_map(|name| attributes(&html, name)));
                }
                _ => {}
            }
        }
        page
    }
}

/// The anchor GitHub gives a heading.
fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|char| char.is_alphanumeric() || "-_ ".contains(*char));
    kept.flat_map(char::to_lowercase).map(|char| if char == ' ' { '-' } else { char }).collect()
}

/// The values of an attribute in a piece of HTML, quoted as they should be.
pub fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    html.split(start.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(value, _)| value.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_links_and_anchors() {
        let page = Page::read(
            "# `a_b`, C & Ü!\n## Same\n## Same\n[x](one.md#y) `[no](no.md)` [ref]\n\n```\n[no](no.md)\n```\n<a id=\"here\" href=\"two.md\">\n\n[ref]: three.md\n",
        );
        let links: Vec<&str> = page.links.iter().map(|(_, target)| target.as_str()).collect();
        assert_eq!(links, ["one.md#y", "three.md", "two.md"]);
        assert_eq!(page.links[0].0, 4);
        let anchors: Vec<&str> = page.anchors.iter().map(String::as_str).collect();
        assert_eq!(anchors, ["a_b-c--ü", "here", "same", "same-1"]);
    }

    #[test]
    fn finds_what_is_broken() {
        let page = Path::new("/repo/docs/page.md");
        let exist = ["/repo/docs", "/repo/docs/page.md", "/repo/docs/a b.md"].map(PathBuf::from).into();
        let pages = HashMap::from([(page, Page::read("# Here\n"))]);
        for fine in [
            "#here",
            "page.md",
            "./page.md#here",
            "../docs/",
            "a%20b.md",
            "https://example.com/x",
            "mailto:a@b.test",
            "crate::Kit",
        ] {
            assert_eq!(fault(page, fine, &exist, &pages), None, "{fine}");
        }
        for broken in ["#there", "gone.md", "page.md#there", "/docs/page.md", "../../outside.md"] {
            assert!(fault(page, broken, &exist, &pages).is_some(), "{broken}");
        }
    }
}
