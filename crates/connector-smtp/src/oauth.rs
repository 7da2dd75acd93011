//! Access tokens for XOAUTH2: by refresh token, by the client's own credentials, or by a service account's key.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use connector_kit::{
    Error, Problem, Secret, SendContext,
    http::{HttpClient, Url},
    oauth::{AccessToken, TokenCache, request_token},
    pem_text,
};
use ring::{rand::SystemRandom, signature};
use rustls_pki_types::{PrivateKeyDer, pem::PemObject};
use serde_json::json;

use crate::config::Auth;

/// Google's token endpoint (developers.google.com/identity/protocols/oauth2).
const GOOGLE: &str = "https://oauth2.googleapis.com/token";
/// What Gmail's SMTP server asks for (developers.google.com/gmail/imap/xoauth2-protocol).
const GOOGLE_SCOPE: &str = "https://mail.google.com/";
/// What Microsoft 365's asks of a client with credentials of its own
/// (learn.microsoft.com/exchange/client-developer/legacy-protocols).
const MICROSOFT_SCOPE: &str = "https://outlook.office365.com/.default";
const MICROSOFT_HOST: &str = "login.microsoftonline.com";
/// How long a signed assertion is good for: Google's maximum.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(3600);
/// How long an access token of unknown end is used before the server's refusal is taken at its word.
const UNKNOWN_END: Duration = Duration::from_secs(365 * 24 * 3600);

/// Where access tokens come from.
pub(crate) struct TokenSource {
    http: Arc<dyn HttpClient>,
    endpoint: Url,
    grant: Grant,
    cache: TokenCache,
}

enum Grant {
    /// Nothing to ask: the configured token is all there is.
    Given(Secret),
    Refresh {
        client_id: String,
        client_secret: Secret,
        refresh_token: Secret,
        scope: Option<String>,
    },
    Client {
        client_id: String,
        client_secret: Secret,
        scope: Option<String>,
    },
    Service {
        client: String,
        user: String,
        scope: String,
        key: Box<signature::RsaKeyPair>,
    },
}

impl TokenSource {
    /// The source that `auth` describes. Its rules across fields are checked before.
    ///
    /// # Errors
    /// `InvalidConfig` when the private key cannot be read.
    pub(crate) fn new(auth: Auth, http: Arc<dyn HttpClient>) -> Result<Self, Error> {
        let endpoint = Url::parse(auth.access_url.as_deref().unwrap_or(GOOGLE))
            .map_err(|cause| invalid("/auth/accessUrl", &format!("is not a URL: {cause}")))?;
        let microsoft = endpoint.host_str() == Some(MICROSOFT_HOST);
        let scope = auth.scope.clone().or_else(|| microsoft.then(|| MICROSOFT_SCOPE.to_owned()));
        let given = auth.access_token.clone().map(|secret| AccessToken::living(secret, lifetime(auth.expires)));
        let missing = || invalid("/auth", "OAuth2 has nothing to get an access token with");
        let grant = match (auth.private_key, auth.client_id, auth.client_secret, auth.refresh_token) {
            (Some(key), ..) => Grant::Service {
                client: auth.service_client.ok_or_else(missing)?,
                user: auth.user.ok_or_else(missing)?,
                scope: scope.unwrap_or_else(|| GOOGLE_SCOPE.to_owned()),
                key: Box::new(read_key(&key)?),
            },
            (None, Some(client_id), Some(client_secret), Some(refresh_token)) => {
                // Without a scope of its own, a refresh asks for what the mailbox's owner has granted.
                Grant::Refresh { client_id, client_secret, refresh_token, scope: auth.scope }
            }
            (None, Some(client_id), Some(client_secret), None) => Grant::Client { client_id, client_secret, scope },
            _ => Grant::Given(auth.access_token.ok_or_else(missing)?),
        };
        Ok(Self { http, endpoint, grant, cache: TokenCache::with(given) })
    }

    /// An access token that is good for at least another minute.
    ///
    /// # Errors
    /// As [`request_token`].
    pub(crate) async fn token(&self, context: &SendContext) -> Result<Secret, Error> {
        self.cache.get(context, |aside| self.fetch(aside)).await
    }

    /// Drops a token that the server refused; tells whether another can be had.
    pub(crate) async fn renew(&self, token: &Secret) -> bool {
        self.cache.forget(token).await;
        !matches!(self.grant, Grant::Given(_))
    }

    async fn fetch(&self, context: SendContext) -> Result<AccessToken, Error> {
        let http = self.http.as_ref();
        match &self.grant {
            Grant::Given(token) => Ok(AccessToken::living(token.clone(), UNKNOWN_END)),
            Grant::Refresh { client_id, client_secret, refresh_token, scope } => {
                let mut form = vec![
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ];
                form.extend(scope.as_deref().map(|scope| ("scope", scope)));
                request_token(http, &self.endpoint, &form, None, &context).await
            }
            Grant::Client { client_id, client_secret, scope } => {
                let mut form = vec![
                    ("grant_type", "client_credentials"),
                    ("client_id", client_id.as_str()),
                    ("client_secret", client_secret.expose()),
                ];
                form.extend(scope.as_deref().map(|scope| ("scope", scope)));
                request_token(http, &self.endpoint, &form, None, &context).await
            }
            Grant::Service { client, user, scope, key } => {
                let assertion = assertion(client, user, scope, self.endpoint.as_str(), key)?;
                let form =
                    [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion.expose())];
                request_token(http, &self.endpoint, &form, None, &context).await
            }
        }
    }
}

fn invalid(pointer: &str, message: &str) -> Error {
    Error::invalid_config(vec![Problem::new(pointer, message)])
}

/// How long a configured token lives: until `expires` (milliseconds since 1970), or until the server refuses it.
fn lifetime(expires: Option<u64>) -> Duration {
    let Some(expires) = expires else { return UNKNOWN_END };
    (UNIX_EPOCH + Duration::from_millis(expires)).duration_since(SystemTime::now()).unwrap_or_default()
}

/// Reads an RSA key in PKCS #8 or PKCS #1.
fn read_key(pem: &Secret) -> Result<signature::RsaKeyPair, Error> {
    let refuse = |what: &str| invalid("/auth/privateKey", what);
    let pem = pem_text(pem.expose());
    let key = match PrivateKeyDer::from_pem_slice(pem.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(der)) => signature::RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        Ok(PrivateKeyDer::Pkcs1(der)) => signature::RsaKeyPair::from_der(der.secret_pkcs1_der()),
        _ => return Err(refuse("is not a private key in PEM form (-----BEGIN PRIVATE KEY-----)")),
    };
    key.map_err(|_| refuse("is not an RSA key of 2048 to 4096 bits"))
}

/// A signed assertion (RFC 7523, RS256) that `client` speaks for `user`.
fn assertion(
    client: &str,
    user: &str,
    scope: &str,
    audience: &str,
    key: &signature::RsaKeyPair,
) -> Result<Secret, Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let claims = json!({
        "iss": client,
        "sub": user,
        "scope": scope,
        "aud": audience,
        "iat": now.as_secs(),
        "exp": (now + ASSERTION_LIFETIME).as_secs(),
    });
    let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "RS256", "typ": "JWT" })), part(&claims));
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)
        .map_err(|_| invalid("/auth/privateKey", "cannot sign"))?;
    Ok(Secret::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))))
}
