//! One client: sends messages, first a few to warm up, and prints what the rest took.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow};
use connector_kit::{
    ConnectTo, ConnectorFactory, Context, Egress, EmailConnector, SendPolicy, layered, root_certificates,
};
use lettre::{
    Message,
    message::MultiPart,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use nix::sys::resource::UsageWho;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{
    measure::{self, Sample},
    workload::{self, Variant},
};

/// Sends `messages` by `variant` and prints a [`Sample`] as JSON.
pub fn run(variant: Variant, port: u16, ca: &Path, concurrency: usize, messages: usize) -> Result<()> {
    measure::pin_to(0)?;
    let pem = std::fs::read(ca)?;
    // lettre's pool keeps its connections alive on the runtime's other tasks; everything else runs alike on one thread.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let sample = runtime.block_on(async {
        match variant {
            Variant::SmtpConnector => {
                let sender = connector(&connector_smtp::CONNECTOR, &workload::smtp_config(port), Egress::default())?;
                drive(&Shared(sender), concurrency, messages).await
            }
            Variant::SendgridConnector => {
                let egress = Egress {
                    connect_to: vec![ConnectTo::new(workload::HOST, 443, "127.0.0.1", port)],
                    extra_roots: root_certificates(&pem).map_err(|fault| anyhow!(fault))?,
                    ..Egress::default()
                };
                let sender = connector(&connector_sendgrid::CONNECTOR, &workload::sendgrid_config(), egress)?;
                drive(&Shared(sender), concurrency, messages).await
            }
            Variant::SendgridReqwest => drive(&BareHttp::new(port, &pem)?, concurrency, messages).await,
            Variant::LettreKept => drive(&KeptLettre { port }, concurrency, messages).await,
            Variant::LettrePool => drive(&PooledLettre::new(port), concurrency, messages).await,
        }
    })?;
    println!("{}", serde_json::to_string(&sample)?);
    Ok(())
}

/// A way to send, of which each of several concurrent workers gets its own hand.
trait Sender {
    type Worker: Worker + 'static;
    async fn worker(&self) -> Result<Self::Worker>;
}

trait Worker {
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

fn connector(factory: &ConnectorFactory, config: &Value, egress: Egress) -> Result<Arc<dyn EmailConnector>> {
    let connector = factory.build(config, &Context::new(egress)?)?;
    Ok(Arc::new(layered(connector, SendPolicy::default())))
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
        self.connector.send(&self.message).await?;
        Ok(())
    }
}

/// reqwest with the same TLS, posting the bytes that the connector posts.
#[derive(Clone)]
struct BareHttp {
    client: reqwest::Client,
    body: Vec<u8>,
}

impl BareHttp {
    fn new(port: u16, pem: &[u8]) -> Result<Self> {
        let (html, text) = workload::rendered();
        let body = json!({
            "personalizations": [{ "to": [{ "email": workload::TO }] }],
            "from": { "email": workload::FROM },
            "subject": workload::SUBJECT,
            "content": [{ "type": "text/plain", "value": text }, { "type": "text/html", "value": html }],
        });
        let mut roots = rustls::RootCertStore::empty();
        for root in root_certificates(pem).map_err(|fault| anyhow!(fault))? {
            roots.add(root)?;
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .resolve(workload::HOST, ([127, 0, 0, 1], port).into())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(15))
            .build()?;
        Ok(Self { client, body: serde_json::to_vec(&body)? })
    }
}

impl Sender for BareHttp {
    type Worker = Self;

    async fn worker(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

impl Worker for BareHttp {
    async fn send(&mut self) -> Result<()> {
        let request = self.client.post(workload::ENDPOINT).bearer_auth(workload::API_KEY);
        let request = request.header("content-type", "application/json").header("accept", "application/json");
        let response = request.body(self.body.clone()).send().await?.error_for_status()?;
        response.headers().get("x-message-id").context("no id")?;
        response.bytes().await?;
        Ok(())
    }
}

/// The message as lettre builds it, with a Date and a Message-ID of its own, as every mail must have.
fn mail() -> Result<Message> {
    let (html, text) = workload::rendered();
    Ok(Message::builder()
        .from(workload::FROM.parse()?)
        .to(workload::TO.parse()?)
        .subject(workload::SUBJECT)
        .message_id(None)
        .multipart(MultiPart::alternative_plain_html(text, html))?)
}

/// lettre over one kept connection per worker.
struct KeptLettre {
    port: u16,
}

impl Sender for KeptLettre {
    type Worker = KeptConnection;

    async fn worker(&self) -> Result<KeptConnection> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.set_nodelay(true)?;
        let client = ClientId::Ipv4([127, 0, 0, 1].into());
        Ok(KeptConnection(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &client).await?))
    }
}

struct KeptConnection(AsyncSmtpConnection);

impl Worker for KeptConnection {
    async fn send(&mut self) -> Result<()> {
        let mail = mail()?;
        self.0.send(mail.envelope(), &mail.formatted()).await?;
        Ok(())
    }
}

/// lettre with its own pool: NOOP before each reuse, no TCP_NODELAY.
#[derive(Clone)]
struct PooledLettre(lettre::AsyncSmtpTransport<lettre::Tokio1Executor>);

impl PooledLettre {
    fn new(port: u16) -> Self {
        let builder = lettre::AsyncSmtpTransport::<lettre::Tokio1Executor>::builder_dangerous("127.0.0.1");
        Self(builder.port(port).build())
    }
}

impl Sender for PooledLettre {
    type Worker = Self;

    async fn worker(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

impl Worker for PooledLettre {
    async fn send(&mut self) -> Result<()> {
        lettre::AsyncTransport::send(&self.0, mail()?).await?;
        Ok(())
    }
}
