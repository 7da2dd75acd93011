//! Releases: what refuses one, and that what is published is built, used and updated elsewhere, one crate at a time.

mod failures;
mod service;

use self::service::{HTTP, REGISTRY, SMTP, Service};
use connector_testkit::{HttpRecorder, RecorderOptions, SmtpRecorder};
use e2e::{CargoRegistry, Checkout, Ran};
use serde_json::Value;
use std::collections::BTreeSet;

/// The version of every crate before its first release.
const FIRST: &str = "0.1.0";

const LOCAL: &str = CargoRegistry::NAME;

/// All that a refused release must leave alone.
#[derive(Debug, PartialEq, Eq)]
struct State {
    head: String,
    changed: String,
    tags: String,
    packages: Vec<String>,
}

impl State {
    fn of(checkout: &Checkout, registry: &CargoRegistry) -> Self {
        Self {
            head: checkout.git(&["rev-parse", "HEAD"]).unwrap(),
            changed: checkout.git(&["diff", "HEAD"]).unwrap() + &checkout.git(&["status", "--porcelain"]).unwrap(),
            tags: checkout.git(&["tag", "--list"]).unwrap(),
            packages: registry.packages().unwrap(),
        }
    }
}

fn succeeds(ran: Ran) -> Ran {
    assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
    ran
}

/// A workspace of which nothing was ever released, and the crates that it publishes, in order of their names.
fn workspace(registry: &CargoRegistry) -> (Checkout, Vec<String>) {
    let mut checkout = Checkout::new().unwrap();
    let mut names = Vec::new();
    for package in packages(&checkout) {
        let (name, version) = (package["name"].as_str().unwrap(), package["version"].as_str().unwrap());
        let folder = format!("crates/{name}");
        let changelog = checkout.root().join(&folder).join("CHANGELOG.md");
        std::fs::write(changelog, "# Changelog\n\n## Unreleased\n\n- First version.\n").unwrap();
        if version != FIRST {
            let (now, then) = (format!("version = \"{version}\""), format!("version = \"{FIRST}\""));
            checkout.edit(&format!("{folder}/Cargo.toml"), |text| text.replacen(&now, &then, 1)).unwrap();
            let required = |line: &str| match line.starts_with(&format!("{name} = ")) {
                true => line.replacen(&now, &then, 1),
                false => line.to_owned(),
            };
            checkout.edit("Cargo.toml", |text| text.lines().map(|line| required(line) + "\n").collect()).unwrap();
        }
        names.push(name.to_owned());
    }
    succeeds(checkout.cargo(&checkout.root(), &["update", "--quiet", "--workspace"]).unwrap());
    checkout.publish_to(registry).unwrap();
    names.sort();
    (checkout, names)
}

/// The packages that the workspace publishes, as cargo describes them.
fn packages(checkout: &Checkout) -> Vec<Value> {
    let ran = checkout.cargo(&checkout.root(), &["metadata", "--no-deps", "--format-version", "1"]).unwrap();
    let Value::Array(mut packages) = succeeds(ran).json().unwrap()["packages"].take() else { panic!("no packages") };
    packages.retain(|package| package["publish"].is_null());
    packages
}

/// Those that need the kit, by way of others too, and the kit.
fn over_the_kit(checkout: &Checkout) -> BTreeSet<String> {
    let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
    let mut found = BTreeSet::from(["connector-kit".to_owned()]);
    let packages = packages(checkout);
    loop {
        let needs = |package: &&Value| {
            let needed = package["dependencies"].as_array().unwrap().iter().filter(|needed| needed["kind"] != "dev");
            needed.map(name).any(|needed| found.contains(&needed))
        };
        let more: BTreeSet<String> = packages.iter().filter(needs).map(name).collect();
        if more.is_subset(&found) {
            return found;
        }
        found.extend(more);
    }
}

/// Runs `cargo xtask release` with these words behind it.
fn release(checkout: &Checkout, words: &str) -> Ran {
    let mut arguments = vec!["release", "--registry", LOCAL];
    arguments.extend(words.split(' '));
    checkout.xtask(&arguments).unwrap()
}

#[test]
fn a_release_that_cannot_be_is_refused_with_the_reason_and_nothing_changes() {
    let registry = CargoRegistry::start().unwrap();
    let (checkout, _) = workspace(&registry);
    let refused = |words: &str, reason: &str| {
        let before = State::of(&checkout, &registry);
        // A dry run refuses what the real one would.
        for how in ["--dry-run", "--execute"] {
            let ran = release(&checkout, &format!("{words} {how} --no-verify"));
            assert_eq!(ran.code, 1, "{words} {how}: {ran:?}");
            assert!(ran.stderr.contains(reason), "{words} {how}: {ran:?}");
            assert_eq!(State::of(&checkout, &registry), before, "{words} {how}");
        }
    };
    refused("connector-smpt", "no crate `connector-smpt`; did you mean `connector-smtp`?");
    refused("connector-testkit", "connector-testkit is never published");
    refused("connector-smtp", "needs connector-kit 0.1.0, which is not on local yet. Release that first");
    refused("connector-kit --bump minor", "never released: a first release has the version of Cargo.toml");

    checkout.edit("crates/connector-kit/README.md", |text| format!("{text}\nMore.\n")).unwrap();
    refused("connector-kit", "uncommitted changes; commit or stash them first:\n M crates/connector-kit/README.md");
    checkout.git(&["checkout", "--quiet", "."]).unwrap();
    std::fs::write(checkout.root().join("stray.txt"), "").unwrap();
    refused("connector-kit", "?? stray.txt");
    std::fs::remove_file(checkout.root().join("stray.txt")).unwrap();

    let unreleased = |text: &'static str| {
        checkout.edit("crates/connector-kit/CHANGELOG.md", |_| format!("# Changelog\n\n{text}")).unwrap();
        checkout.commit("Write a changelog otherwise").unwrap();
    };
    unreleased("## Unreleased\n\n### Added\n\n<!-- nothing yet -->\n");
    refused("connector-kit", "has nothing under `## Unreleased`");
    unreleased("## Unreleased\n\n- One.\n\n## Unreleased\n\n- Another, from a merge.\n");
    refused("connector-kit", "`## Unreleased` stands there twice");
    unreleased("## Unreleased\n\n- One.\n\n## 0.0.9 - 2026-01-31\n\n- Earlier.\n");
    refused("connector-kit", "its newest version is 0.0.9, and Cargo.toml says 0.1.0");
    unreleased("## Unreleased\n\n- First version.\n");

    // A dry run of what can be changes nothing either.
    let before = State::of(&checkout, &registry);
    let shown = succeeds(release(&checkout, "connector-kit --no-verify")).stdout;
    assert!(shown.contains("connector-kit 0.1.0 (first release), tag connector-kit-v0.1.0"), "{shown}");
    assert_eq!(State::of(&checkout, &registry), before);

    succeeds(release(&checkout, "connector-kit --no-verify --execute"));
    assert_eq!(registry.packages().unwrap(), ["connector-kit-0.1.0.crate"]);
    refused("connector-kit", "crates/connector-kit/CHANGELOG.md has nothing under `## Unreleased`");

    // Somebody else has published this version from another checkout.
    checkout.git(&["reset", "--quiet", "--hard", "HEAD~1"]).unwrap();
    refused("connector-kit", "the tag connector-kit-v0.1.0 exists");
    checkout.git(&["tag", "--delete", "connector-kit-v0.1.0"]).unwrap();
    refused("connector-kit", "connector-kit 0.1.0 is on local already, and a version is published once");
    registry.stop().unwrap();
    let ran = release(&checkout, "connector-kit --no-verify --execute");
    assert!(ran.code == 1 && ran.stderr.contains("is on local cannot be told"), "{ran:?}");
}

/// Changes a file of a crate, writes that down in its changelog and commits both.
fn change(checkout: &Checkout, name: &str, file: &str, change: impl FnOnce(&str) -> String) {
    checkout.edit(&format!("crates/{name}/{file}"), change).unwrap();
    let note = "## Unreleased\n\n- Something is different.\n";
    let noted = |text: &str| text.replacen("## Unreleased\n", note, 1);
    checkout.edit(&format!("crates/{name}/CHANGELOG.md"), noted).unwrap();
    checkout.commit(&format!("Change {name}")).unwrap();
}

#[tokio::test]
async fn each_published_crate_serves_a_project_elsewhere_and_is_updated_by_itself() {
    let registry = CargoRegistry::start().unwrap();
    let (checkout, published) = workspace(&registry);
    // Packages are built one by one by `cargo xtask check alone`.
    succeeds(release(&checkout, &format!("{} --no-verify --execute", published.join(" "))));
    let expected: Vec<String> = published.iter().map(|name| format!("{name}-0.1.0.crate")).collect();
    assert_eq!(registry.packages().unwrap(), expected);
    assert_eq!(checkout.git(&["tag", "--list"]).unwrap().lines().count(), published.len());

    let mail = SmtpRecorder::start(Default::default()).await;
    let endpoint = HttpRecorder::start(RecorderOptions::default()).await;
    let service = Service::new(&checkout);

    service.depend_on(&[("connector-http-email", "")], HTTP);
    service.run(endpoint.port());
    assert_eq!(endpoint.only_request().json()["payload"]["code"], "123456");
    assert_eq!(service.locked(), ["connector-http-email 0.1.0", "connector-kit 0.1.0"]);

    service.depend_on(&[("connector-smtp", "")], SMTP);
    service.run(mail.port());
    assert_eq!(mail.only_message().rcpt_to, ["<user@example.org>"]);
    assert_eq!(service.locked(), ["connector-kit 0.1.0", "connector-smtp 0.1.0"]);

    let two = ", default-features = false, features = [\"http-email\", \"smtp\"]";
    service.depend_on(&[("connector-registry", two)], REGISTRY);
    endpoint.clear();
    let printed = service.run(endpoint.port());
    assert_eq!(printed, "http-email: HTTP email\nsimple-mail-transfer-protocol: SMTP\n");
    assert_eq!(endpoint.only_request().json()["payload"]["code"], "123456");
    let before = service.locked();

    // A patch that is none: the public API is another, and what was released on top of it would not build any more.
    let renamed = |text: &str| text.replace("{CONNECTOR, ", "{CONNECTOR as FACTORY, ");
    change(&checkout, "connector-http-email", "src/lib.rs", renamed);
    let state = State::of(&checkout, &registry);
    let refused = release(&checkout, "connector-http-email --execute");
    assert_eq!(refused.code, 1, "{refused:?}");
    let not_compared =
        refused.stdout.contains("was not compared with that of 0.1.0: cargo-semver-checks is not installed");
    let why = match checkout.cargo(&checkout.root(), &["semver-checks", "--version"]).unwrap().code {
        0 => "cargo-semver-checks does not let connector-http-email 0.1.1 pass",
        _ => "no longer builds with it (connector-registry)",
    };
    assert!(refused.stderr.contains(why), "{refused:?}");
    assert_eq!(not_compared, why.starts_with("no longer"), "{refused:?}");
    assert_eq!(State::of(&checkout, &registry), state);
    checkout.git(&["reset", "--quiet", "--hard", "HEAD~1"]).unwrap();

    // A second version of one connector, tried as a maintainer would.
    let renewed = |text: &str| text.replace("\"HTTP email\"", "\"HTTP email, renewed\"");
    change(&checkout, "connector-http-email", "src/http_email.rs", renewed);
    let shown = succeeds(release(&checkout, "connector-http-email --execute")).stdout;
    assert!(shown.contains("1. connector-http-email 0.1.1 (after 0.1.0), tag connector-http-email-v0.1.1"), "{shown}");
    assert!(shown.contains("with what depends on it: connector-registry"), "{shown}");
    assert_eq!(checkout.git(&["status", "--porcelain"]).unwrap(), "");
    let tag = checkout.git(&["rev-parse", "connector-http-email-v0.1.1^{commit}", "HEAD"]).unwrap();
    assert_eq!(tag.lines().next(), tag.lines().last());
    let changed = checkout.git(&["diff", "--name-only", "HEAD~1"]).unwrap();
    let files = [
        "Cargo.lock",
        "Cargo.toml",
        "crates/connector-http-email/CHANGELOG.md",
        "crates/connector-http-email/Cargo.toml",
    ];
    assert_eq!(changed.lines().collect::<Vec<_>>(), files);

    assert_eq!(service.locked(), before, "a published version alone changes nothing elsewhere");
    let told = service.cargo(&["update", "--dry-run", "--color", "never"]).stderr;
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("(registry")).map(str::trim).collect();
    assert_eq!(ours, [format!("Updating connector-http-email v0.1.0 (registry `{LOCAL}`) -> v0.1.1")], "{told}");
    service.cargo(&["update", "--quiet", "connector-http-email"]);
    let after: Vec<String> = before.iter().map(|one| one.replace("http-email 0.1.0", "http-email 0.1.1")).collect();
    assert_eq!(service.locked(), after);
    endpoint.clear();
    assert!(service.run(endpoint.port()).starts_with("http-email: HTTP email, renewed\n"));
    assert_eq!(endpoint.only_request().json()["payload"]["code"], "123456");

    a_kit_takes_everybody_along(&checkout);
}

/// What the kit's releases would be, without carrying them out.
fn a_kit_takes_everybody_along(checkout: &Checkout) {
    std::fs::write(checkout.root().join("docs/copied.md"), "connector-kit = \"0.1\"\n").unwrap();
    change(checkout, "connector-kit", "README.md", |text| format!("{text}\nEverything is different.\n"));
    let shown = succeeds(release(checkout, "connector-kit --no-verify")).stdout;
    assert!(shown.contains("   1. connector-kit 0.1.1 (after 0.1.0), tag connector-kit-v0.1.1"), "{shown}");
    assert!(shown.contains("connector-http-email 0.1.2 (after 0.1.1, with connector-kit)"), "{shown}");
    assert!(shown.contains("+- Requires `connector-kit` 0.1.1."), "{shown}");
    assert!(!shown.contains("+connector-kit = \"0.2\""), "{shown}");
    assert_eq!(shown.matches(", tag ").count(), over_the_kit(checkout).len(), "{shown}");

    let shown = succeeds(release(checkout, "connector-kit --bump minor --no-verify")).stdout;
    assert!(shown.contains("   1. connector-kit 0.2.0 (after 0.1.0, breaking)"), "{shown}");
    assert!(shown.contains("connector-http-email 0.2.0 (after 0.1.1, breaking, with connector-kit)"), "{shown}");
    assert!(shown.contains("+- Requires `connector-kit` 0.2.0."), "{shown}");
    assert!(shown.contains("+connector-kit = \"0.2\""), "the guides require what fits: {shown}");
    assert_eq!(shown.matches(", tag ").count(), over_the_kit(checkout).len(), "{shown}");
}
