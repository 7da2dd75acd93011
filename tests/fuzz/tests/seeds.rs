//! Every seed goes through its target in an ordinary test, so that a finding that was mended stays so.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::catch_unwind;

fn run_seeds(name: &str) {
    let target = fuzz::TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = (target.seeds)();
    assert!(seeds.len() >= 5, "{name} has {} seeds", seeds.len());
    for seed in seeds {
        assert!(catch_unwind(|| (target.run)(&seed)).is_ok(), "{name}: {:?}", String::from_utf8_lossy(&seed));
    }
}

/// Fuzzing starts from exports that are imported, so that it gets beyond reading them.
#[test]
fn an_export_that_imports_start_from_is_imported() {
    for seed in fuzz::seeds::imports() {
        assert!(fuzz::imports::import(&seed), "{}", String::from_utf8_lossy(&seed));
    }
}

/// A test for each target, under its name.
macro_rules! seeds_of {
    ($($target:ident),+) => {$(
        #[test]
        fn $target() {
            run_seeds(stringify!($target));
        }
    )+

        #[test]
        fn every_target_is_here() {
            assert_eq!(fuzz::TARGETS.map(|target| target.name), [$(stringify!($target)),+]);
        }
    };
}

seeds_of!(addresses, answers, configurations, imports, pem, proxies, replies, templates, text);
