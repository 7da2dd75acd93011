//! Measures each connector against the bare client library: CPU per message, latency and memory.
//!
//! Every figure comes from a process of its own: a client on one core, a server on the other. Connector and bare
//! client take turns, so that whatever else the machine does hits both alike.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command: what it finds goes to the terminal")]

mod client;
mod measure;
mod report;
mod rounds;
mod server;
mod workload;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workload::{Protocol, Variant};

#[derive(Parser)]
#[command(about = "Measures connectors against bare client libraries", version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

/// How much to measure.
#[derive(clap::Args)]
struct Run {
    /// Rounds; every figure is the median over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Messages per figure and round over SMTP; four times as many over https.
    #[arg(long, default_value_t = 8000)]
    messages: usize,
    /// The page that the tables are written to, besides standard output.
    #[arg(long, value_name = "FILE", default_value = "docs/benchmarks.md")]
    write: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one server until standard input ends (started by the benchmark itself).
    #[command(hide = true)]
    Serve { protocol: Protocol },
    /// Sends messages and prints what it took (started by the benchmark itself).
    #[command(hide = true)]
    Client {
        variant: Variant,
        #[arg(long)]
        port: u16,
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        concurrency: usize,
        #[arg(long)]
        messages: usize,
    },
    /// Runs a command and prints its peak memory in MiB (started by the benchmark itself).
    #[command(hide = true)]
    Peak { command: Vec<String> },
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Serve { protocol }) => server::serve(protocol),
        Some(Command::Client { variant, port, ca, concurrency, messages }) => {
            client::run(variant, port, &ca, concurrency, messages)
        }
        Some(Command::Peak { command }) => measure::print_peak_of(&command),
        None => {
            let tables = rounds::run(arguments.run.rounds, arguments.run.messages)?;
            let page = report::page(&tables)?;
            println!("{page}");
            std::fs::write(&arguments.run.write, page)?;
            eprintln!("written to {}", arguments.run.write.display());
            Ok(())
        }
    }
}
