//! The proxy that every connection goes through.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use url::Url;

/// An HTTP proxy (CONNECT) or a SOCKS5 proxy. The user and password in its URL never show.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

impl Proxy {
    /// The proxy for the HTTP client.
    pub(crate) fn to_reqwest(&self) -> reqwest::Proxy {
        // A proxy URL that parsed here parses there; `all` fails on nothing else.
        reqwest::Proxy::all(self.0.clone()).unwrap_or_else(|_| reqwest::Proxy::custom(|_| None::<Url>))
    }

    pub(super) fn is_socks(&self) -> bool {
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
