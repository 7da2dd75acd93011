//! The commands of the README and of the connectors' guides, run as they stand there. Their Rust runs with the
//! documentation tests.

use connector_registry::Catalog;
use connector_testkit::{ReadmeBlock, RefusedPort, SmtpRecorder, SmtpRecorderOptions, SmtpScript, readme_blocks};
use e2e::Desk;
use std::path::Path;

/// A page of this repository.
fn page(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

fn blocks() -> Vec<ReadmeBlock> {
    readme_blocks(&page("README.md"))
}

#[test]
fn every_block_is_of_a_kind_that_is_tested() {
    let languages: Vec<String> = blocks().into_iter().map(|block| block.language).collect();
    assert!(languages.iter().all(|language| ["sh", "json", "rust"].contains(&language.as_str())), "{languages:?}");
}

#[test]
fn the_test_command_is_the_one_that_ci_runs() {
    assert!(page(".ci/run").lines().any(|line| line == "exec cargo xtask test"));
    assert!(blocks().iter().any(|block| block.language == "sh" && block.code == "cargo xtask test\n"));
}

/// `cargo run … quickstart` runs the binary that stands beside this test; building it again would test cargo.
#[test]
fn quickstart_sends_and_verifies() {
    let prefix = "cargo run --package connector-cli -- ";
    let command = blocks().into_iter().find_map(|block| block.code.strip_prefix(prefix).map(str::to_owned));
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
            ("json", Some(file)) => desk.write(file, &block.code).unwrap(),
            ("json", None) => panic!("a JSON block without a file name: {}", block.code),
            ("sh", _) if block.code.starts_with("cargo ") => {}
            ("sh", _) => {
                for line in block.code.lines() {
                    // The one thing changed: the reader's own server is the test's.
                    let mine = format!("127.0.0.1:{}", server.port());
                    let line = line.replace("127.0.0.1:2525", &mine);
                    // Without that, the line would leave this machine: its host cannot be reached from a test.
                    let sends = line.contains(" send ") || line.contains("--test-to");
                    let line = match sends && !line.contains("--connect-to") {
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
    assert!(ran_any >= 13, "{ran_any} lines ran");
    assert_eq!(server.messages().len(), 4);
}

/// Each guide's files are written and its commands run, up to the connection: a provider cannot be reached from a test.
#[test]
fn every_command_of_the_guides_runs() {
    let nobody = RefusedPort::new();
    for factory in Catalog::builtin().iter() {
        let desk = Desk::new().unwrap();
        let (mut validated, mut sent) = (0, 0);
        for block in readme_blocks(factory.about().readme) {
            if let Some(file) = block.file {
                desk.write(&file, &block.code).unwrap();
            }
            for line in block.code.lines().filter(|line| block.language == "sh" && !line.is_empty()) {
                let sends = line.contains(" send ");
                let line = match sends {
                    true => format!("{line} --connect-to ::127.0.0.1:{} --retry 0", nobody.port()),
                    false => line.to_owned(),
                };
                let ran = desk.shell(&line).unwrap();
                // 75: the configuration and the message are good, and nobody was there to take it.
                assert_eq!(ran.code, if sends { 75 } else { 0 }, "{}: {line}: {ran:?}", factory.id());
                validated += usize::from(line.contains(" validate "));
                sent += usize::from(sends);
            }
        }
        assert!(validated > 0 && sent > 0, "{}: the guide does not show how to try it", factory.id());
    }
}
