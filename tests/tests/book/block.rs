//! A page's blocks of code, and what the page says is to be done with them.

use connector_testkit::readme_blocks;

/// A block of code.
#[derive(Debug)]
pub struct Block {
    pub language: String,
    pub how: How,
    /// The file that it is.
    pub file: Option<String>,
    pub code: String,
}

/// What is to be done with it.
#[derive(Debug)]
pub enum How {
    Plain,
    Exits(i32),
    Code,
    Background(u16),
    NotRun,
    Output,
    /// Nobody knows.
    Unknown,
}

/// The blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block> {
    let blocks = readme_blocks(page).into_iter().map(|block| {
        let (language, how) = block.language.split_once(' ').unwrap_or((&block.language, ""));
        let how = how.trim();
        let (word, rest) = how.split_once(' ').unwrap_or((how, ""));
        let how = match word {
            "" => How::Plain,
            "exits" => rest.parse().map_or(How::Unknown, How::Exits),
            "code" => How::Code,
            "background" => rest.parse().map_or(How::Unknown, How::Background),
            "not-run:" if rest.split_whitespace().count() >= 2 => How::NotRun,
            "output" => How::Output,
            _ => How::Unknown,
        };
        Block { language: language.to_owned(), how, file: block.file, code: block.code }
    });
    blocks.collect()
}

/// Whether `said` is `line`, in which `…` stands for anything.
pub fn matches(line: &str, said: &str) -> bool {
    let mut parts = line.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = said.strip_prefix(first) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

#[test]
fn a_line_is_compared_around_its_gaps() {
    assert!(matches("sent", "sent"));
    assert!(matches("sent … attempts 1", "sent through smtp, attempts 1"));
    assert!(matches("a…b…", "a 1 b 2"));
    assert!(!matches("sent", "sent twice"));
    assert!(!matches("a…b…c", "a c"));
}
