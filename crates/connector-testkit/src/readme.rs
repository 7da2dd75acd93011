//! What a person copies from a README: its blocks of code.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde_json::Value;

/// A block of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadmeBlock {
    /// What stands behind the fence: `json`, `sh`, `rust,no_run`.
    pub language: String,
    /// The code, without indentation of the fence.
    pub code: String,
    /// The file to keep it in, where the paragraph before begins with its name: `` `smtp.json`, as Logto stores it: ``.
    pub file: Option<String>,
}

/// The fenced blocks of a README, in order.
#[must_use]
pub fn readme_blocks(readme: &str) -> Vec<ReadmeBlock> {
    let mut blocks: Vec<ReadmeBlock> = Vec::new();
    // The file that the last paragraph names, and what may still be a file's name.
    let (mut file, mut first, mut inside) = (None, false, false);
    for event in Parser::new(readme) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                inside = true;
                blocks.push(ReadmeBlock { language: language.into_string(), code: String::new(), file: file.take() });
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => {
                if let Some(block) = blocks.last_mut() {
                    block.code.push_str(&text);
                }
            }
            Event::Start(Tag::Paragraph) => {
                file = None;
                first = true;
            }
            Event::Code(text) if first => {
                file = text.contains('.').then(|| text.into_string());
                first = false;
            }
            Event::Start(Tag::Heading { .. } | Tag::Item) => file = None,
            _ => first = false,
        }
    }
    blocks
}

/// The example configuration of a connector's README, with its file's name: the first JSON that is to be kept in a file.
///
/// # Errors
///
/// When there is none, or it is not JSON.
pub fn example_config(readme: &str) -> Result<(String, Value), String> {
    let named = |block: ReadmeBlock| block.file.filter(|_| block.language == "json").map(|file| (file, block.code));
    let found = readme_blocks(readme).into_iter().find_map(named);
    let (file, code) =
        found.ok_or("the README has no example configuration: a JSON block after a line that names its file")?;
    let config = serde_json::from_str(&code).map_err(|error| format!("{file} in the README is not JSON: {error}"))?;
    Ok((file, config))
}
