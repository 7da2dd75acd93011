//! The connection below an SMTP session: in clear or encrypted, upgraded in place, and checked before reuse.

use std::{
    io,
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

/// A handle on the connection. lettre holds one, the session another: lettre never gives its stream back, and the
/// session must upgrade it, look whether it still lives, and set TCP_NODELAY before.
#[derive(Debug, Clone)]
pub(crate) struct Wire(Arc<Mutex<Transport>>);

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    /// In clear, read byte by byte: nothing that comes after the reply to STARTTLS gets into lettre's buffer, where it
    /// would be taken for an encrypted reply.
    BeforeTls(TcpStream),
    Encrypted(Box<TlsStream>),
    /// While the TLS handshake has the connection, and after it failed.
    Gone,
}

impl Wire {
    pub(crate) fn plain(stream: TcpStream) -> Self {
        Self(Arc::new(Mutex::new(Transport::Plain(stream))))
    }

    pub(crate) fn encrypted(stream: TlsStream) -> Self {
        Self(Arc::new(Mutex::new(Transport::Encrypted(Box::new(stream)))))
    }

    fn lock(&self) -> MutexGuard<'_, Transport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, change: impl FnOnce(Transport) -> Transport) {
        let mut transport = self.lock();
        let old = std::mem::replace(&mut *transport, Transport::Gone);
        *transport = change(old);
    }

    /// To be called before STARTTLS is sent.
    pub(crate) fn expect_tls(&self) {
        self.replace(|old| match old {
            Transport::Plain(stream) => Transport::BeforeTls(stream),
            other => other,
        });
    }

    /// The connection in clear, for the TLS handshake.
    pub(crate) fn take_plain(&self) -> Option<TcpStream> {
        match std::mem::replace(&mut *self.lock(), Transport::Gone) {
            Transport::Plain(stream) | Transport::BeforeTls(stream) => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn put_encrypted(&self, stream: TlsStream) {
        *self.lock() = Transport::Encrypted(Box::new(stream));
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(*self.lock(), Transport::Encrypted(_))
    }

    /// Whether the connection is idle: not closed, and nothing said that was not asked for. Costs no round trip.
    pub(crate) fn is_quiet(&self) -> bool {
        let mut byte = [0];
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(&mut self.clone()).poll_read(&mut context, &mut ReadBuf::new(&mut byte)).is_pending()
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

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the connection is closed")
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self.lock() {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, buf),
            Transport::Encrypted(stream) => Pin::new(stream).poll_read(context, buf),
            Transport::BeforeTls(stream) => {
                let mut byte = [0];
                let mut one = ReadBuf::new(&mut byte);
                ready!(Pin::new(stream).poll_read(context, &mut one))?;
                buf.put_slice(one.filled());
                Poll::Ready(Ok(()))
            }
            Transport::Gone => Poll::Ready(Err(gone())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match &mut *self.lock() {
            Transport::Plain(stream) | Transport::BeforeTls(stream) => Pin::new(stream).poll_write(context, data),
            Transport::Encrypted(stream) => Pin::new(stream).poll_write(context, data),
            Transport::Gone => Poll::Ready(Err(gone())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.lock() {
            Transport::Plain(stream) | Transport::BeforeTls(stream) => Pin::new(stream).poll_flush(context),
            Transport::Encrypted(stream) => Pin::new(stream).poll_flush(context),
            Transport::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self.lock() {
            Transport::Plain(stream) | Transport::BeforeTls(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Encrypted(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &*self.lock() {
            Transport::Plain(stream) | Transport::BeforeTls(stream) => stream.peer_addr(),
            Transport::Encrypted(stream) => stream.tcp().peer_addr(),
            Transport::Gone => Err(gone()),
        }
    }
}
