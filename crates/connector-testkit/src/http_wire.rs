//! HTTP/1.x by hand: reading one request exactly, writing one answer with its faults.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::http_answer::{Answer, Body, Fault, Framing};
use crate::http_request::RecordedRequest;
use crate::wire::{Filled, Wire};

/// A head longer than this is a mistake of the client.
const MAX_HEAD: usize = 256 * 1024;
const MAX_HEADERS: usize = 256;

/// A request, and whether the client wants to go on using the connection.
pub(crate) struct Incoming {
    pub(crate) request: RecordedRequest,
    pub(crate) keep_alive: bool,
}

/// What became of a connection after an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    /// The next request may come.
    Continue,
    /// Close it in order.
    Close,
    /// Drop it: closed, without a TLS goodbye.
    Drop,
    /// Reset it.
    Reset,
}

/// Reads a request. `None` when the client (or the test) closed the connection between requests.
pub(crate) async fn read_request(wire: &mut Wire, connection: usize) -> io::Result<Option<Incoming>> {
    let (head_length, mut request, minor) = loop {
        if let Some(head) = parse_head(&wire.buffer, connection)? {
            break head;
        }
        if wire.buffer.len() > MAX_HEAD {
            return Err(malformed("the request's head has no end"));
        }
        let begun = !wire.buffer.is_empty();
        match wire.fill().await? {
            Filled::Data => {}
            Filled::End if begun => return Err(malformed("the client left in the middle of a request's head")),
            Filled::End | Filled::Closing => return Ok(None),
        }
    };
    request.raw_head = wire.buffer.split_to(head_length).to_vec();
    if wire.is_tls() {
        "https".clone_into(&mut request.scheme);
    }
    request.server_name = wire.server_name();

    if request.header("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
        wire.write(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
    }
    let chunked = request.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"));
    request.body = if chunked {
        read_chunks(wire).await?
    } else {
        let length = match request.header("content-length") {
            Some(value) => value.parse().map_err(|_| malformed("the content-length is not a number"))?,
            None => 0,
        };
        take(wire, length).await?
    };
    let said = request.header("connection").unwrap_or_default().to_ascii_lowercase();
    let keep_alive = if minor == 0 { said.contains("keep-alive") } else { !said.contains("close") };
    Ok(Some(Incoming { request, keep_alive }))
}

fn parse_head(buffer: &[u8], connection: usize) -> io::Result<Option<(usize, RecordedRequest, u8)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let status = parsed.parse(buffer).map_err(|error| malformed(&format!("the request's head: {error}")))?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let target = parsed.path.unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = parsed
        .headers
        .iter()
        .map(|header| (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned()))
        .collect();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
        None => (target.clone(), None),
    };
    let mut request = RecordedRequest {
        connection,
        method: parsed.method.unwrap_or_default().to_owned(),
        scheme: "http".to_owned(),
        host: String::new(),
        server_name: None,
        target,
        path,
        query,
        headers,
        body: Vec::new(),
        raw_head: Vec::new(),
    };
    request.host = request.header("host").unwrap_or_default().to_owned();
    Ok(Some((length, request, parsed.version.unwrap_or(1))))
}

async fn take(wire: &mut Wire, length: usize) -> io::Result<Vec<u8>> {
    while wire.buffer.len() < length {
        more(wire).await?;
    }
    Ok(wire.buffer.split_to(length).to_vec())
}

async fn read_chunks(wire: &mut Wire) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (line, size) = loop {
            match httparse::parse_chunk_size(&wire.buffer) {
                Ok(httparse::Status::Complete(found)) => break found,
                Ok(httparse::Status::Partial) => more(wire).await?,
                Err(_) => return Err(malformed("a chunk's size is not a number")),
            }
        };
        let _ = wire.buffer.split_to(line);
        if size == 0 {
            break;
        }
        let size = usize::try_from(size).map_err(|_| malformed("a chunk is too large"))?;
        body.extend(take(wire, size).await?);
        if take(wire, 2).await? != b"\r\n" {
            return Err(malformed("a chunk does not end where its size says"));
        }
    }
    // Trailers, if any, up to the empty line.
    loop {
        while !wire.buffer.contains(&b'\n') {
            more(wire).await?;
        }
        let end = wire.buffer.iter().position(|byte| *byte == b'\n').unwrap_or_default();
        let line = wire.buffer.split_to(end + 1);
        if matches!(&line[..], b"\r\n" | b"\n") {
            return Ok(body);
        }
    }
}

async fn more(wire: &mut Wire) -> io::Result<()> {
    match wire.fill().await? {
        Filled::Data => Ok(()),
        Filled::End | Filled::Closing => Err(malformed("the client left in the middle of a request's body")),
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

/// Writes an answer, as far as its fault lets it, counting the body's bytes in `sent`.
pub(crate) async fn write_answer(
    wire: &mut Wire,
    answer: &Answer,
    incoming: &Incoming,
    sent: &AtomicU64,
) -> io::Result<Then> {
    match answer.fault {
        Fault::ResetBeforeRead | Fault::ResetAfterRead => return Ok(Then::Reset),
        Fault::HangUp => return Ok(Then::Close),
        Fault::Silent | Fault::StallTls | Fault::ResetTls => {
            wire.stall().await;
            return Ok(Then::Drop);
        }
        _ => {}
    }
    for (status, headers) in &answer.interim {
        wire.write(&head("1.1", *status, headers, &[])).await?;
    }
    if let Body::Raw(bytes) = &answer.body {
        wire.write(bytes).await?;
        return Ok(Then::Close);
    }
    let bodyless = incoming.request.method == "HEAD" || matches!(answer.status, 204 | 304);
    let closing = !incoming.keep_alive || answer.framing == Framing::Close;
    let head = answer_head(answer, bodyless, closing);
    let body: &[u8] = match &answer.body {
        Body::Bytes(body) if !bodyless => body,
        _ => &[],
    };
    match answer.fault {
        Fault::StallHeaders | Fault::CutHeaders => {
            // Without the empty line and a bit more, so that the last header is open.
            wire.write(&head[..head.len() - 6]).await?;
            if answer.fault == Fault::StallHeaders {
                wire.stall().await;
            }
            return Ok(Then::Drop);
        }
        Fault::StallBody | Fault::CutBody | Fault::ResetBody => {
            wire.write(&head).await?;
            wire.write(&framed(answer.framing, &body[..body.len() / 2], false)).await?;
            if answer.fault == Fault::StallBody {
                wire.stall().await;
            }
            return Ok(if answer.fault == Fault::ResetBody { Then::Reset } else { Then::Drop });
        }
        Fault::Trickle(pause) => {
            for byte in [head, framed(answer.framing, body, true)].concat() {
                wire.write(&[byte]).await?;
                if !wire.stall_until(tokio::time::sleep(pause)).await {
                    return Ok(Then::Drop);
                }
            }
        }
        _ => {
            if let (Body::Filler(total), false) = (&answer.body, bodyless) {
                wire.write(&head).await?;
                write_filler(wire, answer.framing, *total, sent).await?;
            } else {
                // One write, so that the answer is one packet wherever it fits.
                let body = if bodyless { Vec::new() } else { framed(answer.framing, body, true) };
                sent.fetch_add(body.len() as u64, Ordering::Relaxed);
                wire.write(&[head, body].concat()).await?;
            }
        }
    }
    Ok(if closing || answer.closes { Then::Close } else { Then::Continue })
}

fn answer_head(answer: &Answer, bodyless: bool, closing: bool) -> Vec<u8> {
    let mut added = Vec::new();
    if !bodyless && !answer.has_header("content-length") && !answer.has_header("transfer-encoding") {
        let length = match &answer.body {
            // An empty body that is to be cut needs something that can be missing.
            Body::Bytes(body) if body.is_empty() && cuts(answer.fault) => 1000,
            Body::Bytes(body) | Body::Raw(body) => body.len() as u64,
            Body::Filler(total) => *total,
        };
        match answer.framing {
            Framing::Length => added.push(("content-length".to_owned(), length.to_string())),
            Framing::Chunked => added.push(("transfer-encoding".to_owned(), "chunked".to_owned())),
            Framing::Close => {}
        }
    }
    if closing && !answer.has_header("connection") {
        added.push(("connection".to_owned(), "close".to_owned()));
    }
    head(if answer.http10 { "1.0" } else { "1.1" }, answer.status, &answer.headers, &added)
}

fn cuts(fault: Fault) -> bool {
    matches!(fault, Fault::StallBody | Fault::CutBody | Fault::ResetBody)
}

fn head(version: &str, status: u16, headers: &[(String, String)], added: &[(String, String)]) -> Vec<u8> {
    let mut head = format!("HTTP/{version} {status} {}\r\n", reason(status));
    for (name, value) in headers.iter().chain(added) {
        head.push_str(name);
        head.push_str(": ");
        head.push_str(value);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn framed(framing: Framing, body: &[u8], complete: bool) -> Vec<u8> {
    if framing != Framing::Chunked {
        return body.to_vec();
    }
    let mut framed = Vec::new();
    if !body.is_empty() {
        framed.extend(format!("{:x}\r\n", body.len()).into_bytes());
        framed.extend(body);
        framed.extend(b"\r\n");
    }
    if complete {
        framed.extend(b"0\r\n\r\n");
    }
    framed
}

async fn write_filler(wire: &mut Wire, framing: Framing, total: u64, sent: &AtomicU64) -> io::Result<()> {
    let block = [b'x'; 64 * 1024];
    let mut left = total;
    while left > 0 {
        let size = usize::try_from(left.min(block.len() as u64)).unwrap_or(block.len());
        wire.write(&framed(framing, &block[..size], false)).await?;
        left -= size as u64;
        sent.fetch_add(size as u64, Ordering::Relaxed);
    }
    if framing == Framing::Chunked { wire.write(b"0\r\n\r\n").await } else { Ok(()) }
}

fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        406 => "Not Acceptable",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Other",
    }
}
