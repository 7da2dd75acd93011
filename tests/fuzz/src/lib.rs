//! Fuzz targets: one file for each kind of input that somebody else chooses.
//!
//! A target is a function from bytes to nothing that panics when a promise is broken. `cargo xtask fuzz` lets libFuzzer
//! choose the bytes; the tests of this crate run every seed through its target, so that a finding that became a seed
//! stays mended.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a broken promise is a panic, which libFuzzer reports"
)]

pub mod addresses;
pub mod answers;
pub mod configurations;
pub mod imports;
mod offline;
pub mod pem;
pub mod proxies;
pub mod replies;
pub mod seeds;
pub mod templates;
pub mod text;

/// A target: its name, which is also its binary's, and its function.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// Runs one input.
    pub run: fn(&[u8]),
    /// Where fuzzing starts from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target { name: "addresses", run: addresses::run, seeds: seeds::addresses },
    Target { name: "answers", run: answers::run, seeds: seeds::answers },
    Target { name: "configurations", run: configurations::run, seeds: seeds::configurations },
    Target { name: "imports", run: imports::run, seeds: seeds::imports },
    Target { name: "pem", run: pem::run, seeds: seeds::pem },
    Target { name: "proxies", run: proxies::run, seeds: seeds::proxies },
    Target { name: "replies", run: replies::run, seeds: seeds::replies },
    Target { name: "templates", run: templates::run, seeds: seeds::templates },
    Target { name: "text", run: text::run, seeds: seeds::text },
];

/// The body of a target's binary: libFuzzer's loop in a fuzzing build, and otherwise a program that runs the files it is
/// given, to reproduce a finding without a fuzzing build.
#[macro_export]
macro_rules! fuzzed {
    ($target:ident) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| { $crate::$target::run(data) });

        #[cfg(not(fuzzing))]
        fn main() -> std::io::Result<()> {
            for file in std::env::args_os().skip(1) {
                $crate::$target::run(&std::fs::read(file)?);
            }
            Ok(())
        }
    };
}
