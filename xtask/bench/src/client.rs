//! One client: sends messages, first a few to warm up, and prints what the rest took.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use connector_kit::{EmailConnector, SendContext, SendPolicy, layered};
use nix::sys::resource::UsageWho;

use crate::{
    bare::{Captured, KeptLettre, PooledLettre, Reqwest, Sdk},
    measure::{self, Sample},
    workload::{self, By, Provider},
};

/// What a client is told.
#[derive(Debug, clap::Args)]
pub struct Task {
    pub provider: Provider,
    pub by: By,
    #[arg(long)]
    pub port: u16,
    /// The server's certificate authority.
    #[arg(long)]
    pub ca: std::path::PathBuf,
    /// What reqwest is to send, as [`Captured`].
    #[arg(long)]
    pub captured: Option<String>,
    #[arg(long)]
    pub concurrency: usize,
    #[arg(long)]
    pub messages: usize,
}

/// Sends the messages of `task` and prints a [`Sample`] as JSON.
pub fn run(task: &Task) -> Result<()> {
    measure::pin_to(0)?;
    let pem = std::fs::read(&task.ca)?;
    let (concurrency, messages) = (task.concurrency, task.messages);
    let sample = runtime()?.block_on(async {
        match (task.by, task.provider) {
            (By::Connector, provider) => drive(&connector(provider, task.port, &pem)?, concurrency, messages).await,
            (By::LettrePool, _) => drive(&PooledLettre::new(task.port), concurrency, messages).await,
            (By::Bare, Provider::Smtp) => drive(&KeptLettre { port: task.port }, concurrency, messages).await,
            (By::Bare, Provider::AwsSes) => drive(&Sdk::new(task.port, &pem)?, concurrency, messages).await,
            (By::Bare, provider) => {
                let captured: Captured = serde_json::from_str(task.captured.as_deref().context("nothing captured")?)?;
                drive(&Reqwest::new(provider, captured, task.port, &pem)?, concurrency, messages).await
            }
        }
    })?;
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}

/// Prints what the connector of `provider` sends.
pub fn capture(provider: Provider) -> Result<()> {
    println!("{}", serde_json::to_string(&runtime()?.block_on(Captured::of(provider))?)?);
    Ok(())
}

/// Has `sends` wait for a provider that does not answer, and prints the peak memory of that in MiB.
pub fn wait(provider: Provider, port: u16, ca: &Path, sends: usize) -> Result<()> {
    let pem = std::fs::read(ca)?;
    runtime()?.block_on(async {
        let sender = connector(provider, port, &pem)?;
        for _ in 0..sends {
            let mut worker = sender.worker().await?;
            tokio::spawn(async move { worker.send().await });
        }
        // Long enough for all to have begun and for the connections to stand, and within the deadline of 15 s.
        tokio::time::sleep(Duration::from_secs(8)).await;
        println!("{}", measure::peak_mib(UsageWho::RUSAGE_SELF)?);
        Ok(())
    })
}

/// One thread for all: the client has one core.
fn runtime() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// A way to send, of which each of several concurrent workers gets its own hand.
pub trait Sender {
    type Worker: Worker + 'static;
    async fn worker(&self) -> Result<Self::Worker>;
}

pub trait Worker {
    async fn send(&mut self) -> Result<()>;
}

async fn drive<S: Sender>(sender: &S, concurrency: usize, messages: usize) -> Result<Sample> {
    let mut workers = Vec::new();
    for _ in 0..concurrency {
        workers.push(sender.worker().await?);
    }
    let (workers, _) = share(workers, messages / 10 + concurrency).await?;
    let (cpu, wall) = (measure::cpu_time()?, Instant::now());
    let (_, mut latencies) = share(workers, messages).await?;
    let (cpu, wall) = (measure::cpu_time()? - cpu, wall.elapsed());
    latencies.sort_by(f64::total_cmp);
    Ok(Sample {
        cpu_micros: cpu.as_secs_f64() * 1e6 / messages as f64,
        per_second: messages as f64 / wall.as_secs_f64(),
        p50_micros: measure::percentile(&latencies, 0.5),
        p99_micros: measure::percentile(&latencies, 0.99),
        peak_mib: measure::peak_mib(UsageWho::RUSAGE_SELF)?,
    })
}

/// Has `workers` send `messages` between them; gives the latency of each, in microseconds.
async fn share<W: Worker + 'static>(workers: Vec<W>, messages: usize) -> Result<(Vec<W>, Vec<f64>)> {
    let left = Arc::new(AtomicUsize::new(messages));
    let local = tokio::task::LocalSet::new();
    let tasks: Vec<_> = workers
        .into_iter()
        .map(|mut worker| {
            let left = left.clone();
            local.spawn_local(async move {
                let mut latencies = Vec::new();
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let started = Instant::now();
                    worker.send().await?;
                    latencies.push(started.elapsed().as_secs_f64() * 1e6);
                }
                anyhow::Ok((worker, latencies))
            })
        })
        .collect();
    local.await;
    let (mut workers, mut all) = (Vec::new(), Vec::new());
    for task in tasks {
        let (worker, latencies) = task.await??;
        workers.push(worker);
        all.extend(latencies);
    }
    Ok((workers, all))
}

fn connector(provider: Provider, port: u16, pem: &[u8]) -> Result<Shared> {
    Ok(Shared(Arc::new(layered(provider.connector(port, pem)?, SendPolicy::default()))))
}

struct Shared(Arc<dyn EmailConnector>);

impl Sender for Shared {
    type Worker = ConnectorWorker;

    async fn worker(&self) -> Result<ConnectorWorker> {
        Ok(ConnectorWorker { connector: self.0.clone(), message: workload::message() })
    }
}

struct ConnectorWorker {
    connector: Arc<dyn EmailConnector>,
    message: connector_kit::Message,
}

impl Worker for ConnectorWorker {
    async fn send(&mut self) -> Result<()> {
        self.connector.send(&self.message, &SendContext::new()).await?;
        Ok(())
    }
}
