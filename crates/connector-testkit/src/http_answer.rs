//! What the HTTP recorder answers: status, headers, body, and the ways an answer can go wrong.

use std::io::Write as _;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};

/// One scripted answer. The default is `200` with an empty body; build on it:
///
/// `Answer::status(429).header("retry-after", "1").json(json!({"errors": []}))`
///
/// It also deserialises from the `answers` of the reference recordings.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "Recorded")]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Headers in order. Those the framing needs (`content-length`, …) are added unless they stand here.
    pub headers: Vec<(String, String)>,
    /// What follows the head.
    pub body: Body,
    /// How the end of the body is told.
    pub framing: Framing,
    /// Answers in HTTP/1.0: the version said is 1.0, the body ends with the connection.
    pub http10: bool,
    /// Statuses 1xx sent before the answer, with their headers.
    pub interim: Vec<(u16, Vec<(String, String)>)>,
    /// Waits for a [`release`](crate::HttpRecorder::release) before it is sent.
    pub held: bool,
    /// Closes the connection after the answer.
    pub closes: bool,
    /// What goes wrong.
    pub fault: Fault,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes of filler, made while they are sent.
    Filler(u64),
    /// Not a body: these bytes instead of the whole answer, then the connection closes.
    Raw(Vec<u8>),
}

/// How the client learns where the body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// A `content-length`.
    #[default]
    Length,
    /// Chunked transfer coding.
    Chunked,
    /// The end of the connection.
    Close,
}

/// What goes wrong with an answer. Each fault uses up its answer from the script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The connection is accepted and never spoken on: with TLS the handshake stalls. New connections only.
    StallTls,
    /// The connection is reset before the TLS handshake. New connections only.
    ResetTls,
    /// The connection is reset when the first byte of a request arrives; the request is not recorded.
    ResetBeforeRead,
    /// The connection is reset once the request has been read.
    ResetAfterRead,
    /// The connection is closed once the request has been read.
    HangUp,
    /// The request is read and never answered.
    Silent,
    /// The answer stops in the middle of its headers, the connection stays open.
    StallHeaders,
    /// The answer stops in the middle of its body, the connection stays open.
    StallBody,
    /// The answer stops in the middle of its headers, the connection is closed.
    CutHeaders,
    /// The answer stops in the middle of its body, the connection is closed.
    CutBody,
    /// The answer stops in the middle of its body, the connection is reset.
    ResetBody,
    /// The answer comes byte by byte with this pause between them, so that no single read times out.
    Trickle(Duration),
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: Body::Bytes(Vec::new()),
            framing: Framing::Length,
            http10: false,
            interim: Vec::new(),
            held: false,
            closes: false,
            fault: Fault::None,
        }
    }
}

impl Answer {
    /// An empty answer with this status.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// A `200` that goes wrong in this way. Its body is a small JSON object, so that a cut shows.
    #[must_use]
    pub fn fault(fault: Fault) -> Self {
        Self::default().text("application/json", r#"{"message":"half of this may arrive"}"#).with_fault(fault)
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(status: u16, location: &str) -> Self {
        Self::status(status).header("location", location)
    }

    /// Exactly these bytes, then the end of the connection.
    #[must_use]
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self { body: Body::Raw(bytes.into()), ..Self::default() }
    }

    /// A `200` whose chunked body is so many bytes long.
    #[must_use]
    pub fn endless(bytes: u64) -> Self {
        Self { body: Body::Filler(bytes), framing: Framing::Chunked, ..Self::default() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets a JSON body and, unless there is one, the content type.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "made for json!(…)")]
    pub fn json(self, body: Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    /// Sets an HTML body and, unless there is one, the content type.
    #[must_use]
    pub fn html(self, body: &str) -> Self {
        self.text("text/html; charset=utf-8", body)
    }

    /// Sets a body and, unless there is one, the content type.
    #[must_use]
    pub fn text(mut self, content_type: &str, body: &str) -> Self {
        if !self.has_header("content-type") {
            self = self.header("content-type", content_type);
        }
        self.bytes(body)
    }

    /// Sets the body alone.
    #[must_use]
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Compresses the body set so far and says so.
    #[must_use]
    pub fn gzip(mut self) -> Self {
        if let Body::Bytes(body) = &self.body {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(body).unwrap();
            self.body = Body::Bytes(encoder.finish().unwrap());
        }
        self.header("content-encoding", "gzip")
    }

    /// Sets how the end of the body is told.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Answers in HTTP/1.0.
    #[must_use]
    pub fn http10(mut self) -> Self {
        self.http10 = true;
        self.framing(Framing::Close)
    }

    /// Sends a status 1xx first: `103` early hints, or a `100` nobody asked for. (A `100` for a request with
    /// `expect: 100-continue` is sent in any case.)
    #[must_use]
    pub fn interim(mut self, status: u16, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.interim.push((status, headers));
        self
    }

    /// Holds the answer back until [`release`](crate::HttpRecorder::release).
    #[must_use]
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    /// Closes the connection after the answer without having said so: the client's pool keeps a dead connection.
    #[must_use]
    pub fn closes(mut self) -> Self {
        self.closes = true;
        self
    }

    /// Makes this answer go wrong.
    #[must_use]
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }

    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
    }
}

/// An answer as the reference recordings write it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Recorded {
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    json: Option<Value>,
    body: Option<String>,
    #[serde(default)]
    gzip: bool,
    #[serde(default)]
    cut: bool,
    #[serde(default)]
    reset: bool,
    #[serde(default)]
    hang_up: bool,
}

fn ok() -> u16 {
    200
}

impl TryFrom<Recorded> for Answer {
    type Error = String;

    fn try_from(recorded: Recorded) -> Result<Self, String> {
        let mut answer = Self::status(recorded.status);
        for (name, value) in &recorded.headers {
            let value = value.as_str().ok_or_else(|| format!("the header {name} is not a string"))?;
            answer = answer.header(name, value);
        }
        answer = match (recorded.json, recorded.body) {
            (Some(json), None) => answer.json(json),
            (None, Some(body)) => answer.bytes(body),
            (None, None) => answer,
            (Some(_), Some(_)) => return Err("an answer has json or body, not both".to_owned()),
        };
        if recorded.gzip {
            answer = answer.gzip();
        }
        answer.fault = match (recorded.cut, recorded.reset, recorded.hang_up) {
            (false, false, false) => Fault::None,
            (true, false, false) => Fault::CutBody,
            (false, true, false) => Fault::ResetAfterRead,
            (false, false, true) => Fault::HangUp,
            _ => return Err("an answer has one of cut, reset and hangUp".to_owned()),
        };
        Ok(answer)
    }
}
