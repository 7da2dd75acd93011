//! One SMTP connection of the recorder: commands in, scripted replies out, everything written down.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use tokio::net::TcpStream;

use crate::smtp_auth::{SmtpCredentials, XOAUTH2_REFUSAL, challenges, encode};
use crate::smtp_content::{take_message, unstuffed};
use crate::smtp_recorder::{RecordedMail, Shared, TlsReached};
use crate::smtp_script::SmtpAnswer;
use crate::wire::{Filled, Wire};

const GREETING: &str = "220 smtp.example.com ESMTP recorder";
/// Nobody writes a longer command.
const MAX_LINE: usize = 64 * 1024;

/// Why a conversation is over.
enum End {
    /// The client has gone, or everything is said.
    Over,
    /// Drop the connection in order.
    Close,
    /// Reset it.
    Reset,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Over
    }
}

/// Runs a conversation to its end.
pub(crate) async fn run(stream: TcpStream, connection: usize, shared: &Shared) {
    let mut wire = Wire::new(stream, shared.closing.subscribe());
    let mut session = Session { shared, connection, out: Vec::new(), tls: TlsReached::None, envelope: None };
    let implicit = shared.script.lock().unwrap().implicit_tls;
    if implicit {
        match session.secure(wire, TlsReached::Implicit).await {
            Some(secured) => wire = secured,
            None => return,
        }
    }
    if let Err(end) = session.greet(&mut wire).await {
        return session.end(wire, end).await;
    }
    loop {
        match session.commands(&mut wire).await {
            Ok(()) => match session.secure(wire, TlsReached::StartTls).await {
                Some(secured) => wire = secured,
                None => return,
            },
            Err(end) => return session.end(wire, end).await,
        }
    }
}

struct Envelope {
    mail_from: String,
    rcpt_to: Vec<String>,
}

struct Session<'a> {
    shared: &'a Shared,
    connection: usize,
    /// Replies not yet written: pipelined commands are answered together.
    out: Vec<u8>,
    tls: TlsReached,
    envelope: Option<Envelope>,
}

impl Session<'_> {
    async fn secure(&mut self, mut wire: Wire, reached: TlsReached) -> Option<Wire> {
        let Some(config) = self.shared.tls.clone() else {
            self.shared.record(self.connection, |session| {
                session.tls_error = Some("the recorder was started without a certificate".to_owned());
            });
            return None;
        };
        match self.take("TLS") {
            SmtpAnswer::Silent => {
                wire.stall().await;
                return None;
            }
            SmtpAnswer::Close | SmtpAnswer::ReplyAndClose(_) => return None,
            SmtpAnswer::Reset => {
                wire.reset();
                return None;
            }
            SmtpAnswer::Default | SmtpAnswer::Reply(_) | SmtpAnswer::Cut(_) | SmtpAnswer::Endless(..) => {}
        }
        let behind = wire.buffer.len();
        match wire.secure(Arc::clone(&config)).await {
            Ok(wire) => {
                self.tls = reached;
                self.shared.record(self.connection, |session| {
                    session.tls = reached;
                    session.server_name = wire.server_name();
                    session.bytes_behind_starttls += behind;
                });
                Some(wire)
            }
            Err(error) => {
                self.shared.record(self.connection, |session| {
                    session.tls_error = Some(error.to_string());
                    session.bytes_behind_starttls += behind;
                });
                None
            }
        }
    }

    async fn greet(&mut self, wire: &mut Wire) -> Result<(), End> {
        self.answer(wire, "GREETING", GREETING).await.map(drop)
    }

    async fn end(&mut self, mut wire: Wire, end: End) {
        // What was said before the connection went goes out first.
        let _ = self.flush(&mut wire).await;
        match end {
            End::Over | End::Close => wire.close().await,
            End::Reset => wire.reset(),
        }
    }

    /// Answers commands until TLS is to begin.
    async fn commands(&mut self, wire: &mut Wire) -> Result<(), End> {
        loop {
            let line = self.read_line(wire).await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            let verb = verb.to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let reply = self.capabilities();
                    self.answer(wire, "EHLO", &reply).await?;
                    self.envelope = None;
                }
                "HELO" => drop(self.answer(wire, "HELO", "250 smtp.example.com").await?),
                "STARTTLS" => {
                    let usual = match (&self.shared.tls, self.tls) {
                        (None, _) => "454 4.7.0 TLS not available due to temporary reason",
                        (Some(_), TlsReached::None) => "220 2.0.0 Ready to start TLS",
                        (Some(_), _) => "503 5.5.1 TLS is on already",
                    };
                    if self.answer(wire, "STARTTLS", usual).await?.starts_with('2') {
                        self.flush(wire).await?;
                        self.envelope = None;
                        return Ok(());
                    }
                }
                "AUTH" => self.authenticate(wire, rest).await?,
                "MAIL" => self.mail(wire, rest).await?,
                "RCPT" => self.rcpt(wire, rest).await?,
                "DATA" => self.data(wire).await?,
                "RSET" => {
                    self.envelope = None;
                    self.answer(wire, "RSET", "250 2.0.0 Ok").await?;
                }
                "NOOP" => drop(self.answer(wire, "NOOP", "250 2.0.0 Ok").await?),
                "QUIT" => {
                    self.shared.record(self.connection, |session| session.quit = true);
                    self.answer(wire, "QUIT", "221 2.0.0 Bye").await?;
                    return Err(End::Close);
                }
                other => drop(self.answer(wire, other, "502 5.5.2 Command not recognised").await?),
            }
        }
    }

    fn capabilities(&self) -> String {
        let script = self.shared.script.lock().unwrap();
        let mut lines = vec!["smtp.example.com"];
        let offered = script.capabilities.iter().map(String::as_str);
        lines.extend(offered.filter(|line| self.tls == TlsReached::None || !line.eq_ignore_ascii_case("STARTTLS")));
        let last = lines.len() - 1;
        let line = |(at, line): (usize, &&str)| format!("250{}{line}", if at == last { ' ' } else { '-' });
        lines.iter().enumerate().map(line).collect::<Vec<_>>().join("\r\n")
    }

    async fn mail(&mut self, wire: &mut Wire, rest: &str) -> Result<(), End> {
        let Some(mail_from) = after(rest, "FROM:") else {
            return self.answer(wire, "MAIL", "501 5.5.4 Syntax: MAIL FROM:<address>").await.map(drop);
        };
        let usual = if self.envelope.is_some() { "503 5.5.1 Nested MAIL command" } else { "250 2.1.0 Ok" };
        if self.answer(wire, "MAIL", usual).await?.starts_with('2') {
            self.envelope = Some(Envelope { mail_from: mail_from.to_owned(), rcpt_to: Vec::new() });
        }
        Ok(())
    }

    async fn rcpt(&mut self, wire: &mut Wire, rest: &str) -> Result<(), End> {
        let usual = match (&self.envelope, after(rest, "TO:")) {
            (None, _) => "503 5.5.1 MAIL first",
            (Some(_), None) => "501 5.5.4 Syntax: RCPT TO:<address>",
            (Some(_), Some(_)) => "250 2.1.5 Ok",
        };
        let accepted = self.answer(wire, "RCPT", usual).await?.starts_with('2');
        if let (true, Some(envelope), Some(rcpt_to)) = (accepted, &mut self.envelope, after(rest, "TO:")) {
            envelope.rcpt_to.push(rcpt_to.to_owned());
        }
        Ok(())
    }

    async fn data(&mut self, wire: &mut Wire) -> Result<(), End> {
        let ready = self.envelope.as_ref().is_some_and(|envelope| !envelope.rcpt_to.is_empty());
        let usual = if ready { "354 End data with <CR><LF>.<CR><LF>" } else { "503 5.5.1 RCPT first" };
        if !self.answer(wire, "DATA", usual).await?.starts_with('3') {
            return Ok(());
        }
        self.flush(wire).await?;
        let body = self.take("BODY");
        if body != SmtpAnswer::Default {
            self.wait_for_bytes(wire).await?;
            self.give(wire, body, "").await?;
        }
        let sent = self.read_message(wire).await?;
        self.line(|| "C: (message)".to_owned());
        self.line(|| "C: .".to_owned());
        let envelope = self.envelope.take().unwrap_or(Envelope { mail_from: String::new(), rcpt_to: Vec::new() });
        let mut mail = (!self.shared.sink).then(|| RecordedMail {
            mail_from: envelope.mail_from,
            rcpt_to: envelope.rcpt_to,
            source: unstuffed(&sent),
            wire: sent.to_vec(),
            reply: None,
            connection: self.connection,
            tls: self.tls,
        });
        // Recorded before anybody can see the reply, so that a client that has its answer finds its message here.
        let answer = self.take("END");
        let usual = "250 2.0.0 Ok: queued as RECORDED";
        let reply = match &answer {
            SmtpAnswer::Default => Some(usual),
            SmtpAnswer::Reply(reply) | SmtpAnswer::ReplyAndClose(reply) => Some(reply.as_str()),
            _ => None,
        };
        if reply.is_some_and(|reply| reply.starts_with('2')) {
            self.shared.accepted.fetch_add(1, Ordering::Relaxed);
            self.shared.bytes.fetch_add(sent.len() as u64, Ordering::Relaxed);
        }
        if let Some(mut mail) = mail.take() {
            mail.reply = reply.map(str::to_owned);
            self.shared.record(self.connection, |session| session.messages.push(mail));
        }
        self.give(wire, answer, usual).await.map(drop)
    }

    async fn authenticate(&mut self, wire: &mut Wire, rest: &str) -> Result<(), End> {
        let mut words = rest.split(' ');
        let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
        let mut messages: Vec<String> = words.next().map(str::to_owned).into_iter().collect();
        let answer = self.take("AUTH");
        let Some(challenges) = challenges(&mechanism) else {
            return self.give(wire, answer, "504 5.5.4 Mechanism not supported").await.map(drop);
        };
        if let SmtpAnswer::Reply(reply) = &answer
            && !["2", "535", "454"].iter().any(|code| reply.starts_with(code))
        {
            return self.give(wire, answer, "").await.map(drop);
        }
        for challenge in &challenges[messages.len().min(challenges.len())..] {
            self.say(&format!("334 {}", encode(challenge)));
            let message = self.read_line(wire).await?;
            if message == "*" {
                self.say("501 5.7.0 Authentication cancelled");
                return Ok(());
            }
            messages.push(message);
        }
        let refused = matches!(&answer, SmtpAnswer::Reply(reply) if !reply.starts_with('2'));
        if refused && matches!(mechanism.as_str(), "XOAUTH2" | "OAUTHBEARER") {
            self.say(&format!("334 {}", encode(XOAUTH2_REFUSAL)));
            self.read_line(wire).await?;
        }
        if !self.shared.sink {
            let credentials = SmtpCredentials::read(&mechanism, &messages);
            self.shared.record(self.connection, |session| session.credentials.push(credentials));
        }
        self.give(wire, answer, "235 2.7.0 Authentication successful").await.map(drop)
    }

    fn take(&self, step: &str) -> SmtpAnswer {
        self.shared.script.lock().unwrap().take(step)
    }

    async fn answer(&mut self, wire: &mut Wire, step: &str, usual: &str) -> Result<String, End> {
        let answer = self.take(step);
        self.give(wire, answer, usual).await
    }

    /// Gives an answer; returns the reply said.
    async fn give(&mut self, wire: &mut Wire, answer: SmtpAnswer, usual: &str) -> Result<String, End> {
        let (reply, end) = match answer {
            SmtpAnswer::Default if usual.is_empty() => return Ok(String::new()),
            SmtpAnswer::Default => (usual.to_owned(), false),
            SmtpAnswer::Reply(reply) => (reply, false),
            SmtpAnswer::ReplyAndClose(reply) => (reply, true),
            SmtpAnswer::Close => {
                self.line(|| "S: (closes)".to_owned());
                return Err(End::Close);
            }
            SmtpAnswer::Reset => return Err(End::Reset),
            SmtpAnswer::Silent => {
                self.flush(wire).await?;
                wire.stall().await;
                return Err(End::Over);
            }
            SmtpAnswer::Cut(beginning) => {
                self.out.extend_from_slice(beginning.as_bytes());
                return Err(End::Close);
            }
            SmtpAnswer::Endless(text, total) => {
                self.flush(wire).await?;
                write_endlessly(wire, &text, total).await?;
                return Err(End::Close);
            }
        };
        self.say(&reply);
        if end { Err(End::Close) } else { Ok(reply) }
    }

    fn say(&mut self, reply: &str) {
        for line in reply.split("\r\n") {
            self.line(|| format!("S: {line}"));
            self.out.extend_from_slice(line.as_bytes());
            self.out.extend_from_slice(b"\r\n");
        }
    }

    fn line(&self, line: impl FnOnce() -> String) {
        if !self.shared.sink {
            self.shared.record(self.connection, |session| session.lines.push(line()));
        }
    }

    async fn flush(&mut self, wire: &mut Wire) -> Result<(), End> {
        if !self.out.is_empty() {
            wire.write(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }

    async fn fill(&mut self, wire: &mut Wire) -> Result<(), End> {
        self.flush(wire).await?;
        match wire.fill().await? {
            Filled::Data => Ok(()),
            Filled::End => Err(End::Over),
            Filled::Closing => {
                let farewell = self.shared.farewell.lock().unwrap().clone();
                if let Some(farewell) = farewell {
                    self.say(&farewell);
                }
                self.line(|| "S: (closes)".to_owned());
                Err(if self.shared.resets.load(Ordering::Relaxed) { End::Reset } else { End::Close })
            }
        }
    }

    async fn wait_for_bytes(&mut self, wire: &mut Wire) -> Result<(), End> {
        while wire.buffer.is_empty() {
            self.fill(wire).await?;
        }
        Ok(())
    }

    async fn read_line(&mut self, wire: &mut Wire) -> Result<String, End> {
        let mut searched = 0;
        let end = loop {
            if let Some(at) = wire.buffer[searched..].iter().position(|byte| *byte == b'\n') {
                break searched + at;
            }
            searched = wire.buffer.len();
            if searched > MAX_LINE {
                return Err(End::Close);
            }
            self.fill(wire).await?;
        };
        let line = wire.buffer.split_to(end + 1);
        let line = line.strip_suffix(b"\r\n").unwrap_or(&line[..end]);
        let line = String::from_utf8_lossy(line).into_owned();
        self.line(|| format!("C: {line}"));
        Ok(line)
    }

    /// Reads up to the final dot.
    async fn read_message(&mut self, wire: &mut Wire) -> Result<BytesMut, End> {
        let mut searched = 0;
        loop {
            if let Some(message) = take_message(&mut wire.buffer, &mut searched) {
                return Ok(message);
            }
            self.fill(wire).await?;
        }
    }
}

async fn write_endlessly(wire: &mut Wire, text: &str, total: u64) -> io::Result<()> {
    let block = text.repeat((64 * 1024 / text.len()).max(1));
    let mut written = 0;
    while written < total {
        wire.write(block.as_bytes()).await?;
        written += block.len() as u64;
    }
    Ok(())
}

/// What follows `FROM:` or `TO:`, however that is written.
fn after<'a>(rest: &'a str, word: &str) -> Option<&'a str> {
    let (said, value) = rest.split_at_checked(word.len())?;
    said.eq_ignore_ascii_case(word).then(|| value.trim())
}
