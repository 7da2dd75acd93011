//! The connection below an SMTP session: in clear or encrypted, upgraded in place, checked before reuse, and read line
//! by line.

use std::{
    io,
    mem::MaybeUninit,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use connector_kit::TlsStream;
use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// Longest part of a reply's line that is read, and of what lettre is given, which takes 1,000; RFC 5321 allows 512 octets
/// (4.5.3.1.5). What is longer still counts, shortened: its code decides what became of a message.
const LINE_MAX: usize = 900;
/// Most lines of one reply. EHLO has a dozen or two.
const LINES_MAX: usize = 200;
/// Longest reply that is read, in octets, shortened lines at their full length.
const REPLY_MAX: usize = 1024 * 1024;
const CHUNK: usize = 4096;

/// A handle on the connection. lettre holds one, the session another: lettre never gives its stream back, and the
/// session must upgrade it, look whether it still lives, and read what lettre forgets.
///
/// lettre gets one reply at a time, and that as one line: it would parse all lines anew for each one that comes. So nothing that a server, or somebody in between, says ahead of time gets into
/// lettre's buffer, where it would outlive the TLS handshake and be taken for an encrypted reply.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<Mutex<Link>>);

#[derive(Debug)]
struct Link {
    transport: Transport,
    /// Read, and not yet a whole line.
    received: Vec<u8>,
    /// A reply, as one line, on its way to lettre.
    line: Vec<u8>,
    /// The lines that came since the last command: the whole reply, once lettre has it.
    reply: Vec<String>,
    /// How many octets have been read since the last command.
    octets: usize,
}

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    Encrypted(Box<TlsStream>),
    /// While the TLS handshake has the connection, and once it is closed.
    Gone,
}

impl Wire {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self::over(Transport::Plain(stream))
    }

    pub(crate) fn encrypted(stream: TlsStream) -> Self {
        Self::over(Transport::Encrypted(Box::new(stream)))
    }

    fn over(transport: Transport) -> Self {
        let link = Link { transport, received: Vec::new(), line: Vec::new(), reply: Vec::new(), octets: 0 };
        Self(Arc::new(Mutex::new(link)))
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection in clear, for the TLS handshake; none where the server has said more than it was asked for.
    pub(crate) fn take_plain(&self) -> Option<TcpStream> {
        let mut link = self.lock();
        match std::mem::replace(&mut link.transport, Transport::Gone) {
            Transport::Plain(stream) if link.received.is_empty() => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn put_encrypted(&self, stream: TlsStream) {
        self.lock().transport = Transport::Encrypted(Box::new(stream));
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self.lock().transport, Transport::Encrypted(_))
    }

    /// The lines of the last reply, codes included.
    pub(crate) fn last_reply(&self) -> Vec<String> {
        self.lock().reply.clone()
    }

    /// Whether the connection is idle: not closed, and nothing said that was not asked for. Costs no round trip.
    pub(crate) fn is_quiet(&self) -> bool {
        let link = &mut *self.lock();
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        link.received.is_empty() && link.transport.poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Closes the connection without a word.
    pub(crate) fn hang_up(&self) {
        self.lock().transport = Transport::Gone;
    }

    /// Says goodbye without waiting for the answer, as far as the connection takes it at once.
    pub(crate) fn say_quit(&self) {
        let mut context = Context::from_waker(Waker::noop());
        let mut handle = self.clone();
        if Pin::new(&mut handle).poll_write(&mut context, b"QUIT\r\n").is_ready() {
            let _ = Pin::new(&mut handle).poll_flush(&mut context);
            let _ = Pin::new(&mut handle).poll_shutdown(&mut context);
        }
    }
}

impl Link {
    /// Takes the lines of a reply out of what was received, and tells whether the last one was among them. What came before
    /// must have been given away.
    fn next_reply(&mut self) -> io::Result<bool> {
        while let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
            if self.reply.len() >= LINES_MAX {
                return Err(unreadable(format!("the server's reply has more than {LINES_MAX} lines")));
            }
            let line = &self.received[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // In UTF-8, whatever the server speaks.
            let line = String::from_utf8_lossy(&line[..line.len().min(LINE_MAX)]).into_owned();
            self.received.drain(..=end);
            let code = |line: &str| line.get(..3).map(str::to_owned);
            if self.reply.first().is_some_and(|first| code(first) != code(&line)) {
                return Err(unreadable("the lines of the server's reply have different codes".to_owned()));
            }
            let goes_on = line.as_bytes().get(3) == Some(&b'-');
            self.reply.push(line);
            if !goes_on {
                self.line = one_line(&self.reply).into_bytes();
                return Ok(true);
            }
        }
        self.received.truncate(LINE_MAX);
        Ok(false)
    }
}

/// A reply as one line, fit for lettre's parser: a space after the code, an enhanced code once, CRLF at its end.
fn one_line(reply: &[String]) -> String {
    let (code, first) = reply.first().and_then(|line| line.split_at_checked(3)).unwrap_or_default();
    let text = |line: &str| line.strip_prefix(['-', ' ']).unwrap_or(line).to_owned();
    let mut joined = match first.starts_with(['-', ' ']) || first.is_empty() {
        true => format!("{code} {}", text(first)),
        // Not SMTP: lettre is to see it.
        false => format!("{code}{first}"),
    };
    let enhanced = text(first).split(' ').next().filter(|word| word.matches('.').count() == 2).map(str::to_owned);
    for line in reply.iter().skip(1).filter_map(|line| line.get(3..)) {
        if joined.len() > LINE_MAX {
            break;
        }
        let line = text(line);
        let repeated =
            enhanced.as_deref().and_then(|code| line.strip_prefix(code)).and_then(|rest| rest.strip_prefix(' '));
        joined.push(' ');
        joined.push_str(repeated.unwrap_or(&line));
    }
    let end = (0..=joined.len().min(LINE_MAX)).rev().find(|at| joined.is_char_boundary(*at)).unwrap_or_default();
    joined.truncate(end);
    joined + "\r\n"
}

impl Transport {
    fn poll_read(&mut self, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buf),
            Self::Encrypted(stream) => Pin::new(stream).poll_read(context, buf),
            Self::Gone => Poll::Ready(Err(gone())),
        }
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the connection is closed")
}

fn unreadable(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let link = &mut *self.lock();
        while link.line.is_empty() && !link.next_reply()? {
            if link.octets >= REPLY_MAX {
                return Poll::Ready(Err(unreadable("the server's reply is longer than 1 MiB".to_owned())));
            }
            let mut chunk = [MaybeUninit::uninit(); CHUNK];
            let mut chunk = ReadBuf::uninit(&mut chunk);
            ready!(link.transport.poll_read(context, &mut chunk))?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            link.octets += chunk.filled().len();
            link.received.extend_from_slice(chunk.filled());
        }
        let count = link.line.len().min(buf.remaining());
        buf.put_slice(&link.line[..count]);
        link.line.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let link = &mut *self.lock();
        link.reply.clear();
        link.octets = 0;
        match &mut link.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, data),
            Transport::Encrypted(stream) => Pin::new(stream).poll_write(context, data),
            Transport::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.lock().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            Transport::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            Transport::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.lock().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.lock().transport {
            Transport::Plain(stream) => stream.peer_addr(),
            Transport::Encrypted(stream) => stream.tcp().peer_addr(),
            Transport::Gone => Err(gone()),
        }
    }
}
