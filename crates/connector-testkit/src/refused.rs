//! A loopback port that refuses every connection for as long as it is held.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::TcpSocket;

/// Holds a port that is bound but not listening: nobody else can take it, and every connection to it is refused.
pub struct RefusedPort {
    socket: TcpSocket,
}

impl RefusedPort {
    /// Takes a free port.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it takes a port of the machine")]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        Self { socket }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.socket.local_addr().unwrap().port()
    }
}
