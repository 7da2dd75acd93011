//! The SMTP recorder while all goes well: conversations, messages, authentication, TLS, and the sink.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use connector_testkit::{
    SinkOptions, SmtpCredentials, SmtpRecorder, SmtpRecorderOptions, SmtpScript, TestCa, TlsReached, recordings,
};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

pub(crate) trait Duplex: Read + Write + Send {}
impl<T: Read + Write + Send> Duplex for T {}

/// A blocking client that says what it is told to.
pub(crate) struct Client {
    stream: BufReader<Box<dyn Duplex>>,
}

impl Client {
    pub(crate) fn connect(recorder: &SmtpRecorder) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", recorder.port())).unwrap();
        Self { stream: BufReader::new(Box::new(stream)) }
    }

    pub(crate) fn secured(self, ca: &TestCa) -> Self {
        assert!(self.stream.buffer().is_empty());
        let name = ServerName::try_from("smtp.example.com").unwrap();
        let session = ClientConnection::new(Arc::new(ca.client_config()), name).unwrap();
        Self { stream: BufReader::new(Box::new(StreamOwned::new(session, self.stream.into_inner()))) }
    }

    /// One reply, its lines joined; empty when the connection was closed.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line).unwrap_or(0) == 0 {
                return reply;
            }
            reply.push_str(&line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply.trim_end().replace("\r\n", "|");
            }
        }
    }

    pub(crate) fn send(&mut self, bytes: &str) {
        self.stream.get_mut().write_all(bytes.as_bytes()).unwrap();
        self.stream.get_mut().flush().unwrap();
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r\n"));
        self.reply()
    }
}

pub(crate) async fn start(script: SmtpScript) -> (SmtpRecorder, TestCa) {
    let ca = TestCa::new();
    let tls = Some(ca.server_config(&["smtp.example.com"]));
    (SmtpRecorder::start(SmtpRecorderOptions { tls, script }).await, ca)
}

/// The recordings' own way through a conversation, without reading what comes back.
fn replay(client: &mut Client, lines: &[String], source: &str) {
    for line in lines.iter().filter_map(|line| line.strip_prefix("C: ")) {
        match line {
            // The recorded source has its stuffed dots taken out.
            "(message)" => client.send(&format!("\r\n{source}").replace("\r\n.", "\r\n..")[2..]),
            "." => client.send(".\r\n"),
            line => client.send(&format!("{line}\r\n")),
        }
        if line != "(message)" {
            client.reply();
        }
    }
}

#[tokio::test]
async fn the_recordings_conversations_come_out_the_same() {
    let mut replayed = 0;
    for recording in recordings("smtp") {
        let Some(theirs) = recording.recorded.smtp.first() else { continue };
        let stays_plain = theirs.tls == "none" && !theirs.lines.iter().any(|line| line == "C: STARTTLS");
        // Their server waited; here the client would.
        let silent = theirs.lines.is_empty();
        if !stays_plain || silent {
            continue;
        }
        let (recorder, _ca) = start(recording.given.smtp.clone().unwrap()).await;
        let mut client = Client::connect(&recorder);
        client.reply();
        let source = theirs.messages.first().map(|mail| mail.source.as_str()).unwrap_or_default();
        replay(&mut client, &theirs.lines, source);
        drop(client);
        recorder.wait_for_open_connections(0).await;

        let ours = recorder.sessions().remove(0);
        assert_eq!(ours.lines, theirs.lines, "{}", recording.id());
        assert_eq!(ours.tls.as_str(), theirs.tls);
        assert_eq!(ours.messages.len(), theirs.messages.len(), "{}", recording.id());
        for (ours, theirs) in ours.messages.iter().zip(&theirs.messages) {
            assert_eq!(ours.mail_from, theirs.mail_from);
            assert_eq!(ours.rcpt_to, theirs.rcpt_to);
            assert_eq!(String::from_utf8_lossy(&ours.source), theirs.source);
        }
        replayed += 1;
    }
    assert!(replayed > 30, "{replayed}");
}

#[tokio::test]
async fn lettre_gets_its_mail_through() {
    let (recorder, _ca) = start(SmtpScript::offering(&["PIPELINING", "8BITMIME"])).await;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(recorder.port()).build();
    let message = Message::builder()
        .from("noreply@example.com".parse().unwrap())
        .to("user@example.com".parse().unwrap())
        .subject("Hello")
        .body(".first\r\n..second\r\nlast\r\n".to_owned())
        .unwrap();
    transport.send(message).await.unwrap();
    let mail = recorder.only_message();
    assert!(mail.accepted());
    assert!(mail.mail_from.starts_with("<noreply@example.com>"), "{}", mail.mail_from);
    assert_eq!(mail.rcpt_to, ["<user@example.com>"]);
    let body = |bytes: &[u8]| String::from_utf8_lossy(bytes).split_once("\r\n\r\n").unwrap().1.trim_end().to_owned();
    assert_eq!(body(&mail.source), ".first\r\n..second\r\nlast");
    assert_eq!(body(&mail.wire), "..first\r\n...second\r\nlast");
}

#[tokio::test]
async fn starttls_hides_itself_afterwards() {
    let (recorder, ca) = start(SmtpScript::offering(&["STARTTLS", "AUTH PLAIN"])).await;
    let mut client = Client::connect(&recorder);
    assert_eq!(client.reply(), "220 smtp.example.com ESMTP recorder");
    assert_eq!(client.say("EHLO me.example.com"), "250-smtp.example.com|250-STARTTLS|250 AUTH PLAIN");
    assert_eq!(client.say("STARTTLS"), "220 2.0.0 Ready to start TLS");
    let mut client = client.secured(&ca);
    assert_eq!(client.say("EHLO me.example.com"), "250-smtp.example.com|250 AUTH PLAIN");
    assert_eq!(client.say("STARTTLS"), "503 5.5.1 TLS is on already");
    assert_eq!(client.say("QUIT"), "221 2.0.0 Bye");
    recorder.wait_for_open_connections(0).await;
    let session = recorder.sessions().remove(0);
    assert_eq!(session.tls, TlsReached::StartTls);
    assert_eq!(session.server_name.as_deref(), Some("smtp.example.com"));
    assert!(session.quit);
    assert_eq!(session.bytes_behind_starttls, 0);
    assert_eq!(session.lines_hiding("me.example.com")[1], "C: EHLO (own name)");
    assert_eq!(session.commands(), ["EHLO me.example.com", "STARTTLS", "EHLO me.example.com", "STARTTLS", "QUIT"]);
}

#[tokio::test]
async fn starttls_works_though_not_offered_and_shows_injected_bytes() {
    let (recorder, ca) = start(SmtpScript::default()).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    client.send("STARTTLS\r\nNOOP\r\n");
    assert_eq!(client.reply(), "220 2.0.0 Ready to start TLS");
    assert_eq!(client.secured(&ca).say("NOOP"), "250 2.0.0 Ok");
    assert_eq!(recorder.sessions()[0].bytes_behind_starttls, 6);
}

#[tokio::test]
async fn implicit_tls_comes_before_the_greeting() {
    let (recorder, ca) = start(SmtpScript::offering(&["STARTTLS"]).implicit_tls()).await;
    let mut client = Client::connect(&recorder).secured(&ca);
    assert_eq!(client.reply(), "220 smtp.example.com ESMTP recorder");
    assert_eq!(client.say("EHLO a"), "250 smtp.example.com");
    assert_eq!(recorder.sessions()[0].tls, TlsReached::Implicit);
}

#[tokio::test]
async fn a_refused_certificate_is_noted() {
    let (recorder, _ca) = start(SmtpScript::default().implicit_tls()).await;
    let mut client = Client::connect(&recorder).secured(&TestCa::new());
    assert_eq!(client.reply(), "");
    recorder.wait_for_open_connections(0).await;
    let session = recorder.sessions().remove(0);
    assert_eq!(session.tls, TlsReached::None);
    assert!(session.tls_error.is_some() && session.lines.is_empty(), "{session:?}");
}

#[tokio::test]
async fn every_mechanism_is_understood() {
    let (recorder, _ca) = start(SmtpScript::offering(&["AUTH PLAIN LOGIN CRAM-MD5 XOAUTH2"])).await;
    let conversations: [&[(&str, &str)]; 5] = [
        &[("AUTH PLAIN AG1haWxlcgBzbXRwLXBhc3N3b3Jk", "235")],
        &[("AUTH PLAIN", "334 "), ("AG1haWxlcgBzbXRwLXBhc3N3b3Jk", "235")],
        &[("AUTH LOGIN", "334 VXNlcm5hbWU6"), ("bWFpbGVy", "334 UGFzc3dvcmQ6"), ("c210cC1wYXNzd29yZA==", "235")],
        &[
            ("auth cram-md5", "334 PDE4OTYuNjk3MTcwOTUyQHNtdHAuZXhhbXBsZS5jb20+"),
            ("bWFpbGVyIGFjOWRmMWY0NGU1MjE5MzQ3ZGZlYjJkZmM3ODE4ZTBm", "235"),
        ],
        &[("AUTH XOAUTH2 dXNlcj1tYWlsZXIBYXV0aD1CZWFyZXIgdG9rZW4BAQ==", "235")],
    ];
    for conversation in conversations {
        let mut client = Client::connect(&recorder);
        client.reply();
        for (line, expected) in conversation {
            let reply = client.say(line);
            assert!(reply.starts_with(expected.trim()), "{line}: {reply}");
        }
    }
    let seen: Vec<SmtpCredentials> = recorder.sessions().into_iter().flat_map(|session| session.credentials).collect();
    let expected = [
        ("PLAIN", "smtp-password"),
        ("PLAIN", "smtp-password"),
        ("LOGIN", "smtp-password"),
        ("CRAM-MD5", "ac9df1f44e5219347dfeb2dfc7818e0f"),
        ("XOAUTH2", "token"),
    ]
    .map(|(mechanism, secret)| SmtpCredentials {
        mechanism: mechanism.to_owned(),
        user: "mailer".to_owned(),
        secret: secret.to_owned(),
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn pipelined_commands_and_several_messages_a_connection() {
    let (recorder, _ca) = start(SmtpScript::offering(&["PIPELINING"])).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    client.say("EHLO a");
    for number in 0..3 {
        client
            .send(&format!("MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<c{number}@d> NOTIFY=NEVER\r\nDATA\r\n"));
        for expected in ["250 2.1.0 Ok", "250 2.1.5 Ok", "354 End data with <CR><LF>.<CR><LF>"] {
            assert_eq!(client.reply(), expected);
        }
        assert_eq!(client.say("Subject: x\r\n\r\nbare\n.\nlf\r\n."), "250 2.0.0 Ok: queued as RECORDED");
    }
    assert_eq!(client.say("DATA"), "503 5.5.1 RCPT first");
    let messages = recorder.messages();
    assert_eq!(messages.len(), 3);
    assert_eq!(messages[2].mail_from, "<a@b> SIZE=10 BODY=8BITMIME");
    assert_eq!(messages[2].rcpt_to, ["<c2@d> NOTIFY=NEVER"]);
    assert_eq!(messages[2].source, b"Subject: x\r\n\r\nbare\n.\nlf\r\n");
    assert_eq!((recorder.connections(), recorder.accepted()), (1, 3));
}

#[tokio::test]
async fn an_empty_message_and_a_split_final_dot_end() {
    let (recorder, _ca) = start(SmtpScript::default()).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    for parts in [&[".\r\n"][..], &["x\r", "\n", ".", "\r", "\n"]] {
        client.send("MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
        (0..3).for_each(|_| drop(client.reply()));
        parts.iter().for_each(|part| client.send(part));
        assert_eq!(client.reply(), "250 2.0.0 Ok: queued as RECORDED");
    }
    let messages = recorder.messages();
    assert_eq!((messages[0].source.as_slice(), messages[1].source.as_slice()), (&b""[..], &b"x\r\n"[..]));
    assert_eq!(messages[0].mail_from, "<>");
}

#[tokio::test]
async fn a_sink_counts_and_keeps_nothing() {
    let sink =
        SmtpRecorder::sink(SinkOptions { capabilities: vec!["PIPELINING".to_owned()], ..SinkOptions::default() }).await;
    let count = 2_000;
    let mut client = Client::connect(&sink);
    client.reply();
    let body = format!("Subject: x\r\n\r\n{}\r\n", "y".repeat(70));
    let started = std::time::Instant::now();
    for _ in 0..count {
        client.send("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
        (0..3).for_each(|_| drop(client.reply()));
        client.say(&format!("{body}."));
    }
    let took = started.elapsed();
    assert_eq!((sink.accepted(), sink.accepted_bytes()), (count, count * body.len() as u64));
    assert_eq!(sink.messages(), []);
    assert_eq!(sink.sessions()[0].lines, Vec::<String>::new());
    // Far from what it does; a pause of Nagle's (40 ms a message) would be far above.
    assert!(took.as_secs() < 20, "{count} messages took {took:?}");
}
