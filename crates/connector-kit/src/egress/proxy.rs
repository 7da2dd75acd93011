//! The proxy that every connection goes through.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{Error, ErrorKind};

/// What to do about a proxy that wants a sign-in, or another one.
pub(crate) const SIGN_IN_HINT: &str = "a proxy or firewall stands between this machine and the endpoint and wants a user and a \
                                       password, or others than these: give them in the proxy's URL, \
                                       http://USER:PASSWORD@HOST:PORT";

/// Why a proxy that was reached opens no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It wants a user and a password, or others.
    SignIn,
    /// Its rules do not let this through.
    NotAllowed,
    /// It does not say, or could not reach the host itself.
    Failed,
}

impl Refusal {
    /// What a status means in answer to CONNECT.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            407 => Self::SignIn,
            401 | 403 | 405 | 451 => Self::NotAllowed,
            _ => Self::Failed,
        }
    }

    /// What a SOCKS proxy's answer means; none where it was not reached.
    pub(super) fn of_socks(error: &tokio_socks::Error) -> Option<Self> {
        use tokio_socks::Error as Socks;
        match error {
            Socks::PasswordAuthFailure(_)
            | Socks::NoAcceptableAuthMethods
            | Socks::UnknownAuthMethod
            | Socks::AuthorizationRequired
            | Socks::InvalidAuthValues(_) => Some(Self::SignIn),
            Socks::ConnectionNotAllowedByRuleset => Some(Self::NotAllowed),
            Socks::Io(_) | Socks::ProxyServerUnreachable => None,
            _ => Some(Self::Failed),
        }
    }

    /// What the HTTP client's words mean; none where they are about something else. Its types are its own, and have no
    /// status but 407.
    pub(crate) fn of_words(words: &str) -> Option<Self> {
        const SIGN_IN: [&str; 4] = [
            "proxy authorization required",
            "credentials not accepted",
            "server does not support user/pass authentication",
            "server implements authentication incorrectly",
        ];
        let says = |wanted: &&str| words.contains(*wanted);
        if SIGN_IN.iter().any(says) {
            Some(Self::SignIn)
        } else if words.contains("SOCKS error: connection not allowed") {
            Some(Self::NotAllowed)
        } else if words.contains("tunnel error: unsuccessful") || words.contains("SOCKS error: general server failure")
        {
            Some(Self::Failed)
        } else {
            None
        }
    }

    /// The error of a connection to `host` that was not opened for it. No sign-in is tried twice.
    pub(crate) fn error(self, host: &str, cause: &str) -> Error {
        let (kind, hint) = match self {
            Self::SignIn => (ErrorKind::Unauthorized, SIGN_IN_HINT),
            Self::NotAllowed => (
                ErrorKind::Unauthorized,
                "the proxy's rules do not let this host and port through: have them allowed there",
            ),
            Self::Failed => (
                ErrorKind::Unavailable,
                "it is the proxy that says so: see whether it reaches this host and port, and lets them through",
            ),
        };
        Error::new(kind, format!("{host}: could not connect through the proxy: {cause}")).not_sent().with_hint(hint)
    }
}

/// An HTTP proxy (CONNECT) or a SOCKS5 proxy. The user and password in its URL never show.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// The proxy for the HTTP client.
    pub(crate) fn to_reqwest(&self) -> reqwest::Proxy {
        // A proxy URL that parsed here parses there; `all` fails on nothing else.
        reqwest::Proxy::all(self.0.clone()).unwrap_or_else(|_| reqwest::Proxy::custom(|_| None::<Url>))
    }

    pub(crate) fn is_socks(&self) -> bool {
        self.0.scheme().starts_with("socks5")
    }

    /// Whether the proxy resolves the names (`socks5h`), as curl distinguishes.
    pub(super) fn resolves_remotely(&self) -> bool {
        self.0.scheme() == "socks5h"
    }

    /// Where the proxy itself is.
    pub(super) fn address(&self) -> (&str, u16) {
        let port = self.0.port().unwrap_or(if self.is_socks() { 1080 } else { 80 });
        let host = self.0.host_str().unwrap_or_default();
        (host.trim_start_matches('[').trim_end_matches(']'), port)
    }

    pub(super) fn credentials(&self) -> Option<(String, String)> {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decode(self.0.username());
        (!user.is_empty()).then(|| (user, self.0.password().map(decode).unwrap_or_default()))
    }

    /// The value of a Proxy-Authorization header.
    pub(super) fn basic_auth(&self) -> Option<String> {
        let (user, password) = self.credentials()?;
        Some(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }
}

impl FromStr for Proxy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // As with curl, a proxy without a scheme is an HTTP proxy.
        let text = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let url = Url::parse(&text).map_err(|cause| format!("the proxy is not a URL: {cause}"))?;
        if !matches!(url.scheme(), "http" | "socks5" | "socks5h") || url.host_str().is_none_or(str::is_empty) {
            return Err("the proxy must be http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT".to_owned());
        }
        Ok(Self(url))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}
