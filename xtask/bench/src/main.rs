//! Measures each connector against the bare client library: CPU per message, latency and memory; and what it costs to build.
//!
//! Every figure comes from a process of its own: a client on one core, a server on the other. Connector and bare
//! client take turns, so that whatever else the machine does hits both alike.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command: what it finds goes to the terminal")]

mod bare;
mod builds;
mod client;
mod measure;
mod report;
mod rounds;
mod server;
mod tenants;
mod workload;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workload::Provider;

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
    /// Only these providers; the page is then printed and not written.
    #[arg(long, value_name = "PROVIDER")]
    only: Vec<Provider>,
    /// Rounds; every figure is the median over them.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Messages per figure and round; four times as many over https, where most are quick.
    #[arg(long, default_value_t = 8000)]
    messages: usize,
    /// How many sends wait for a provider that does not answer.
    #[arg(long, default_value_t = 10_000)]
    waiting: usize,
    /// Leave out the registry with many tenants; the page is then printed and not written.
    #[arg(long)]
    no_registry: bool,
    /// Leave out the clean builds, which take longest; the page is then printed and not written.
    #[arg(long)]
    no_builds: bool,
    /// The page that the tables are written to, besides standard output.
    #[arg(long, value_name = "FILE", default_value = "docs/benchmarks.md")]
    write: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Runs one server until standard input ends (started by the benchmark itself).
    #[command(hide = true)]
    Serve {
        provider: Provider,
        #[arg(long)]
        silent: bool,
    },
    /// Sends messages and prints what it took (started by the benchmark itself).
    #[command(hide = true)]
    Client(client::Task),
    /// Prints what a connector sends (started by the benchmark itself).
    #[command(hide = true)]
    Capture { provider: Provider },
    /// Waits for a provider that does not answer, and prints the peak memory in MiB (started by the benchmark itself).
    #[command(hide = true)]
    Wait {
        provider: Provider,
        #[arg(long)]
        port: u16,
        #[arg(long)]
        ca: PathBuf,
        #[arg(long)]
        sends: usize,
    },
    /// Sets up tenants in a store (started by the benchmark itself).
    #[command(hide = true)]
    Fill(Stored),
    /// Measures the registry over a store (started by the benchmark itself).
    #[command(hide = true)]
    Tenants(Stored),
    /// Runs a command and prints its peak memory in MiB (started by the benchmark itself).
    #[command(hide = true)]
    Peak { command: Vec<String> },
}

/// A store that was made for the benchmark.
#[derive(clap::Args)]
struct Stored {
    url: String,
    #[arg(long)]
    keys: PathBuf,
    #[arg(long)]
    tenants: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        Some(Command::Serve { provider, silent }) => server::serve(provider, silent),
        Some(Command::Client(task)) => client::run(&task),
        Some(Command::Capture { provider }) => client::capture(provider),
        Some(Command::Wait { provider, port, ca, sends }) => client::wait(provider, port, &ca, sends),
        Some(Command::Fill(stored)) => tenants::fill(&stored.url, &stored.keys, stored.tenants),
        Some(Command::Tenants(stored)) => tenants::run(&stored.url, stored.keys, stored.tenants),
        Some(Command::Peak { command }) => measure::print_peak_of(&command),
        None => measure_all(&arguments.run),
    }
}

fn measure_all(run: &Run) -> Result<()> {
    let providers = if run.only.is_empty() { Provider::ALL.to_vec() } else { run.only.clone() };
    // Memory first: it is soon done, and whoever waits for the figures sees that everything runs.
    let waiting = providers.iter().map(|one| Ok((*one, rounds::waiting(*one, run.waiting)?))).collect::<Result<_>>()?;
    let tables = providers.iter().map(|one| rounds::table(*one, run.rounds, run.messages)).collect::<Result<_>>()?;
    let registry = if run.no_registry { Vec::new() } else { tenants::all()? };
    let builds = match run.no_builds {
        true => Vec::new(),
        false => providers.iter().map(|one| builds::clean(one.package())).collect::<Result<_>>()?,
    };
    let release = if run.no_builds { None } else { Some(builds::release()?) };
    let found = report::Found { tables, waiting, sends: run.waiting, registry, builds, release };
    let page = report::page(&found)?;
    println!("{page}");
    if run.only.is_empty() && !run.no_builds && !run.no_registry {
        std::fs::write(&run.write, page)?;
        eprintln!("written to {}", run.write.display());
    }
    Ok(())
}
