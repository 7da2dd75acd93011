//! What mdBook is given in place of the pages as they stand in docs/.
//!
//! A page that is one `{{#include FILE}}` becomes that file: guides stay with their crates. Links, which lead through the
//! repository, are then those of the book: to its own page where it has one, else to the file in the repository.

use crate::check::links::{decode, is_elsewhere, normal};
use crate::workspace::Workspace;
use anyhow::{Context as _, Result, bail};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

/// Reads mdBook's pages from standard input and writes ours to standard output.
pub fn preprocess(workspace: &Workspace) -> Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).context("reading what mdBook says")?;
    let (_, mut book): (Value, Value) = serde_json::from_str(&input).context("mdBook's pages cannot be read")?;
    let repository = workspace.members().find_map(|package| package.repository.as_deref());
    let repository = repository.context("no crate says where the repository is")?.to_owned();
    let mut chapters = Vec::new();
    collect(&book, &mut chapters);
    let pages = Pages::new(&workspace.root, repository, &chapters)?;
    rewrite(&mut book, &pages)?;
    Ok(serde_json::to_writer(std::io::stdout().lock().by_ref(), &book)?)
}

/// The pages that SUMMARY.md lists, relative to docs/.
pub fn listed(docs: &Path) -> Result<Vec<PathBuf>> {
    let file = docs.join("SUMMARY.md");
    let summary = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    let pages = Parser::new(&summary).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. }) => Some(PathBuf::from(decode(&dest_url))),
        _ => None,
    });
    Ok(pages.collect())
}

/// Which file of the repository each page of the book is.
struct Pages {
    root: PathBuf,
    repository: String,
    /// The page's path in docs/, by the file that it shows.
    shown: BTreeMap<PathBuf, PathBuf>,
}

impl Pages {
    fn new(root: &Path, repository: String, chapters: &[(PathBuf, String)]) -> Result<Self> {
        let mut pages = Self { root: root.to_owned(), repository, shown: BTreeMap::new() };
        for (page, content) in chapters {
            let file = pages.file(page);
            if let Some(included) = included(&file, content) {
                pages.shown.insert(included, page.clone());
            }
            pages.shown.insert(file, page.clone());
        }
        Ok(pages)
    }

    fn file(&self, page: &Path) -> PathBuf {
        self.root.join("docs").join(page)
    }

    /// A page's content, as the book shows it.
    fn content(&self, page: &Path, content: &str) -> Result<String> {
        let file = self.file(page);
        let Some(included) = included(&file, content) else {
            return self.with_links(page, &file, content);
        };
        let text = fs::read_to_string(&included).with_context(|| format!("{} includes it", file.display()))?;
        self.with_links(page, &included, &text)
    }

    /// The text of `file` with its links as they must be on `page`.
    fn with_links(&self, page: &Path, file: &Path, text: &str) -> Result<String> {
        let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH;
        let mut changes = Vec::new();
        for (event, range) in Parser::new_ext(text, options).into_offset_iter() {
            let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else { continue };
            let Some(target) = self.target(page, file, &dest_url) else { continue };
            let written = format!("]({dest_url}");
            let Some(at) = text[range.clone()].rfind(&written) else {
                bail!("{}: write the link to {dest_url} as [text]({dest_url})", file.display());
            };
            let start = range.start + at + 2;
            changes.push((start..start + dest_url.len(), target));
        }
        let mut text = text.to_owned();
        changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
        for (range, target) in changes {
            text.replace_range(range, &target);
        }
        Ok(text)
    }

    /// What a link of `file` must be on `page`, where that is something else.
    fn target(&self, page: &Path, file: &Path, link: &str) -> Option<String> {
        if is_elsewhere(link) || link.starts_with('#') {
            return None;
        }
        let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
        let full = normal(&file.parent()?.join(decode(path)));
        let docs = self.root.join("docs");
        let mut target = match self.shown.get(&full) {
            // mdBook calls it index.
            Some(shown) => relative(
                page,
                &shown.with_file_name(match shown.file_name()?.to_str()? {
                    "README.md" => "index.md",
                    name => name,
                }),
            ),
            // mdBook puts the other files of docs/ beside the pages.
            None => match full.strip_prefix(&docs) {
                Ok(beside) if full.is_file() => relative(page, beside),
                _ => {
                    let kind = if full.is_dir() { "tree" } else { "blob" };
                    format!("{}/{kind}/HEAD/{}", self.repository, full.strip_prefix(&self.root).ok()?.display())
                }
            },
        };
        if let Some(anchor) = anchor {
            target += &format!("#{anchor}");
        }
        Some(target)
    }
}

/// The file that a page is nothing but an include of.
fn included(file: &Path, content: &str) -> Option<PathBuf> {
    let path = content.trim().strip_prefix("{{#include ")?.strip_suffix("}}")?;
    if path.contains("}}") {
        return None;
    }
    Some(normal(&file.parent()?.join(path.trim())))
}

/// A path of the book as `page` writes it.
fn relative(page: &Path, to: &Path) -> String {
    let up = page.components().count().saturating_sub(1);
    format!("{}{}", "../".repeat(up), to.display())
}

/// Every chapter of mdBook's JSON: its path and content.
fn collect(value: &Value, chapters: &mut Vec<(PathBuf, String)>) {
    if let (Some(path), Some(content)) = (value["path"].as_str(), value["content"].as_str()) {
        chapters.push((path.into(), content.to_owned()));
    }
    let items: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Array(items) => Box::new(items.iter()),
        Value::Object(members) => Box::new(members.values()),
        _ => return,
    };
    items.for_each(|item| collect(item, chapters));
}

/// Every chapter of mdBook's JSON with the content it is to have.
fn rewrite(value: &mut Value, pages: &Pages) -> Result<()> {
    if let (Some(path), Some(content)) = (value["path"].as_str(), value["content"].as_str()) {
        value["content"] = pages.content(Path::new(path), content)?.into();
    }
    match value {
        Value::Array(items) => items.iter_mut().try_for_each(|item| rewrite(item, pages)),
        Value::Object(members) => members.values_mut().try_for_each(|item| rewrite(item, pages)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages() -> Pages {
        let chapters = [
            ("README.md", "# Book\n"),
            ("errors.md", "# Errors\n"),
            ("providers/smtp.md", "{{#include ../../crates/connector-smtp/README.md}}\n"),
        ];
        let chapters: Vec<_> = chapters.map(|(path, content)| (path.into(), content.to_owned())).into();
        Pages::new(Path::new("/repo"), "https://example.com/repo".to_owned(), &chapters).unwrap()
    }

    #[test]
    fn links_lead_to_the_books_own_pages_or_into_the_repository() {
        let on = |page: &str, text: &str| {
            let page = Path::new(page);
            let pages = pages();
            pages.with_links(page, &pages.file(page), text).unwrap()
        };
        assert_eq!(
            on(
                "connectors/smtp.md",
                "[a](../errors.md#x) [b](../../crates/connector-smtp/README.md) `[c](../README.md)`"
            ),
            "[a](../errors.md#x) [b](../providers/smtp.md) `[c](../README.md)`"
        );
        assert_eq!(on("connectors/smtp.md", "[a](../README.md)"), "[a](../index.md)");
        assert_eq!(on("errors.md", "[b](../Cargo.toml#x)"), "[b](https://example.com/repo/blob/HEAD/Cargo.toml#x)");
        assert_eq!(
            on("errors.md", "[a](#x) <https://example.com/> [b](mailto:a@b.test)"),
            "[a](#x) <https://example.com/> [b](mailto:a@b.test)"
        );
    }

    #[test]
    fn a_guides_links_are_read_from_where_it_stands() {
        let pages = pages();
        let guide = Path::new("/repo/crates/connector-smtp/README.md");
        let text = pages.with_links(Path::new("providers/smtp.md"), guide, "[a](../../docs/errors.md) [b](src/lib.rs)");
        assert_eq!(
            text.unwrap(),
            "[a](../errors.md) [b](https://example.com/repo/blob/HEAD/crates/connector-smtp/src/lib.rs)"
        );
    }

    #[test]
    fn only_a_page_that_is_an_include_is_the_file() {
        let file = Path::new("/repo/docs/providers/a.md");
        assert_eq!(included(file, "{{#include ../../b.md}}\n"), Some("/repo/b.md".into()));
        assert_eq!(included(file, "# A\n\n{{#include ../../b.md}}\n"), None);
        assert_eq!(included(file, "{{#include b.md}} {{#include c.md}}"), None);
    }
}
