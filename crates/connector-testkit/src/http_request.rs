//! A request as the HTTP recorder keeps it.

use serde_json::Value;

/// A request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedRequest {
    /// Which accepted connection brought it, from 0.
    pub connection: usize,
    /// The method.
    pub method: String,
    /// `https` when it came through TLS, else `http`.
    pub scheme: String,
    /// The `host` header; empty without one.
    pub host: String,
    /// The server name of the TLS hello.
    pub server_name: Option<String>,
    /// The request target as written.
    pub target: String,
    /// The target up to the question mark.
    pub path: String,
    /// The target after the question mark, undecoded; none without a question mark.
    pub query: Option<String>,
    /// The headers in order, names as written; bytes that are not UTF-8 are replaced (see [`Self::raw_head`]).
    pub headers: Vec<(String, String)>,
    /// The body, with chunks put together.
    pub body: Vec<u8>,
    /// Request line and headers as they came, with the empty line.
    pub raw_head: Vec<u8>,
}

impl RecordedRequest {
    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All headers of this name.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The body as text.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the request's body is not UTF-8")
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request's body is not JSON")
    }

    /// The body as a form: decoded pairs in order.
    #[must_use]
    pub fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The query as decoded pairs in order.
    #[must_use]
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes()).into_owned().collect()
    }
}
