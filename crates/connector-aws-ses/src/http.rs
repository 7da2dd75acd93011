//! The SDK's HTTP client: an adapter over the kit's, so that every egress setting holds for SES too.

use std::{
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient as SdkHttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest as SdkRequest, HttpResponse as SdkResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode as SdkStatusCode,
};
use aws_smithy_types::body::SdkBody;
use connector_kit::{
    Error, ErrorKind, SendContext,
    http::{HeaderMap, HttpClient, HttpRequest, HttpResponse, StatusCode, Url, header},
};

use crate::errors;

/// The SDK's client that sends through `http`, without timeouts of its own: the send's deadline bounds it.
pub(crate) fn sending(http: Arc<dyn HttpClient>) -> SharedHttpClient {
    SharedHttpClient::new(Adapter(SharedHttpConnector::new(Wire::new(http))))
}

/// The SDK's client for credential calls. It keeps to the SDK's timeouts, which are short for the metadata services that
/// most machines do not have, and remembers why the last call failed: the SDK's own errors do not tell.
pub(crate) fn asking(http: Arc<dyn HttpClient>, failure: LastFailure) -> SharedHttpClient {
    SharedHttpClient::new(Asking { wire: Wire::new(http), failure })
}

/// Why the last credential call failed.
#[derive(Clone, Default)]
pub(crate) struct LastFailure(Arc<Mutex<Option<Failure>>>);

/// A credential call that failed.
#[derive(Clone)]
pub(crate) enum Failure {
    /// No answer came.
    Network(Error),
    /// The answer was no.
    Answer { host: String, response: Arc<HttpResponse> },
}

impl LastFailure {
    pub(crate) fn take(&self) -> Option<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, failure: Option<Failure>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// One connector, made once: the SDK asks for it at every request.
struct Adapter(SharedHttpConnector);

impl SdkHttpClient for Adapter {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.0.clone()
    }
}

#[derive(Clone)]
struct Wire {
    http: Arc<dyn HttpClient>,
    /// The first URI and what it parses to: every send has the same.
    usual: Arc<OnceLock<(String, Url)>>,
}

impl Wire {
    fn new(http: Arc<dyn HttpClient>) -> Self {
        Self { http, usual: Arc::default() }
    }

    async fn send(self, request: SdkRequest) -> Result<HttpResponse, Error> {
        let url = self.url(request.uri())?;
        let (request, context) = to_kit(request, url)?;
        // From here on it is the client's to vouch for.
        context.mark_written()?;
        self.http.execute(request, &context).await
    }

    fn url(&self, uri: &str) -> Result<Url, Error> {
        match self.usual.get() {
            Some((usual, url)) if usual == uri => Ok(url.clone()),
            _ => {
                let url = Url::parse(uri).map_err(|_| cannot("its URI is not a URL"))?;
                // Another was first: then this one is not the usual one.
                let _ = self.usual.set((uri.to_owned(), url.clone()));
                Ok(url)
            }
        }
    }
}

fn cannot(what: &str) -> Error {
    Error::new(ErrorKind::InvalidConfig, format!("the request cannot be made: {what}"))
}

impl HttpConnector for Wire {
    fn call(&self, request: SdkRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            let response = wire.send(request).await.map_err(failed)?;
            if response.status.is_success() && response.status != StatusCode::OK {
                return Err(failed(response.unreadable(errors::NAME, "only 200 means accepted")));
            }
            to_sdk(&response).map_err(failed)
        })
    }
}

struct Asking {
    wire: Wire,
    failure: LastFailure,
}

impl SdkHttpClient for Asking {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        let timeout = settings.connect_timeout().zip(settings.read_timeout()).map(|(connect, read)| connect + read);
        let (wire, failure) = (self.wire.clone(), self.failure.clone());
        SharedHttpConnector::new(Asked { wire, failure, timeout: timeout.unwrap_or(Duration::from_secs(5)) })
    }
}

struct Asked {
    wire: Wire,
    failure: LastFailure,
    timeout: Duration,
}

impl HttpConnector for Asked {
    fn call(&self, request: SdkRequest) -> HttpConnectorFuture {
        let (wire, failure, timeout) = (self.wire.clone(), self.failure.clone(), self.timeout);
        HttpConnectorFuture::new(async move {
            let host = host_of(request.uri());
            let Ok(outcome) = tokio::time::timeout(timeout, wire.send(request)).await else {
                let words = format!("{host} did not answer within {} s", timeout.as_secs());
                let error = Error::new(ErrorKind::Unavailable, words);
                failure.set(Some(Failure::Network(error.clone())));
                return Err(ConnectorError::timeout(Box::new(error)));
            };
            let response = outcome.map_err(|error| {
                failure.set(Some(Failure::Network(error.clone())));
                failed(error)
            })?;
            let said_no = !response.status.is_success();
            let answer = to_sdk(&response).map_err(failed)?;
            failure.set(said_no.then(|| Failure::Answer { host, response: Arc::new(response) }));
            Ok(answer)
        })
    }
}

fn host_of(uri: &str) -> String {
    Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "AWS".to_owned())
}

/// The SDK keeps the error whole; [`crate::errors::of_sdk`] finds it again.
fn failed(error: Error) -> ConnectorError {
    ConnectorError::other(Box::new(error), None)
}

/// The request as the kit has it, with the context of its send. A credential call brings none: it has one of its own.
fn to_kit(request: SdkRequest, url: Url) -> Result<(HttpRequest, SendContext), Error> {
    let request = request.try_into_http1x().map_err(|_| cannot("it has no valid URI"))?;
    let (mut parts, body) = request.into_parts();
    let body = body.bytes().ok_or_else(|| cannot("its body is a stream"))?.to_vec();
    // What writes the request says so itself. Signed it is all the same.
    parts.headers.remove(header::CONTENT_LENGTH);
    let context = parts.extensions.remove().unwrap_or_default();
    let mut request = HttpRequest::post(url, parts.headers, body);
    request.method = parts.method;
    Ok((request, context))
}

/// What was accepted but cannot be read is an error with an outcome of its own; a refusal counts without its body.
fn to_sdk(response: &HttpResponse) -> Result<SdkResponse, Error> {
    let body = match &response.body {
        Ok(_) if is_too_deep(response.content()) => {
            if response.status.is_success() {
                return Err(response.unreadable(errors::NAME, "with JSON that is nested too deep"));
            }
            SdkBody::empty()
        }
        // The SDK's reader of JSON takes no byte order mark.
        Ok(body) => SdkBody::from(body.slice_ref(response.content())),
        Err(error) if response.status.is_success() => return Err(error.clone()),
        Err(_) => SdkBody::empty(),
    };
    let status = SdkStatusCode::try_from(response.status.as_u16())
        .map_err(|_| Error::new(ErrorKind::InvalidResponse, "the answer has no valid status"))?;
    let mut answer = SdkResponse::new(status, body);
    for (name, value) in &response.headers {
        if let Ok(value) = value.to_str() {
            answer.headers_mut().append(name.as_str().to_owned(), value.to_owned());
        }
    }
    Ok(answer)
}

/// How deep JSON may be nested: as deep as the kit reads it.
const DEPTH_MAX: usize = 127;

/// Whether an answer is JSON that is nested too deep. The SDK's reader calls itself for each level, so that a long answer
/// of brackets alone would overflow the stack and end the process.
fn is_too_deep(content: &[u8]) -> bool {
    let content = content.trim_ascii_start();
    if !content.starts_with(b"{") && !content.starts_with(b"[") {
        return false;
    }
    let (mut depth, mut in_text, mut is_escaped) = (0_usize, false, false);
    for byte in content {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b'{' | b'[' if !in_text => depth += 1,
            b'}' | b']' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEPTH_MAX {
            return true;
        }
    }
    false
}

/// The SDK's answer as the kit has it.
pub(crate) fn from_sdk(answer: &SdkResponse) -> HttpResponse {
    let header = |(name, value): (&str, &str)| Some((name.parse().ok()?, value.parse().ok()?));
    HttpResponse {
        status: StatusCode::from_u16(answer.status().as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        headers: answer.headers().iter().filter_map(header).collect::<HeaderMap>(),
        body: Ok(answer.body().bytes().unwrap_or_default().to_vec().into()),
    }
}

impl fmt::Debug for Adapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Adapter")
    }
}

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asking")
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}
