//! A mail server for the quickstart: takes every mail on the loopback interface and passes none on.

use std::{io, net::Ipv4Addr};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
    time::{Duration, sleep, timeout},
};

/// Longest command line taken: RFC 5321 asks for 512, with room for extensions.
const LINE_MAX: u64 = 2048;
/// Longest mail taken.
const MAIL_MAX: usize = 1024 * 1024;
/// Recipients taken of one mail.
const RECIPIENTS_MAX: usize = 100;
/// Sessions at a time; further clients wait.
const SESSIONS_MAX: usize = 8;
/// Mails that wait to be looked at; further ones wait at their senders.
const MAILS_MAX: usize = 8;
/// How long a client may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long to wait after a connection that could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A mail as it arrived.
#[derive(Debug)]
pub struct ReceivedMail {
    /// Envelope recipients, as the client wrote them.
    pub recipients: Vec<String>,
    /// The mail itself, headers and content, with CRLF line ends.
    pub content: Vec<u8>,
}

/// The server. It ends when it is dropped.
pub struct MailSink {
    port: u16,
    mails: mpsc::Receiver<ReceivedMail>,
    /// Dropping a set aborts its tasks.
    _server: JoinSet<()>,
}

impl MailSink {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// When none can be listened on.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let (received, mails) = mpsc::channel(MAILS_MAX);
        let mut server = JoinSet::new();
        server.spawn(serve(listener, received));
        Ok(Self { port, mails, _server: server })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next mail that arrived.
    pub async fn next(&mut self) -> Option<ReceivedMail> {
        self.mails.recv().await
    }
}

async fn serve(listener: TcpListener, received: mpsc::Sender<ReceivedMail>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        if sessions.len() >= SESSIONS_MAX {
            sessions.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let session = Session::new(stream, received.clone());
                // A session whose connection breaks concerns nobody but its client.
                sessions.spawn(async { drop(session.run().await) });
            }
            // The system is short of something, or the client is gone already: no reason to spin.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// One client's connection.
struct Session {
    from: BufReader<OwnedReadHalf>,
    to: OwnedWriteHalf,
    received: mpsc::Sender<ReceivedMail>,
    has_sender: bool,
    recipients: Vec<String>,
}

impl Session {
    fn new(stream: TcpStream, received: mpsc::Sender<ReceivedMail>) -> Self {
        let (from, to) = stream.into_split();
        Self { from: BufReader::new(from), to, received, has_sender: false, recipients: Vec::new() }
    }

    async fn run(mut self) -> io::Result<()> {
        self.answer("220 localhost ESMTP email-connectors quickstart").await?;
        while let Some(line) = self.line().await? {
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "QUIT" => return self.answer("221 2.0.0 Bye").await,
                "DATA" => self.data().await?,
                verb => {
                    let answer = self.command(verb, rest);
                    self.answer(&answer).await?;
                }
            }
        }
        Ok(())
    }

    /// Answers a command that is done within a line.
    fn command(&mut self, verb: &str, rest: &str) -> String {
        let path = |word: &str| {
            let is_it = rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
            is_it.then(|| rest[word.len()..].trim())
        };
        match verb {
            "EHLO" => {
                self.reset();
                format!("250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE {MAIL_MAX}")
            }
            "HELO" => {
                self.reset();
                "250 localhost".to_owned()
            }
            "MAIL" if path("FROM:").is_some() => {
                self.reset();
                self.has_sender = true;
                "250 2.1.0 Sender ok".to_owned()
            }
            "RCPT" if !self.has_sender => "503 5.5.1 MAIL first".to_owned(),
            "RCPT" if self.recipients.len() >= RECIPIENTS_MAX => "452 4.5.3 Too many recipients".to_owned(),
            "RCPT" => match path("TO:").and_then(|path| path.strip_prefix('<')?.split_once('>')) {
                Some((recipient, _)) => {
                    self.recipients.push(recipient.to_owned());
                    "250 2.1.5 Recipient ok".to_owned()
                }
                None => "501 5.5.4 RCPT TO:<address> expected".to_owned(),
            },
            "RSET" => {
                self.reset();
                "250 2.0.0 Ok".to_owned()
            }
            "NOOP" => "250 2.0.0 Ok".to_owned(),
            "VRFY" => "252 2.1.5 Send some mail, and it will be taken".to_owned(),
            "MAIL" => "501 5.5.4 MAIL FROM:<address> expected".to_owned(),
            _ => "502 5.5.2 Unknown command".to_owned(),
        }
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.recipients.is_empty() {
            return self.answer("503 5.5.1 RCPT first").await;
        }
        self.answer("354 End with a line that holds only a dot").await?;
        let content = self.content().await?;
        let recipients = std::mem::take(&mut self.recipients);
        self.reset();
        let Some(content) = content else { return self.answer("552 5.3.4 The mail is too large").await };
        // Fails only when the quickstart is over.
        let taken = self.received.send(ReceivedMail { recipients, content }).await;
        self.answer(if taken.is_ok() { "250 2.0.0 Taken" } else { "421 4.3.2 Closing" }).await
    }

    /// The mail up to the final dot, with dot stuffing undone; none when it is too large.
    async fn content(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        let (mut at_line_start, mut after_cr) = (true, false);
        loop {
            let part = self.part().await?;
            // A line end may be torn apart where a part ends. A bare line feed is none.
            let ends_line = part.ends_with(b"\r\n") || (after_cr && part == b"\n");
            after_cr = part.ends_with(b"\r");
            match (at_line_start, part.as_slice()) {
                (true, b".\r\n") => break,
                (true, [b'.', rest @ ..]) => content.extend_from_slice(rest),
                (_, part) => content.extend_from_slice(part),
            }
            // Read on to the end without keeping more: the client is still writing.
            content.truncate(MAIL_MAX + 1);
            at_line_start = ends_line;
        }
        Ok((content.len() <= MAIL_MAX).then_some(content))
    }

    /// A command line without its end; none when the client is gone.
    async fn line(&mut self) -> io::Result<Option<String>> {
        match self.part().await {
            Ok(part) => match part.strip_suffix(b"\r\n") {
                Some(line) => Ok(Some(String::from_utf8_lossy(line).into_owned())),
                None => Err(io::Error::new(io::ErrorKind::InvalidData, "a command line has no end")),
            },
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Up to and with the next line end, or a part of a long line.
    async fn part(&mut self) -> io::Result<Vec<u8>> {
        let mut part = Vec::new();
        let mut limited = (&mut self.from).take(LINE_MAX);
        let read = timeout(SILENCE_MAX, limited.read_until(b'\n', &mut part));
        match read.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(part),
        }
    }

    async fn answer(&mut self, text: &str) -> io::Result<()> {
        self.to.write_all(format!("{text}\r\n").as_bytes()).await
    }

    fn reset(&mut self) {
        self.has_sender = false;
        self.recipients.clear();
    }
}
