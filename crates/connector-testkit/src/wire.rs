//! One accepted connection, plain or TLS, with the byte-level control the faults need.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Room for what one read brings.
const CHUNK: usize = 16 * 1024;

/// What waiting for more bytes came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Filled {
    /// There is more in the buffer.
    Data,
    /// The client has closed its side.
    End,
    /// The test asked for open connections to be closed.
    Closing,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection with its read buffer.
pub(crate) struct Wire {
    stream: Stream,
    /// Read and not yet consumed.
    pub(crate) buffer: BytesMut,
    closing: watch::Receiver<u64>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream, closing: watch::Receiver<u64>) -> Self {
        // An answer goes out as it is written: neither tests nor benchmarks wait for Nagle.
        let _ = stream.set_nodelay(true);
        Self { stream: Stream::Plain(stream), buffer: BytesMut::with_capacity(CHUNK), closing }
    }

    /// Does the TLS handshake as the server. Bytes read before it are dropped: they were not protected.
    pub(crate) async fn secure(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let Self { stream: Stream::Plain(stream), mut closing, .. } = self else {
            return Err(io::Error::other("this connection is TLS already"));
        };
        let accepted = tokio::select! {
            accepted = TlsAcceptor::from(config).accept(stream) => accepted?,
            _ = closing.changed() => return Err(io::Error::other("closed during the TLS handshake")),
        };
        Ok(Self { stream: Stream::Tls(Box::new(accepted)), buffer: BytesMut::with_capacity(CHUNK), closing })
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// The host the client asked for in its TLS hello.
    pub(crate) fn server_name(&self) -> Option<String> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => stream.get_ref().1.server_name().map(str::to_owned),
        }
    }

    /// Waits for more bytes from the client.
    pub(crate) async fn fill(&mut self) -> io::Result<Filled> {
        self.buffer.reserve(CHUNK);
        let Self { stream, buffer, closing } = self;
        let read = async {
            match stream {
                Stream::Plain(stream) => stream.read_buf(buffer).await,
                Stream::Tls(stream) => stream.read_buf(buffer).await,
            }
        };
        tokio::select! {
            read = read => Ok(if read? == 0 { Filled::End } else { Filled::Data }),
            _ = closing.changed() => Ok(Filled::Closing),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    /// Says nothing more until the client gives up or the test closes connections.
    pub(crate) async fn stall(&mut self) {
        while matches!(self.fill().await, Ok(Filled::Data)) {
            self.buffer.clear();
        }
    }

    /// Says nothing more until `release` is done; false when the client gave up first.
    pub(crate) async fn stall_until(&mut self, release: impl Future<Output = ()>) -> bool {
        tokio::select! {
            () = release => true,
            // What the client sends meanwhile stays in the buffer.
            _ = async { while matches!(self.fill().await, Ok(Filled::Data)) {} } => false,
        }
    }

    /// Ends the connection with a TCP reset.
    pub(crate) fn reset(self) {
        let stream = match self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.into_inner().0,
        };
        let _ = stream.set_zero_linger();
    }

    /// Ends the connection in order: with TLS, close_notify first.
    pub(crate) async fn close(mut self) {
        let _ = match &mut self.stream {
            Stream::Plain(stream) => stream.shutdown().await,
            Stream::Tls(stream) => stream.shutdown().await,
        };
    }
}
