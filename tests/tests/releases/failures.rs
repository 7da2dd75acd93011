//! Releases that fail on the way: what was published stays, what was not is undone or told.

use super::{State, change, release, succeeds, workspace};
use e2e::{CargoRegistry, Checkout, shell_script};

const KIT: &str = "connector-kit --no-verify --execute";

/// Runs the lines that a failure told to run.
fn as_told(checkout: &Checkout, stderr: &str) {
    let (_, told) = stderr.split_once("for what is not there yet:").unwrap();
    let lines: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).take(2).collect();
    let [publish, tag] = lines.as_slice() else { panic!("not two lines to run: {stderr}") };
    let words: Vec<&str> = publish.strip_prefix("cargo ").unwrap().split(' ').collect();
    succeeds(checkout.cargo(&checkout.root(), &words).unwrap());
    let [_, title, name] = tag.split('\'').collect::<Vec<_>>()[..] else { panic!("{tag}") };
    checkout.git(&["tag", "-a", "-m", title, name.trim()]).unwrap();
}

#[test]
fn a_registry_that_fails_half_way_leaves_what_can_be_finished() {
    const BOTH: &str = "connector-kit connector-smtp --no-verify --execute";
    let registry = CargoRegistry::start().unwrap();
    let (checkout, _) = workspace(&registry);

    // It takes none: as if nothing had been tried.
    registry.refuse("connector-kit", true).unwrap();
    let before = State::of(&checkout, &registry);
    let none = release(&checkout, BOTH);
    assert!(none.code == 1 && none.stderr.contains("nothing was published, and the commit is undone"), "{none:?}");
    assert_eq!(State::of(&checkout, &registry), before);
    registry.refuse("connector-kit", false).unwrap();

    // It takes one: that stands, and the rest can follow.
    registry.refuse("connector-smtp", true).unwrap();
    let one = release(&checkout, BOTH);
    assert!(one.code == 1 && one.stderr.contains("some were published, so the commit stands"), "{one:?}");
    assert_eq!(registry.packages().unwrap(), ["connector-kit-0.1.0.crate"]);
    assert_eq!(checkout.git(&["tag", "--list"]).unwrap(), "connector-kit-v0.1.0\n");
    assert_eq!(
        checkout.git(&["log", "-1", "--format=%s"]).unwrap(),
        "Release connector-kit 0.1.0, connector-smtp 0.1.0\n"
    );
    registry.refuse("connector-smtp", false).unwrap();
    as_told(&checkout, &one.stderr);
    assert_eq!(registry.packages().unwrap(), ["connector-kit-0.1.0.crate", "connector-smtp-0.1.0.crate"]);
    assert_eq!(checkout.git(&["tag", "--list"]).unwrap(), "connector-kit-v0.1.0\nconnector-smtp-v0.1.0\n");

    // It is gone once the release is committed: what it has cannot be told.
    change(&checkout, "connector-smtp", "README.md", |text| format!("{text}\nMore.\n"));
    let [index, away] = registry.index_and_away();
    let hook = checkout.root().join(".git/hooks/post-commit");
    shell_script(&hook, &format!("mv '{}' '{}'", index.display(), away.display())).unwrap();
    let untold = release(&checkout, "connector-smtp --no-verify --execute");
    assert!(untold.code == 1 && untold.stderr.contains("whether all were published cannot be told"), "{untold:?}");
    assert_eq!(checkout.git(&["log", "-1", "--format=%s"]).unwrap(), "Release connector-smtp 0.1.1\n");
    std::fs::rename(&away, &index).unwrap();
    as_told(&checkout, &untold.stderr);
    assert!(registry.packages().unwrap().contains(&"connector-smtp-0.1.1.crate".to_owned()));
    assert!(checkout.git(&["tag", "--list"]).unwrap().ends_with("connector-smtp-v0.1.1\n"));
}

/// Cargo invites to Ctrl-C once a crate is uploaded, and a registry may show it late.
#[test]
fn what_was_uploaded_is_tagged_though_cargo_ended_badly_and_the_registry_does_not_show_it() {
    let registry = CargoRegistry::start().unwrap();
    let (mut checkout, _) = workspace(&registry);
    let [index, away] = registry.index_and_away();
    let hidden = format!("mv '{}' '{}'", index.display(), away.display());
    let ends_badly = format!("\"$CARGO_ITSELF\" \"$@\"; {hidden}; kill -INT $PPID; exit 101");
    checkout.wrap_cargo("publish", &ends_badly).unwrap();
    let ran = succeeds(release(&checkout, KIT));
    assert!(ran.stderr.contains("all were published, so the commit stands"), "{ran:?}");
    assert!(ran.stdout.contains("Released connector-kit 0.1.0"), "{ran:?}");
    assert_eq!(registry.packages().unwrap(), ["connector-kit-0.1.0.crate"]);
    assert_eq!(checkout.git(&["tag", "--list"]).unwrap(), "connector-kit-v0.1.0\n");
}

#[test]
fn a_tag_that_cannot_be_made_is_told_after_all_else_is_done() {
    let registry = CargoRegistry::start().unwrap();
    let (checkout, _) = workspace(&registry);
    checkout.git(&["config", "tag.gpgsign", "true"]).unwrap();
    checkout.git(&["config", "gpg.program", "false"]).unwrap();
    let ran = release(&checkout, KIT);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("\n  git tag -a -m 'connector-kit 0.1.0' connector-kit-v0.1.0\n"), "{ran:?}");
    assert!(!ran.stderr.contains("cargo publish --registry local --no-verify --package"), "it is there: {ran:?}");
    assert_eq!(registry.packages().unwrap(), ["connector-kit-0.1.0.crate"]);
    assert_eq!(checkout.git(&["log", "-1", "--format=%s"]).unwrap(), "Release connector-kit 0.1.0\n");
}

#[test]
fn a_branch_that_moves_on_or_is_none_is_not_released() {
    let registry = CargoRegistry::start().unwrap();
    let (mut checkout, _) = workspace(&registry);
    checkout.git(&["switch", "--quiet", "--detach"]).unwrap();
    let before = State::of(&checkout, &registry);
    let detached = release(&checkout, KIT);
    assert!(detached.code == 1 && detached.stderr.contains("no branch is checked out"), "{detached:?}");
    assert_eq!(State::of(&checkout, &registry), before);
    checkout.git(&["switch", "--quiet", "main"]).unwrap();

    checkout.wrap_cargo("update", "\"$CARGO_ITSELF\" \"$@\"; git commit --quiet --allow-empty -m Meanwhile").unwrap();
    let moved = release(&checkout, KIT);
    assert!(moved.code == 1 && moved.stderr.contains("has moved on since this release was tried"), "{moved:?}");
    assert_eq!(checkout.git(&["log", "-1", "--format=%s"]).unwrap(), "Meanwhile\n");
    assert_eq!(registry.packages().unwrap(), [""; 0]);
}
