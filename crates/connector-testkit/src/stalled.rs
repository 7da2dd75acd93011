//! A loopback port on which a connection never comes about, for as long as it is held.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};

/// How long the system may take to count a connection that it has accepted.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds a port with a queue for one connection, in which one waits to be accepted and never is: the system leaves every
/// further attempt to connect unanswered, as a firewall does that drops packets. Linux only: elsewhere such attempts are
/// refused, or get in.
pub struct StalledPort {
    listener: TcpListener,
    _queued: TcpStream,
}

impl StalledPort {
    /// Takes a free port and fills its queue.
    ///
    /// # Panics
    ///
    /// When the queue is not full after ten seconds.
    #[must_use]
    #[allow(clippy::new_without_default, reason = "it takes a port of the machine")]
    pub fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let listener = socket.listen(0).unwrap();
        let queued = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stalled = Self { listener, _queued: queued };
        let started = Instant::now();
        while stalled.queue_length() == 0 {
            assert!(started.elapsed() < PATIENCE, "the connection is not in the queue after {PATIENCE:?}");
            std::thread::yield_now();
        }
        stalled
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.listener.local_addr().unwrap().port()
    }

    /// How many connections wait to be accepted. Of a listening socket (state 0A), `rx_queue` says that.
    fn queue_length(&self) -> u32 {
        let local = format!("{:08X}:{:04X}", u32::from_ne_bytes([127, 0, 0, 1]), self.port());
        let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let listening = sockets.lines().find_map(|line| {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            match fields[..] {
                [_, at, _, "0A", queues, ..] if at == local => Some(queues.to_owned()),
                _ => None,
            }
        });
        let queues = listening.expect("the listening socket is not in /proc/net/tcp");
        u32::from_str_radix(queues.split_once(':').unwrap().1, 16).unwrap()
    }
}
