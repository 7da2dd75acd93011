//! This repository's own commands: `cargo xtask --help`.
#![allow(clippy::print_stderr, clippy::print_stdout, reason = "a command line tool talks to the terminal")]

mod bench;
mod book;
mod check;
mod docs;
mod fuzz;
mod new_connector;
mod peers;
mod progress;
mod release;
mod run;
mod test;
mod workspace;

use std::process::ExitCode;

const HELP: &str = "\
This repository's own commands.

Usage: cargo xtask <command> [options]

Commands:
  test           everything: installs the test servers, builds, runs all tests, then `check`. What CI runs
  check          the rules of this repository: formatting, lints, dependencies, links, packages and the like
  docs           writes the generated pages under docs/, or says which are out of date
  book           makes a book of docs/
  bench          runs the benchmarks
  fuzz           lets a fuzzer choose the input of everything that reads what somebody else wrote
  new-connector  a crate for another provider, and what is left to do
  release        a new version of one crate: changelog, version, package, tag; shows it all unless told to do it

Examples:
  cargo xtask test
  cargo xtask check arrows links
  cargo xtask docs --check
  cargo xtask release connector-smtp

`cargo xtask <command> --help` tells more.
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let args: Vec<String> = args.collect();
    let result = match command.as_deref() {
        Some("test") => test::run(&args),
        Some("check") => check::run(&args),
        Some("docs") => docs::run(&args),
        Some("book") => book::run(&args),
        Some("bench") => bench::run(&args),
        Some("fuzz") => fuzz::run(&args),
        Some("new-connector") => new_connector::run(&args),
        Some("release") => release::run(&args),
        None | Some("help" | "-h" | "--help") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("There is no command `{other}`.\n\n{HELP}");
            return ExitCode::from(64);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", progress::red(&format!("xtask: {error:#}")));
            ExitCode::FAILURE
        }
    }
}

/// Whether a command was asked for its help, which is then printed.
fn helped(args: &[String], help: &str) -> bool {
    let own = args.split(|arg| arg == "--").next().unwrap_or_default();
    let asked = own.iter().any(|arg| arg == "-h" || arg == "--help");
    if asked {
        print!("{help}");
    }
    asked
}
