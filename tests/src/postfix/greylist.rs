//! A policy service for Postfix (SMTPD_POLICY_README) that sends one recipient away the first time.

use anyhow::{Context as _, Result};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

pub(super) struct Greylist {
    port: u16,
    ended: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Greylist {
    /// Answers on a free port of 127.0.0.1: `450` the first time for this recipient, no objection otherwise.
    pub(super) fn start(recipient: &'static str) -> Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening for Postfix's policy questions")?;
        let port = listener.local_addr()?.port();
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&ended);
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let seen = Arc::clone(&seen);
                // Ends when Postfix closes the connection: at the latest when it is stopped.
                std::thread::spawn(move || answer(&stream, recipient, &seen).ok());
            }
        });
        Ok(Self { port, ended, acceptor: Some(acceptor) })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Greylist {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // A connection of our own, so that the acceptor looks.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok();
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().ok();
        }
    }
}

/// A question is lines of `name=value` up to an empty one; so is the answer.
fn answer(stream: &TcpStream, recipient: &str, seen: &AtomicBool) -> Result<()> {
    let mut about_recipient = false;
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(address) = line.strip_prefix("recipient=") {
            about_recipient = address.eq_ignore_ascii_case(recipient);
        } else if line.is_empty() {
            let first = about_recipient && !seen.swap(true, Ordering::SeqCst);
            let action = if first { "450 4.2.0 Greylisted, try again later" } else { "DUNNO" };
            // In one write: two would wait for each other's acknowledgement.
            (&*stream).write_all(format!("action={action}\n\n").as_bytes())?;
        }
    }
    Ok(())
}
