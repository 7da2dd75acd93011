//! The bare clients: what a service would write itself, over the same wire.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, Result, anyhow};
use aws_credential_types::Credentials;
use aws_sdk_sesv2::{
    config::{BehaviorVersion, Region, retry::RetryConfig},
    types::{Body as SesBody, Content, Destination, EmailContent, Message as SesMessage},
};
use aws_smithy_http_client::{Builder, tls};
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connector_kit::{SendContext, root_certificates};
use connector_testkit::{HttpRecorder, RecorderOptions, TestCa};
use hmac::{Hmac, Mac as _};
use lettre::{
    Message,
    message::MultiPart,
    transport::smtp::{client::AsyncSmtpConnection, extension::ClientId},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha1::Sha1;
use tokio::net::TcpStream;
use url::form_urlencoded;

use crate::{
    client::{Sender, Worker},
    workload::{self, Provider},
};

/// The request that a connector sends, taken apart for reqwest to write anew for every message.
#[derive(Clone, Serialize, Deserialize)]
pub struct Captured {
    url: String,
    headers: Vec<(String, String)>,
    body: Body,
}

#[derive(Clone, Serialize, Deserialize)]
enum Body {
    Json(Value),
    Form(Vec<(String, String)>),
}

impl Captured {
    /// What the connector of `provider` sends.
    pub async fn of(provider: Provider) -> Result<Self> {
        let ca = TestCa::new();
        let tls = Some(ca.server_config(provider.hosts()));
        let recorder = HttpRecorder::start(RecorderOptions { tls, answers: provider.answers() }).await;
        provider
            .connector(recorder.port(), ca.root_pem().as_bytes())?
            .send(&workload::message(), &SendContext::new())
            .await?;
        let request = recorder.requests().pop().context("nothing was sent")?;
        // The client's own: it says host and length itself.
        let own = |name: &str| ["host", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own));
        let is_form = request.header("content-type").is_some_and(|kind| kind.contains("form"));
        Ok(Self {
            url: format!("{}://{}{}", request.scheme, request.host, request.target),
            body: if is_form { Body::Form(request.form()) } else { Body::Json(request.json()) },
            headers: request.headers.into_iter().filter(|(name, _)| !own(name)).collect(),
        })
    }
}

/// reqwest with the same TLS, writing the request that the connector sends.
#[derive(Clone)]
pub struct Reqwest {
    client: reqwest::Client,
    captured: Captured,
    signs: bool,
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
        Ok(Self { client: client.build()?, captured, signs: provider == Provider::AliyunDm })
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
        let body = match &mut self.captured.body {
            Body::Json(json) => serde_json::to_string(json)?,
            Body::Form(form) => {
                if self.signs {
                    sign(form)?;
                }
                form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
            }
        };
        let answer = request.body(body).send().await?.error_for_status()?.bytes().await?;
        if !answer.is_empty() {
            serde_json::from_slice::<Value>(&answer)?;
        }
        Ok(())
    }
}

/// Signs the parameters of an RPC-style request to Alibaba Cloud, which takes no signature twice.
fn sign(form: &mut Vec<(String, String)>) -> Result<()> {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let encode = |text| utf8_percent_encode(text, KEPT).to_string();
    form.retain(|(name, _)| name != "Signature");
    let mut pairs: Vec<String> =
        form.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.sort_unstable();
    let text = format!("POST&%2F&{}", encode(&pairs.join("&")));
    let mut hmac = Hmac::<Sha1>::new_from_slice(b"bench&")?;
    hmac.update(text.as_bytes());
    form.push(("Signature".to_owned(), STANDARD.encode(hmac.finalize().into_bytes())));
    Ok(())
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
            .body(SesBody::builder().html(content(html)?).text(content(text)?).build())
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

/// Messages over one connection: what the connector's `maxMessages` is by default, so that both open as many.
const MESSAGES_PER_CONNECTION: usize = 10;

/// lettre over one kept connection per worker, replaced after ten messages.
pub struct KeptLettre {
    pub port: u16,
}

impl Sender for KeptLettre {
    type Worker = KeptConnection;

    async fn worker(&self) -> Result<KeptConnection> {
        Ok(KeptConnection { port: self.port, connection: connect(self.port).await?, sent: 0 })
    }
}

async fn connect(port: u16) -> Result<AsyncSmtpConnection> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let client = ClientId::Ipv4([127, 0, 0, 1].into());
    Ok(AsyncSmtpConnection::connect_with_transport(Box::new(stream), &client).await?)
}

pub struct KeptConnection {
    port: u16,
    connection: AsyncSmtpConnection,
    sent: usize,
}

impl Worker for KeptConnection {
    async fn send(&mut self) -> Result<()> {
        if self.sent == MESSAGES_PER_CONNECTION {
            self.connection.quit().await?;
            self.connection = connect(self.port).await?;
            self.sent = 0;
        }
        let mail = mail()?;
        self.connection.send(mail.envelope(), &mail.formatted()).await?;
        self.sent += 1;
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
