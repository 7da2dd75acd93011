//! The bare clients: what a service would write itself, over the same wire.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use aws_credential_types::Credentials;
use aws_sdk_sesv2::{
    config::{BehaviorVersion, Region, retry::RetryConfig},
    types::{Body, Content, Destination, EmailContent, Message as SesMessage},
};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use connector_kit::root_certificates;
use connector_testkit::{HttpRecorder, RecorderOptions, TestCa};
use lettre::{
    Message,
    message::MultiPart,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use crate::{
    client::{Sender, Worker},
    workload::{self, Provider},
};

/// The request that a connector sends, for reqwest to send as it is.
#[derive(Clone, Serialize, Deserialize)]
pub struct Captured {
    url: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Captured {
    /// What the connector of `provider` sends.
    pub async fn of(provider: Provider) -> Result<Self> {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(provider.hosts()));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers: provider.answers() }).await;
        provider.connector(recorder.port(), ca.root_pem().as_bytes())?.send(&workload::message()).await?;
        let request = recorder.requests().pop().context("nothing was sent")?;
        // The client's own: it says host and length itself.
        let own = |name: &str| ["host", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own));
        Ok(Self {
            url: format!("{}://{}{}", request.scheme, request.host, request.target),
            body: request.text().to_owned(),
            headers: request.headers.into_iter().filter(|(name, _)| !own(name)).collect(),
        })
    }
}

/// reqwest with the same TLS, posting the bytes that the connector posts.
#[derive(Clone)]
pub struct Reqwest {
    client: reqwest::Client,
    captured: Captured,
}

impl Reqwest {
    pub fn new(provider: Provider, captured: Captured, port: u16, pem: &[u8]) -> Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        for root in root_certificates(pem).map_err(|fault| anyhow!(fault))? {
            roots.add(root)?;
        }
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(Duration::from_secs(15));
        for host in provider.hosts() {
            client = client.resolve(host, ([127, 0, 0, 1], port).into());
        }
        Ok(Self { client: client.build()?, captured })
    }
}

impl Sender for Reqwest {
    type Worker = Self;

    async fn worker(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

impl Worker for Reqwest {
    async fn send(&mut self) -> Result<()> {
        let mut request = self.client.post(&self.captured.url);
        for (name, value) in &self.captured.headers {
            request = request.header(name, value);
        }
        let response = request.body(self.captured.body.clone()).send().await?.error_for_status()?;
        response.bytes().await?;
        Ok(())
    }
}

/// AWS's SDK with a client of its own, kept; it retries nothing, as the connector has it.
#[derive(Clone)]
pub struct Sdk(aws_sdk_sesv2::Client);

/// Every name is this machine.
#[derive(Debug, Clone)]
struct Loopback;

impl ResolveDns for Loopback {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(vec![[127, 0, 0, 1].into()]))
    }
}

impl Sdk {
    pub fn new(port: u16, pem: &[u8]) -> Result<Self> {
        let trust = tls::TrustStore::empty().with_pem_certificate(pem);
        let http = Builder::new()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring))
            .tls_context(tls::TlsContext::builder().with_trust_store(trust).build()?)
            .build_with_resolver(Loopback);
        let host = Provider::AwsSes.hosts().first().context("SES has a host")?;
        let config = aws_sdk_sesv2::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("AKIDBENCH", "bench", None, None, "bench"))
            .endpoint_url(format!("https://{host}:{port}"))
            .retry_config(RetryConfig::disabled())
            .http_client(http)
            .build();
        Ok(Self(aws_sdk_sesv2::Client::from_conf(config)))
    }
}

impl Sender for Sdk {
    type Worker = Self;

    async fn worker(&self) -> Result<Self> {
        Ok(self.clone())
    }
}

impl Worker for Sdk {
    async fn send(&mut self) -> Result<()> {
        let content = |data: String| Content::builder().data(data).charset("UTF-8").build();
        let (html, text) = workload::rendered();
        let message = SesMessage::builder()
            .subject(content(workload::SUBJECT.to_owned())?)
            .body(Body::builder().html(content(html)?).text(content(text)?).build())
            .build();
        let sent = self.0.send_email().from_email_address(workload::FROM);
        let sent = sent.destination(Destination::builder().to_addresses(workload::TO).build());
        let sent = sent.content(EmailContent::builder().simple(message).build()).send().await?;
        sent.message_id().context("no id")?;
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
pub struct KeptLettre {
    pub port: u16,
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

pub struct KeptConnection(AsyncSmtpConnection);

impl Worker for KeptConnection {
    async fn send(&mut self) -> Result<()> {
        let mail = mail()?;
        self.0.send(mail.envelope(), &mail.formatted()).await?;
        Ok(())
    }
}

/// lettre with its own pool: NOOP before each reuse, no TCP_NODELAY.
#[derive(Clone)]
pub struct PooledLettre(lettre::AsyncSmtpTransport<lettre::Tokio1Executor>);

impl PooledLettre {
    pub fn new(port: u16) -> Self {
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
