//! The pages of docs/ that people write: their files are written, their commands run as they stand, from top to bottom, and
//! what a page says that they print is what they print. What stands behind a fence's language says how:
//!
//! | | |
//! |---|---|
//! | `sh` | is to succeed |
//! | `sh exits 65` | is to fail with this exit code |
//! | `sh code` | the code in it is that of the last mail |
//! | `sh background 8025` | runs until the page ends; the next block waits until this port takes connections |
//! | `sh not-run: why` | cannot be run in a test |
//! | `text output`, `json output` | lines that the block before has printed; `…` stands for anything |
//! | anything after a paragraph that begins with a file's name | is that file |
//!
//! The files of the first page are there on every page.

mod block;
mod world;

use block::{Block, How, blocks};
use std::collections::BTreeSet;
use std::path::Path;
use world::World;

/// The page that people have read before any other.
const FIRST: &str = "docs/getting-started.md";

/// A page of this repository.
fn page(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A page that a test of its own follows, file by file.
const FOLLOWED: &str = "docs/adding-a-connector.md";

/// The pages that people write and whose commands are run here: not those that are generated, and not those that are another
/// file, which is tested where it stands.
fn written() -> Vec<String> {
    let summary = page("docs/SUMMARY.md");
    let listed =
        summary.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(path, _)| format!("docs/{path}"));
    let is_written = |path: &String| {
        let text = page(path);
        path != FOLLOWED && !text.starts_with("<!-- Generated") && !text.starts_with("{{#include")
    };
    let others = ["SECURITY.md", "CONTRIBUTING.md"].map(str::to_owned);
    listed.filter(is_written).chain(others).collect()
}

/// A test for each page that has commands, by the name of its file.
macro_rules! pages {
    ($($name:ident: $path:literal,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            run($path).await;
        })*

        #[test]
        fn every_page_with_commands_is_run() {
            let tested: BTreeSet<&str> = [$($path),*].into();
            let pages = written();
            let with_commands = pages.iter().filter(|path| {
                blocks(&page(path)).iter().any(|block| block.language == "sh" && !matches!(block.how, How::NotRun))
            });
            let missing: Vec<&String> = with_commands.filter(|path| !tested.contains(path.as_str())).collect();
            assert!(missing.is_empty(), "give each a test, in `pages!`: {missing:?}");
        }
    };
}

pages! {
    getting_started: "docs/getting-started.md",
    choosing_a_connector: "docs/choosing-a-connector.md",
    templates: "docs/templates.md",
    codes: "docs/codes.md",
    changing_a_connector: "docs/changing-a-connector.md",
    fixed_addresses: "docs/fixed-addresses.md",
    moving_from_logto: "docs/moving-from-logto.md",
    operations: "docs/operations.md",
    admin_ui: "docs/admin-ui.md",
}

#[test]
fn every_block_can_be_tested() {
    for path in written() {
        for Block { language, how, file, code } in blocks(&page(&path)) {
            let fine = match (language.as_str(), &how) {
                (_, How::Unknown) => false,
                ("sh", _) => file.is_none(),
                ("json", How::Output) => true,
                ("json", How::Plain) => serde_json::from_str::<serde_json::Value>(&code).is_ok(),
                ("text", How::Plain | How::Output) => true,
                ("python", How::Plain) => file.is_some(),
                _ => false,
            };
            assert!(fine, "{path}: a {language} block that no test can make sense of ({how:?}):\n{code}");
        }
    }
}

async fn run(path: &str) {
    let blocks = blocks(&page(path));
    let mut world = World::new(&blocks).await;
    for Block { file, code, .. } in self::blocks(&page(FIRST)) {
        file.into_iter().for_each(|file| world.write(&file, &code));
    }
    let mut printed = String::new();
    for Block { language, how, file, code } in &blocks {
        if let Some(file) = file {
            world.write(file, code);
            continue;
        }
        match how {
            How::Plain | How::Exits(_) | How::Code if language == "sh" => {
                let ran = world.run(code, matches!(how, How::Code)).await;
                let expected = if let How::Exits(code) = how { *code } else { 0 };
                assert_eq!(ran.code, expected, "{path}:\n{code}\n{ran:?}");
                printed = ran.stdout + &ran.stderr;
            }
            How::Background(port) => world.start(code, *port),
            How::Output => {
                for line in code.lines() {
                    let found = printed.lines().any(|said| block::matches(line, said));
                    assert!(found, "{path}: `{line}` was not printed, but\n{printed}");
                }
            }
            _ => {}
        }
    }
}
