//! The README's commands, run as they stand there. Its Rust runs with the documentation tests.

use connector_testkit::{SmtpRecorder, SmtpRecorderOptions, SmtpScript};
use e2e::Desk;
use std::path::Path;

/// A code block: its language, its content, and the file it is to be kept in, if the line before names one.
struct Block {
    language: String,
    content: String,
    file: Option<String>,
}

fn readme() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap()
}

fn blocks() -> Vec<Block> {
    let text = readme();
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let content: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let file = before.strip_prefix('`').and_then(|rest| rest.split_once('`')).map(|(file, _)| file.to_owned());
            blocks.push(Block { language: language.to_owned(), content: content.join("\n"), file });
        } else if !line.is_empty() {
            before = line;
        }
    }
    blocks
}

#[test]
fn every_block_is_of_a_kind_that_is_tested() {
    let languages: Vec<String> = blocks().into_iter().map(|block| block.language).collect();
    assert!(languages.iter().all(|language| ["sh", "json", "rust"].contains(&language.as_str())), "{languages:?}");
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    let ci = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.ci/run")).unwrap();
    assert!(ci.lines().any(|line| line == "exec cargo xtask test"));
    assert!(blocks().iter().any(|block| block.language == "sh" && block.content == "cargo xtask test"));
}

/// `cargo run … quickstart` runs the binary that stands beside this test; building it again would test cargo.
#[test]
fn quickstart_sends_and_verifies() {
    let prefix = "cargo run --quiet --package connector-cli -- ";
    let command = blocks().into_iter().find_map(|block| block.content.strip_prefix(prefix).map(str::to_owned));
    let ran = Desk::new().unwrap().shell(&format!("email-connectors {}", command.unwrap())).unwrap();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("Subject:"), "the mail is shown as it arrived: {ran:?}");
}

#[tokio::test]
async fn every_command_of_the_tour_does_what_it_says() {
    let desk = Desk::new().unwrap();
    let script = SmtpScript::offering(&["AUTH PLAIN LOGIN"]);
    let server = SmtpRecorder::start(SmtpRecorderOptions { script, ..SmtpRecorderOptions::default() }).await;
    let mut ran_any = 0;
    for block in blocks() {
        match (block.language.as_str(), &block.file) {
            ("json", Some(file)) => desk.write(file, &block.content).unwrap(),
            ("json", None) => panic!("a JSON block without a file name: {}", block.content),
            ("sh", _) if block.content.starts_with("cargo ") => {}
            ("sh", _) => {
                for line in block.content.lines() {
                    // The one thing changed: the reader's own server is the test's.
                    let mine = format!("127.0.0.1:{}", server.port());
                    let line = line.replace("127.0.0.1:2525", &mine);
                    // Without that, the line would leave this machine: its host cannot be reached from a test.
                    let line = match line.contains(" send ") && !line.contains("--connect-to") {
                        true => format!("{line} --connect-to smtp.example.com:587:{mine}"),
                        false => line,
                    };
                    let ran = desk.shell(&line).unwrap();
                    assert_eq!(ran.code, 0, "{line}: {ran:?}");
                    assert!(!ran.stdout.is_empty(), "{line}: {ran:?}");
                    ran_any += 1;
                }
            }
            _ => {}
        }
    }
    assert!(ran_any >= 7, "{ran_any} lines ran");
    assert_eq!(server.messages().len(), 2);
}
