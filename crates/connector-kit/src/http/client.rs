//! The HTTP client behind the trait: pooled, keep-alive, rustls, with the egress settings applied.

use std::{
    error::Error as StdError,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use tokio::{
    runtime::{self, Handle},
    time::Instant,
};
use url::{Host, Url};

use super::{
    HeaderMap, HeaderValue, HttpClient, HttpRequest, HttpResponse, MAY_BE_ACCEPTED, Method, PLAIN, USER_AGENT,
    delivery_after, header, written::WrittenBody,
};
use crate::{
    Delivery, Error, ErrorKind, ProviderAnswer, SendContext,
    egress::{ConnectTo, Egress, Proxy, Refusal, Resolver, certificate_hint, is_public, refusal_of},
};

/// Longest answer read.
const ANSWER_MAX: usize = 1024 * 1024;
/// How long the body may take at most once the headers are there, and a proxy that said no to say why. The outcome is
/// known by then: what stalls is not worth the whole deadline.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept: less than the 60 s after which load balancers commonly drop it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(50);

/// Of how many runtimes connections are kept, those used last: more than a process has at a time.
const RUNTIMES: usize = 8;

/// The kit's client: pools of connections, one for each runtime that sends.
///
/// A connection is driven by a task of the runtime that opened it. Another runtime's is no use: it stands still while that
/// runtime does, and ends with it.
pub(crate) struct PooledClient {
    egress: Egress,
    tls: rustls::ClientConfig,
    /// The one used last comes first. The one without a runtime serves whichever comes next.
    pools: Mutex<Vec<(Option<runtime::Id>, Arc<Pools>)>>,
}

impl PooledClient {
    pub(crate) fn new(egress: &Egress, tls: &rustls::ClientConfig) -> Result<Self, Error> {
        let pools = Mutex::new(vec![(None, Arc::new(Pools::new(egress, tls)?))]);
        Ok(Self { egress: egress.clone(), tls: tls.clone(), pools })
    }

    /// The pools of the current runtime.
    fn pools(&self) -> Result<Arc<Pools>, Error> {
        let current = Handle::try_current().ok().map(|runtime| runtime.id());
        let mut kept = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let own = kept.iter().position(|(runtime, _)| *runtime == current);
        match own.or_else(|| kept.iter().position(|(runtime, _)| runtime.is_none())) {
            Some(at) => {
                kept[..=at].rotate_right(1);
                kept[0].0 = current;
            }
            None => {
                kept.insert(0, (current, Arc::new(Pools::new(&self.egress, &self.tls)?)));
                kept.truncate(RUNTIMES);
            }
        }
        Ok(Arc::clone(&kept[0].1))
    }
}

/// One pooled client, and one more for each connect-to rule.
struct Pools {
    usual: reqwest::Client,
    rules: Vec<(ConnectTo, reqwest::Client)>,
    deny_private: bool,
    proxy: Option<Proxy>,
}

impl Pools {
    fn new(egress: &Egress, tls: &rustls::ClientConfig) -> Result<Self, Error> {
        let usual = builder(egress, tls).dns_resolver(Resolver::new(egress.deny_private_addresses, None));
        let rules = egress.connect_to.iter().map(|rule| {
            let resolver = Resolver::new(egress.deny_private_addresses, Some(rule.clone()));
            Ok((rule.clone(), built(builder(egress, tls).dns_resolver(resolver))?))
        });
        Ok(Self {
            rules: rules.collect::<Result<_, Error>>()?,
            usual: built(usual)?,
            deny_private: egress.deny_private_addresses,
            proxy: egress.proxy.clone(),
        })
    }

    /// The client for `request`, its URL and headers adapted where a connect-to rule redirects the connection.
    fn route(&self, request: &mut HttpRequest) -> Result<&reqwest::Client, Error> {
        let (Some(host), Some(port)) = (request.url.host_str(), request.url.port_or_known_default()) else {
            return Err(Error::new(ErrorKind::InvalidConfig, "the URL has no host"));
        };
        // The resolver checks names; a literal address never gets to it. A rule that redirects one is no permission for it.
        self.check_literal(&request.url)?;
        let rule = self.rules.iter().find(|(rule, _)| rule.matches(host, port));
        let Some((rule, client)) = rule else { return Ok(&self.usual) };
        redirect(&mut request.url, &mut request.headers, rule)?;
        self.check_literal(&request.url)?;
        Ok(client)
    }

    /// Refuses a URL with a private address in place of a name, where those are denied.
    fn check_literal(&self, url: &Url) -> Result<(), Error> {
        let literal: Option<IpAddr> = match url.host() {
            Some(Host::Ipv4(address)) => Some(address.into()),
            Some(Host::Ipv6(address)) => Some(address.into()),
            _ => None,
        };
        match literal.filter(|address| self.deny_private && !is_public(*address)) {
            Some(address) => Err(crate::egress::private_address(&address.to_string())),
            None => Ok(()),
        }
    }
}

fn builder(egress: &Egress, tls: &rustls::ClientConfig) -> reqwest::ClientBuilder {
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .user_agent(USER_AGENT)
        .default_headers(HeaderMap::from_iter([(header::ACCEPT_ENCODING, PLAIN)]))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .connect_timeout(egress.connect_timeout)
        .no_proxy();
    if let Some(proxy) = &egress.proxy {
        builder = builder.proxy(proxy.to_reqwest());
    }
    builder
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|cause| {
        Error::new(ErrorKind::InvalidConfig, format!("the HTTP client cannot be built: {}", root_cause(&cause)))
    })
}

/// Makes the connection go where the rule says, while TLS name and `Host` stay the URL's.
///
/// The resolver of the rule's client answers with the rule's address and port, which the client uses unless the URL
/// names a port of its own or an address instead of a name.
fn redirect(url: &mut Url, headers: &mut http::HeaderMap, rule: &ConnectTo) -> Result<(), Error> {
    let cannot = |what: &str| Error::new(ErrorKind::InvalidConfig, format!("connect-to cannot be applied: {what}"));
    let is_name = matches!(url.host(), Some(Host::Domain(_)));
    if !is_name && url.scheme() == "https" {
        return Err(cannot("the URL names an address, whose certificate the other host does not have"));
    }
    if is_name && url.port().is_none() {
        return Ok(());
    }
    let authority = url[url::Position::BeforeHost..url::Position::AfterPort].to_owned();
    let host = HeaderValue::from_str(&authority).map_err(|_| cannot("the URL's host is not valid in a header"))?;
    headers.insert(header::HOST, host);
    if is_name {
        return url.set_port(None).map_err(|()| cannot("the URL cannot have a port"));
    }
    let port = rule.port.or(url.port_or_known_default());
    if let Some(host) = &rule.host {
        let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
        url.set_host(Some(&host)).map_err(|_| cannot("its second host is not valid"))?;
    }
    url.set_port(port).map_err(|()| cannot("the URL cannot have a port"))
}

#[async_trait]
impl HttpClient for PooledClient {
    async fn execute(&self, request: HttpRequest, context: &SendContext) -> Result<HttpResponse, Error> {
        // Until the body is asked for, nothing of it is written.
        context.mark_not_sent();
        self.pools()?.exchange(request, context).await
    }
}

impl Pools {
    async fn exchange(&self, mut request: HttpRequest, context: &SendContext) -> Result<HttpResponse, Error> {
        let host: Arc<str> = request.url.host_str().unwrap_or_default().into();
        let client = self.route(&mut request)?;
        let port = request.url.port_or_known_default().unwrap_or_default();
        context.waits_for(Arc::clone(&host));
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        *outgoing.timeout_mut() = request.timeout;
        if request.body.is_empty() {
            // Nothing tells when its head is written.
            context.mark_written()?;
        }
        if *outgoing.method() != Method::GET || !request.body.is_empty() {
            let body = WrittenBody::new(request.body, context.clone());
            *outgoing.body_mut() = Some(reqwest::Body::wrap(body));
        }
        let mut response = match client.execute(outgoing).await {
            Ok(response) => response,
            Err(cause) => match self.refused(&host, port, &cause, context).await {
                Some(refused) => return Err(refused),
                None => return Err(failed(&host, self.proxy.is_some(), &cause, context.delivery())),
            },
        };
        let status = response.status();
        let headers = std::mem::take(response.headers_mut());
        let limit = answer_limit(context);
        let body = tokio::time::timeout(limit, read(&mut response))
            .await
            .unwrap_or_else(|_| Err(format!("its body did not arrive within {limit:.1?}")));
        let delivery = delivery_after(status, &headers, body.as_deref().unwrap_or_default());
        if delivery == Delivery::NotSent {
            context.mark_not_sent();
        }
        let body = body.map_err(|what| {
            let error = Error::new(ErrorKind::InvalidResponse, format!("{host} answered {status} but {what}"))
                .delivery_is(delivery)
                .with_provider(ProviderAnswer { status: Some(status.as_u16()), ..ProviderAnswer::default() });
            if delivery == Delivery::Unknown { error.with_hint(MAY_BE_ACCEPTED) } else { error }
        });
        Ok(HttpResponse { status, headers, body })
    }

    /// The error of a tunnel that the proxy would not open, where it is one. The HTTP client does not say which status it
    /// was, so the proxy is asked once more, unless it wanted a sign-in.
    async fn refused(&self, host: &str, port: u16, cause: &reqwest::Error, context: &SendContext) -> Option<Error> {
        let proxy = self.proxy.as_ref().filter(|_| cause.is_connect())?;
        let words = root_cause(cause);
        let refusal = Refusal::of_words(&words)?;
        context.mark_not_sent();
        if refusal != Refusal::Failed || proxy.is_socks() {
            return Some(refusal.error(host, &words));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match refusal_of(proxy, bare, port, answer_limit(context)).await {
            Some((refusal, words)) => Some(refusal.error(&format!("{host}:{port}"), &words)),
            None => Some(refusal.error(host, &words)),
        }
    }
}

/// Half of what is left of the send's deadline, if that is less: the status, and not that time is up, is what the caller
/// needs to know.
fn answer_limit(context: &SendContext) -> Duration {
    let left = context.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
    left.map_or(ANSWER_TIMEOUT, |left| ANSWER_TIMEOUT.min(left / 2))
}

async fn read(response: &mut reqwest::Response) -> Result<Bytes, String> {
    let mut whole = BytesMut::new();
    // Asked for now: later it says how much is still to come.
    let length = response.content_length();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(whole.freeze()),
            Ok(Some(chunk)) if whole.len() + chunk.len() > ANSWER_MAX => {
                return Err("its body is longer than 1 MiB".to_owned());
            }
            Ok(Some(chunk)) if whole.is_empty() && length == Some(chunk.len() as u64) => {
                return Ok(chunk);
            }
            Ok(Some(chunk)) => whole.extend_from_slice(&chunk),
            Err(cause) => return Err(format!("its body was cut off: {}", root_cause(&cause))),
        }
    }
}

/// No answer came: says at which stage, and why, without the URL, which may hold what is nobody's business.
fn failed(host: &str, by_proxy: bool, cause: &reqwest::Error, delivery: Delivery) -> Error {
    let stage = match delivery {
        // It may be the proxy that is not there, or does not let this through.
        _ if cause.is_connect() && by_proxy => "could not connect through the proxy",
        _ if cause.is_connect() && cause.is_timeout() => "connecting took too long",
        _ if cause.is_connect() => "could not connect",
        Delivery::NotSent => "the request could not be written",
        Delivery::Unknown if cause.is_timeout() => "no answer came in time",
        Delivery::Unknown => "the connection was lost before the answer",
    };
    // An egress rule's own error explains itself better than the chain around it.
    if let Some(error) = causes(cause).find_map(|cause| cause.downcast_ref::<Error>()) {
        return error.clone().not_sent();
    }
    let delivery = if cause.is_connect() { Delivery::NotSent } else { delivery };
    let error = Error::new(ErrorKind::Unavailable, format!("{host}: {stage}: {}", root_cause(cause)));
    match causes(cause).find_map(certificate_hint) {
        Some(hint) => error.delivery_is(delivery).with_hint(hint),
        None => error.delivery_is(delivery),
    }
}

/// An error and the chain of its causes.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |cause| StdError::source(*cause))
}

/// The innermost cause: the ones around it repeat the URL.
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let cause = causes(error).last().unwrap_or(error);
    match cause.downcast_ref::<reqwest::Error>() {
        // Its own words carry the URL.
        Some(outer) if outer.is_timeout() => "timed out".to_owned(),
        Some(_) => "the request is not valid".to_owned(),
        None => cause.to_string(),
    }
}
