//! The rounds: servers started, clients taking turns, medians taken.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum as _;

use crate::{
    measure::{Sample, median},
    workload::{Protocol, Variant},
};

pub const CONCURRENCIES: [usize; 3] = [1, 16, 64];

/// The medians of one variant.
pub struct Row {
    pub variant: Variant,
    /// By concurrency, as [`CONCURRENCIES`].
    pub samples: Vec<Sample>,
}

/// One comparison: the connector first, then the bare client it is held against, then others.
pub struct Table {
    pub title: &'static str,
    pub rows: Vec<Row>,
}

/// Measures everything.
pub fn run(rounds: usize, messages: usize) -> Result<Vec<Table>> {
    let smtp = [Variant::SmtpConnector, Variant::LettreKept, Variant::LettrePool];
    let sendgrid = [Variant::SendgridConnector, Variant::SendgridReqwest];
    Ok(vec![
        table("SMTP, in clear, to a sink on the second core", &smtp, rounds, messages)?,
        table("SendGrid, https, to a sink on the second core", &sendgrid, rounds, messages)?,
    ])
}

fn table(title: &'static str, variants: &[Variant], rounds: usize, messages: usize) -> Result<Table> {
    let protocol = variants.first().context("a table has variants")?.protocol();
    let mut samples = vec![vec![Vec::new(); CONCURRENCIES.len()]; variants.len()];
    for round in 0..rounds {
        for (column, concurrency) in CONCURRENCIES.into_iter().enumerate() {
            for (row, variant) in variants.iter().enumerate() {
                eprintln!("round {}/{rounds}: {} at {concurrency}", round + 1, variant.title());
                let messages = enough(*variant, concurrency, messages);
                samples[row][column].push(sample(protocol, *variant, concurrency, messages)?);
            }
        }
    }
    let rows = variants.iter().zip(samples).map(|(variant, columns)| Row {
        variant: *variant,
        samples: columns.iter().map(|samples| medians(samples)).collect(),
    });
    Ok(Table { title, rows: rows.collect() })
}

/// Enough messages for a steady figure: an https request takes a fraction of an SMTP dialogue. lettre's pool waits
/// 44 ms for every message; a few hundred show it as well as thousands.
fn enough(variant: Variant, concurrency: usize, messages: usize) -> usize {
    match (variant, variant.protocol()) {
        (Variant::LettrePool, _) => messages.min(100 * concurrency),
        (_, Protocol::Smtp) => messages,
        (_, Protocol::Https) => messages * 4,
    }
}

fn medians(samples: &[Sample]) -> Sample {
    let of = |field: fn(&Sample) -> f64| median(samples.iter().map(field).collect());
    Sample {
        cpu_micros: of(|sample| sample.cpu_micros),
        per_second: of(|sample| sample.per_second),
        p50_micros: of(|sample| sample.p50_micros),
        p99_micros: of(|sample| sample.p99_micros),
        peak_mib: of(|sample| sample.peak_mib),
    }
}

/// One client against a server of its own.
fn sample(protocol: Protocol, variant: Variant, concurrency: usize, messages: usize) -> Result<Sample> {
    let server = Server::start(protocol)?;
    let name = variant.to_possible_value().context("every variant has a name")?;
    let output = Command::new(std::env::current_exe()?)
        .arg("client")
        .arg(name.get_name())
        .args(["--port", &server.port.to_string()])
        .arg("--ca")
        .arg(&server.ca)
        .args(["--concurrency", &concurrency.to_string(), "--messages", &messages.to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("{} failed at concurrency {concurrency}", variant.title());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

struct Server {
    process: Child,
    port: u16,
    ca: PathBuf,
}

impl Server {
    fn start(protocol: Protocol) -> Result<Self> {
        let name = protocol.to_possible_value().context("every protocol has a name")?;
        let mut process = Command::new(std::env::current_exe()?)
            .args(["serve", name.get_name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("no output")?).lines();
        let port = lines.next().context("the server ended")??.parse()?;
        let ca = std::env::temp_dir().join(format!("bench-ca-{}.pem", process.id()));
        let mut file = std::fs::File::create(&ca)?;
        for line in lines {
            let line = line?;
            if line == "ready" {
                return Ok(Self { process, port, ca });
            }
            writeln!(file, "{line}")?;
        }
        bail!("the server ended before it was ready")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = std::fs::remove_file(&self.ca);
    }
}
