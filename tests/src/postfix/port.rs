//! Ports for servers that must be told theirs, free and claimed against the tests that run beside this one.

use anyhow::{Result, bail};
use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// The two ports of one Postfix.
pub(super) struct Ports {
    pub(super) starttls: Port,
    pub(super) implicit_tls: Port,
}

/// A TCP port on 127.0.0.1 that is nobody else's while this exists.
///
/// Postfix listens with SO_REUSEPORT: two of them on one port would both start and share the clients. So whoever holds the UDP
/// port of the same number, which nobody can share, has claimed it; and the claim ends with the process.
pub(crate) struct Port {
    _claim: UdpSocket,
    number: u16,
}

impl Ports {
    pub(super) fn claim() -> Result<Self> {
        Ok(Self { starttls: Port::claim()?, implicit_tls: Port::claim()? })
    }
}

impl Port {
    /// Claims one below those the kernel hands out to clients.
    pub(crate) fn claim() -> Result<Self> {
        for attempt in 0..1000 {
            // A RandomState is seeded differently every time.
            let number = 20_000 + u16::try_from(RandomState::new().hash_one(attempt) % 12_000)?;
            let Ok(claim) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number)) else { continue };
            if TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { _claim: claim, number });
            }
        }
        bail!("no free port between 20000 and 32000 on 127.0.0.1")
    }

    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}
