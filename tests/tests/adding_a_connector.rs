//! The page on adding a connector, followed line by line: a connector outside the workspace, then one in it.

use connector_testkit::{Answer, HttpRecorder, ReadmeBlock, RecorderOptions, readme_blocks};
use e2e::{Checkout, Ran};
use std::fs;
use std::path::Path;

const PAGE: &str = include_str!("../../docs/adding-a-connector.md");

fn succeeds(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    ran
}

/// The page's blocks before and after the heading of its second half.
fn halves() -> (Vec<ReadmeBlock>, Vec<ReadmeBlock>) {
    let (outside, inside) = PAGE.split_once("\n## In this workspace\n").unwrap();
    (readme_blocks(outside), readme_blocks(inside))
}

fn lines(block: &ReadmeBlock) -> impl Iterator<Item = Vec<&str>> {
    block.code.lines().map(|line| line.split(' ').collect())
}

#[tokio::test]
async fn the_page_leads_to_a_connector_outside_and_inside_the_workspace() {
    let checkout = Checkout::new().unwrap();
    let (outside, inside) = halves();

    let pigeon = Answer::status(202).json(serde_json::json!({ "id": "feather-1" }));
    let pigeon = HttpRecorder::start(RecorderOptions { tls: None, answers: vec![pigeon] }).await;
    let project = checkout.beside("project");
    begin(&checkout, &project);
    let mut printed = String::new();
    for block in outside {
        match (&block.file, block.language.as_str()) {
            (Some(file), _) => {
                // The one thing changed: Pigeon's port.
                let code = block.code.replace("127.0.0.1:8025", &format!("127.0.0.1:{}", pigeon.port()));
                fs::create_dir_all(project.join(file).parent().unwrap()).unwrap();
                fs::write(project.join(file), code).unwrap();
            }
            (None, "sh") => {
                for line in lines(&block) {
                    assert_eq!(line[0], "cargo");
                    printed = succeeds(checkout.cargo(&project, &line[1..]).unwrap()).stdout;
                }
            }
            (None, language) => panic!("a block of {language} that belongs to no file: {}", block.code),
        }
    }
    assert!(printed.contains("pigeon: Sends verification emails through Pigeon.\n"), "{printed}");
    assert!(printed.contains("http-email: "), "{printed}");
    assert!(printed.ends_with("accepted as feather-1\n"), "{printed}");
    let request = pigeon.only_request();
    assert_eq!(request.header("authorization"), Some("Bearer your-token"));
    let mail = request.json();
    assert_eq!((&mail["to"], &mail["subject"]), (&"user@example.org".into(), &"123456 is your code".into()));

    let [block] = inside.as_slice() else { panic!("one block of commands: {inside:?}") };
    for line in lines(block) {
        match line.as_slice() {
            ["cargo", "xtask", rest @ ..] => {
                let told = succeeds(checkout.xtask(rest).unwrap()).stdout;
                assert!(told.contains("Left to do") && told.contains("connector_pigeon,"), "{told}");
                // Twice is a mistake, and changes nothing.
                let again = checkout.xtask(rest).unwrap();
                assert!(again.code == 1 && again.stderr.contains("there is a connector-pigeon already"), "{again:?}");
            }
            ["cargo", rest @ ..] => {
                let tested = succeeds(checkout.cargo(&checkout.root(), rest).unwrap()).stdout;
                assert!(tested.contains("conformance::faults::"), "the suite did not run: {tested}");
            }
            _ => panic!("not a command of cargo: {line:?}"),
        }
    }
    let rules = ["check", "fmt", "connector-files", "manifests", "changelogs"];
    succeeds(checkout.xtask(&rules).unwrap());
    // What is left to do is asked for by name.
    let forgotten = checkout.xtask(&["check", "arrows"]).unwrap();
    assert!(forgotten.stderr.contains("connector-registry does not know connector-pigeon"), "{forgotten:?}");
}

#[test]
fn a_crate_that_cannot_be_finished_leaves_nothing() {
    let mut checkout = Checkout::new().unwrap();
    checkout.wrap_cargo("fmt", "exit 1").unwrap();
    let failed = checkout.xtask(&["new-connector", "pigeon"]).unwrap();
    assert!(failed.code == 1 && failed.stderr.contains("nothing was made"), "{failed:?}");
    assert_eq!(checkout.git(&["status", "--porcelain"]).unwrap(), "");
}

/// An empty folder in which our crates are found as if they were on crates.io, in the versions that the page asks for.
fn begin(checkout: &Checkout, project: &Path) {
    let path = |name: &str| {
        let folder = checkout.root().join("crates").join(name);
        format!("{name} = {{ path = \"{}\" }}\n", folder.display())
    };
    let patch = format!("[patch.crates-io]\n{}{}", path("connector-kit"), path("connector-registry"));
    fs::create_dir_all(project.join(".cargo")).unwrap();
    fs::write(project.join(".cargo/config.toml"), patch).unwrap();
    // The versions of everything else that this machine has already.
    fs::copy(checkout.root().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
}
