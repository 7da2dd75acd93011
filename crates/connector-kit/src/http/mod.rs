//! HTTP as connectors see it: one small trait, and what every provider's answers have in common.

mod client;
mod delivery;
mod interception;
mod written;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use bytes::Bytes;
pub use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::de::DeserializeOwned;
pub use url::Url;

pub(crate) use client::PooledClient;
pub use delivery::delivery_after;

use crate::{Delivery, Error, ErrorKind, ProviderAnswer, SendContext, other_encoding};

const USER_AGENT: &str = concat!("email-connectors/", env!("CARGO_PKG_VERSION"));
/// As many headers as a request has, more or less.
const HEADERS: usize = 7;
/// Answers are short and read as they come; a request that says nothing would allow any compression (RFC 9110, 12.5.3).
const PLAIN: HeaderValue = HeaderValue::from_static("identity");

/// What to do where nobody knows what became of a message.
const MAY_BE_ACCEPTED: &str =
    "the message may have been accepted: look into the provider's log before sending it again";

const NOT_FOLLOWED: &str = "redirects are never followed: check the endpoint, and what stands between it and here";

/// The headers of a connector's requests: its `own`, and what every request says besides. Made when the connector is built:
/// headers that are complete are only cloned by a send.
#[must_use]
pub fn request_headers(own: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    headers.extend(own);
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
    headers.entry(header::ACCEPT_ENCODING).or_insert(PLAIN);
    headers
}

/// A request, complete.
#[derive(Clone)]
pub struct HttpRequest {
    /// The method.
    pub method: Method,
    /// Where it goes. Plain HTTP only where the configuration names an http URL.
    pub url: Url,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// How long it and its answer may take; none: as long as the send's deadline allows.
    pub timeout: Option<Duration>,
}

impl HttpRequest {
    /// A POST of `body` to `url`.
    #[must_use]
    pub fn post(url: Url, headers: HeaderMap, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, url, headers, body: body.into(), timeout: None }
    }

    /// A GET of `url`.
    #[must_use]
    pub fn get(url: Url, headers: HeaderMap) -> Self {
        Self { method: Method::GET, url, headers, body: Bytes::new(), timeout: None }
    }

    /// Sets how long it and its answer may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }
}

/// An answer, read up to 1 MiB.
///
/// Its `Debug` shows the status alone: headers and body may repeat the message.
pub struct HttpResponse {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, or why it could not be read: cut, too slow or too long. Status and headers count all the same.
    pub body: Result<Bytes, Error>,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

impl HttpResponse {
    /// A header's value, where it is there and readable.
    #[must_use]
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body without a byte order mark, which senders of JSON must not write and readers may ignore (RFC 8259, 8.1).
    /// Empty where the body could not be read.
    #[must_use]
    pub fn content(&self) -> &[u8] {
        let body = self.body.as_deref().unwrap_or_default();
        body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
    }

    /// The body, read as JSON; none where it is something else.
    #[must_use]
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(self.content()).ok()
    }

    /// The error of an answer that is no success, as far as the status tells; the connector refines it from the body.
    #[must_use]
    pub fn failure(&self, provider: &str) -> Error {
        let kind = if self.intercepted_by().is_some() { ErrorKind::Unauthorized } else { kind_of(self.status) };
        let error = Error::new(kind, format!("{provider} answered {}{}", shown(self.status), self.encoding()))
            .delivery_is(delivery_after(self.status, &self.headers, self.content()))
            .with_retry_after(self.retry_after())
            .with_provider(ProviderAnswer { status: Some(self.status.as_u16()), ..ProviderAnswer::default() });
        match (self.status.is_redirection(), error.delivery()) {
            (true, Delivery::NotSent) => error.with_hint(NOT_FOLLOWED),
            (true, Delivery::Unknown) => error.with_hint(format!("{NOT_FOLLOWED}; {MAY_BE_ACCEPTED}")),
            (false, _) => error,
        }
    }

    /// The error of an answer with a success status that does not say success.
    #[must_use]
    pub fn unreadable(&self, provider: &str, what: &str) -> Error {
        let words = format!("{provider} answered {} but {what}{}", shown(self.status), self.encoding());
        Error::new(ErrorKind::InvalidResponse, words)
            .delivery_is(Delivery::Unknown)
            .with_provider(ProviderAnswer { status: Some(self.status.as_u16()), ..ProviderAnswer::default() })
            .with_hint(MAY_BE_ACCEPTED)
    }

    /// A remark on a body that cannot be read for its encoding.
    fn encoding(&self) -> String {
        other_encoding(self.content()).map(|name| format!(" (its body is in {name}, not UTF-8)")).unwrap_or_default()
    }

    /// Retry-After (RFC 9110, 10.2.3), in seconds or as a date.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        let value = self.header(header::RETRY_AFTER)?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(SystemTime::now()).unwrap_or_default())
    }
}

/// A status with its reason, where it has one: some providers answer 420.
fn shown(status: StatusCode) -> String {
    let number = status.as_str();
    status.canonical_reason().map_or_else(|| number.to_owned(), |reason| format!("{number} {reason}"))
}

/// What a status that is no success means, where the provider says nothing else.
fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 | 403 | 407 => ErrorKind::Unauthorized,
        402 => ErrorKind::QuotaExceeded,
        429 => ErrorKind::RateLimited,
        // The request did not arrive whole or in time, or was too early: nothing is wrong with it.
        408 | 425 => ErrorKind::Unavailable,
        // Somebody on the way went away before the answer.
        460 | 499 => ErrorKind::Unavailable,
        400..=499 => ErrorKind::Rejected,
        501 | 505 => ErrorKind::Rejected,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::InvalidResponse,
    }
}

/// Sends one HTTP request. Redirects are not followed, nothing is retried.
///
/// A host may bring its own, by [`Context::with_http`](crate::Context::with_http). What a send that fails is taken for depends
/// on what its client vouches for:
///
/// - A client that marks nothing in `context`, and returns plain errors, is always right: a deadline that strikes and
///   every error of its own then mean that the outcome is unknown.
/// - A client that can tell when bytes leave may vouch for "not sent": by [`SendContext::mark_not_sent`] when it begins,
///   which it ends by [`SendContext::mark_written`] before the first byte of the request is written (when that fails,
///   nothing may be), and by [`Error::not_sent`] on errors from before that. Only such failures are tried again.
///
/// `context` may be handed to another task or runtime along with the request.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends `request` and reads the answer, whatever its status.
    ///
    /// # Errors
    /// `Unavailable` when no answer came: unknown, unless the client vouches that nothing of the request was written.
    async fn execute(&self, request: HttpRequest, context: &SendContext) -> Result<HttpResponse, Error>;
}
