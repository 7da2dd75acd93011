//! The rounds: servers started, clients taking turns, medians taken.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum as _;

use crate::{
    measure::{Sample, median},
    server::Server,
    workload::{By, Provider},
};

pub const CONCURRENCIES: [usize; 3] = [1, 16, 64];

/// One provider: the connector first, then the bare client it is held against, then others.
pub struct Table {
    pub provider: Provider,
    pub rows: Vec<Row>,
    /// By concurrency: the CPU of the connector over that of the bare client, each round for itself, and of these the
    /// median.
    pub ratios: Vec<f64>,
}

/// One sender's medians.
pub struct Row {
    pub by: By,
    /// By concurrency, as [`CONCURRENCIES`].
    pub samples: Vec<Sample>,
    /// By concurrency: the most connections that were opened in a round.
    pub connections: Vec<usize>,
}

/// Measures the senders of one provider.
pub fn table(provider: Provider, rounds: usize, messages: usize) -> Result<Table> {
    let contenders = provider.contenders();
    let captured = match provider {
        Provider::Smtp | Provider::AwsSes => None,
        _ => Some(own_output(&["capture", name(provider)?.as_str()])?),
    };
    let mut samples = vec![vec![Vec::new(); CONCURRENCIES.len()]; contenders.len()];
    for round in 0..rounds {
        for (column, concurrency) in CONCURRENCIES.into_iter().enumerate() {
            let mut turns: Vec<usize> = (0..contenders.len()).collect();
            // Whoever comes second finds the machine warmer.
            if round % 2 == 1 {
                turns.reverse();
            }
            for row in turns {
                let by = contenders[row];
                eprintln!("round {}/{rounds}: {} at {concurrency}", round + 1, provider.sender(by));
                let messages = enough(provider, by, concurrency, messages);
                samples[row][column].push(sample(provider, by, captured.as_deref(), concurrency, messages)?);
            }
        }
    }
    let ratio = |column: usize| {
        let (ours, bare) = (&samples[0][column], &samples[1][column]);
        median(ours.iter().zip(bare).map(|((ours, _), (bare, _))| ours.cpu_micros / bare.cpu_micros).collect())
    };
    let ratios = (0..CONCURRENCIES.len()).map(ratio).collect();
    let rows = contenders.iter().zip(&samples).map(|(by, columns)| Row {
        by: *by,
        samples: columns.iter().map(|column| medians(column)).collect(),
        connections: columns
            .iter()
            .map(|column| column.iter().map(|(_, connections)| *connections).max().unwrap_or_default())
            .collect(),
    });
    Ok(Table { provider, rows: rows.collect(), ratios })
}

/// The peak memory, in MiB, of `sends` that wait for a provider that does not answer.
pub fn waiting(provider: Provider, sends: usize) -> Result<f64> {
    eprintln!("{sends} sends waiting: {}", provider.package());
    let server = Server::start(provider, true)?;
    let (port, sends) = (server.port.to_string(), sends.to_string());
    let ca = server.ca.path().to_str().context("the temporary folder's name is not text")?;
    let peak = own_output(&["wait", &name(provider)?, "--port", &port, "--ca", ca, "--sends", &sends])?;
    Ok(peak.trim().parse()?)
}

/// Enough messages for a steady figure: an https request takes a fraction of an SMTP dialogue, and at concurrency 1 most of
/// the time is waiting. lettre's pool waits 44 ms for every message; a few hundred show it as well as thousands.
fn enough(provider: Provider, by: By, concurrency: usize, messages: usize) -> usize {
    match (by, provider) {
        (By::LettrePool, _) => messages.min(100 * concurrency),
        (_, Provider::Smtp | Provider::AwsSes) => messages,
        _ if concurrency == 1 => messages,
        _ => messages * 4,
    }
}

fn medians(samples: &[(Sample, usize)]) -> Sample {
    let of = |field: fn(&Sample) -> f64| median(samples.iter().map(|(sample, _)| field(sample)).collect());
    Sample {
        cpu_micros: of(|sample| sample.cpu_micros),
        per_second: of(|sample| sample.per_second),
        p50_micros: of(|sample| sample.p50_micros),
        p99_micros: of(|sample| sample.p99_micros),
        peak_mib: of(|sample| sample.peak_mib),
    }
}

/// One client against a server of its own: what it took, and how many connections it opened.
fn sample(
    provider: Provider,
    by: By,
    captured: Option<&str>,
    concurrency: usize,
    messages: usize,
) -> Result<(Sample, usize)> {
    let server = Server::start(provider, false)?;
    let by_name = by.to_possible_value().context("every sender has a name")?;
    let mut arguments = vec!["client".to_owned(), name(provider)?, by_name.get_name().to_owned()];
    arguments.extend(["--port".to_owned(), server.port.to_string()]);
    arguments.extend([
        "--concurrency".to_owned(),
        concurrency.to_string(),
        "--messages".to_owned(),
        messages.to_string(),
    ]);
    let ca = server.ca.path().to_str().context("the temporary folder's name is not text")?;
    arguments.extend(["--ca".to_owned(), ca.to_owned()]);
    if let Some(captured) = captured {
        arguments.extend(["--captured".to_owned(), captured.trim().to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let sample = serde_json::from_str(&own_output(&arguments)?)?;
    Ok((sample, server.stop()?))
}

fn name(provider: Provider) -> Result<String> {
    Ok(provider.to_possible_value().context("every provider has a name")?.get_name().to_owned())
}

/// What this program prints when it is started with these arguments.
pub fn own_output(arguments: &[&str]) -> Result<String> {
    let output = Command::new(std::env::current_exe()?).args(arguments).stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        bail!("`bench {}` failed", arguments.iter().take(3).copied().collect::<Vec<_>>().join(" "));
    }
    Ok(String::from_utf8(output.stdout)?)
}
