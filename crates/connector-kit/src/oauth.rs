//! OAuth 2.0 access tokens: asked for once, however many sends wait for one, and kept until shortly before they expire.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};
use url::{Url, form_urlencoded};

use crate::{
    Error, ErrorKind, Secret, SendContext,
    http::{HeaderMap, HeaderValue, HttpClient, HttpRequest, header},
};

/// How long before its end a token counts as expired, so that it does not expire on its way.
const MARGIN: Duration = Duration::from_secs(60);
/// How long a token is kept whose lifetime the server does not say (RFC 6749, 5.1 only recommends it).
const LIFETIME_UNSAID: Duration = Duration::from_secs(300);
/// Longest time a token is kept, whatever the server says: a day. The clock cannot count every lifetime that JSON can.
const LIFETIME_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Longest token taken, in bytes. Real ones have a few KiB, and every message carries it.
const TOKEN_MAX: usize = 64 * 1024;

/// An access token and when it ends.
#[derive(Debug, Clone)]
pub struct AccessToken {
    /// The token.
    pub secret: Secret,
    /// When it ends.
    pub expires_at: Instant,
}

impl AccessToken {
    /// A token that lives `lifetime` from now, but is kept for a day at most.
    #[must_use]
    pub fn living(secret: Secret, lifetime: Duration) -> Self {
        Self { secret, expires_at: Instant::now() + lifetime.min(LIFETIME_MAX) }
    }

    fn is_fresh(&self) -> bool {
        Instant::now() + MARGIN < self.expires_at
    }
}

/// Keeps one access token.
#[derive(Debug, Default)]
pub struct TokenCache(Mutex<Option<AccessToken>>);

impl TokenCache {
    /// A cache that starts with `token`.
    #[must_use]
    pub fn with(token: Option<AccessToken>) -> Self {
        Self(Mutex::new(token))
    }

    /// The token; fetched when there is none or it ends within a minute. Callers that come meanwhile wait for the same
    /// fetch. `fetch` takes a context of its own: that a token request was written says nothing of the message.
    ///
    /// # Errors
    /// The fetch's. The message is not sent, whatever became of the fetch.
    pub async fn get<F>(
        &self,
        context: &SendContext,
        fetch: impl FnOnce(SendContext) -> F + Send,
    ) -> Result<Secret, Error>
    where
        F: Future<Output = Result<AccessToken, Error>> + Send,
    {
        context.before_sending(self.fresh(context, fetch)).await.map_err(Error::not_sent)
    }

    async fn fresh<F>(
        &self,
        context: &SendContext,
        fetch: impl FnOnce(SendContext) -> F + Send,
    ) -> Result<Secret, Error>
    where
        F: Future<Output = Result<AccessToken, Error>> + Send,
    {
        let mut kept = self.0.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| token.is_fresh()) {
            return Ok(token.secret.clone());
        }
        let token = fetch(context.aside()).await?;
        let secret = token.secret.clone();
        *kept = Some(token);
        Ok(secret)
    }

    /// Drops `token`, which a server refused, unless another has taken its place.
    pub async fn forget(&self, token: &Secret) {
        let mut kept = self.0.lock().await;
        if kept.as_ref().is_some_and(|kept| kept.secret == *token) {
            *kept = None;
        }
    }
}

/// Asks `endpoint` for an access token (RFC 6749) with the fields of `form`; `client` authenticates by HTTP Basic. `context` is
/// the request's own: a [`SendContext::aside`], not that of the message.
///
/// # Errors
/// `Unauthorized` when the server refuses the client or the grant; `Unavailable`, `RateLimited` or `InvalidResponse`
/// when it cannot be asked. The message is not sent.
pub async fn request_token(
    http: &dyn HttpClient,
    endpoint: &Url,
    form: &[(&str, &str)],
    client: Option<(&str, &Secret)>,
    context: &SendContext,
) -> Result<AccessToken, Error> {
    ask_for_token(http, endpoint, form, client, context).await.map_err(Error::not_sent)
}

async fn ask_for_token(
    http: &dyn HttpClient,
    endpoint: &Url,
    form: &[(&str, &str)],
    client: Option<(&str, &Secret)>,
    context: &SendContext,
) -> Result<AccessToken, Error> {
    let mut headers = HeaderMap::from_iter([
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        (header::ACCEPT, HeaderValue::from_static("application/json")),
    ]);
    if let Some((id, secret)) = client {
        // RFC 6749, 2.3.1: each goes as in a form, so that a colon, a percent or a plus sign is taken for itself.
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(id), encoded(secret.expose()));
        let value = format!("Basic {}", STANDARD.encode(pair));
        let mut value = HeaderValue::from_str(&value)
            .map_err(|_| Error::new(ErrorKind::InvalidConfig, "the client id or secret cannot travel in a header"))?;
        value.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, value);
    }
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let response = http.execute(HttpRequest::post(endpoint.clone(), headers, body), context).await?;
    let name = format!("the token endpoint at {}", endpoint.host_str().unwrap_or_default());
    if response.status.is_success() {
        response.body.as_ref().map_err(Clone::clone)?;
        let granted = response.json().filter(|answer: &Granted| answer.access_token.expose().len() <= TOKEN_MAX);
        let answer = granted.ok_or_else(|| {
            response
                .unreadable(&name, "without an access token in its body")
                .with_hint("what answers there does not grant tokens: check the token endpoint's URL")
        })?;
        let lifetime = answer.expires_in.map_or(LIFETIME_UNSAID, Duration::from_secs);
        return Ok(AccessToken::living(answer.access_token, lifetime));
    }
    let refused: Option<Refused> = response.json();
    let base = response.failure(&name);
    // RFC 6749, 5.2, and RFC 8707, 2: the code is one of a few words; the description is free text and may echo anything.
    let known = [
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "invalid_target",
        "unauthorized_client",
    ];
    let code = refused.map(|refused| refused.error).filter(|code| known.contains(&code.as_str()));
    match code {
        None => Err(base),
        Some(code) => {
            let mut provider = base.provider().cloned().unwrap_or_default();
            provider.code = Some(code.clone());
            Err(Error::new(ErrorKind::Unauthorized, format!("{base}: {code}"))
                .with_provider(provider)
                .with_hint("check client id, client secret and grant; a refresh token may have been revoked"))
        }
    }
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    #[serde(default, deserialize_with = "seconds")]
    expires_in: Option<u64>,
}

/// Some servers give the lifetime as a string.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok())))
}

#[derive(Deserialize)]
struct Refused {
    error: String,
}
