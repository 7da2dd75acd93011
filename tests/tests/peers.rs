//! The test servers themselves: each starts, takes what another client sends, misbehaves as ordered, and leaves nothing behind.

use crate::smtplib::Smtplib;
use e2e::{
    AfterData, Aiosmtpd, Mail, NodeSmtpServer, PASSWORD, PATIENCE, Postfix, SmtpPeer, StartTls, Step, USER, until,
};
use std::io::Read as _;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const MESSAGE: &str = "From: Sender <sender@example.test>\r\nTo: inbox@example.test\r\nSubject: A long\r\n subject\r\n\r\n\
                       .dots and\r\n..more dots\r\n";

/// What must hold for each of them: the message arrives as sent, and after `stop` no process of it is there.
fn takes_a_message_and_stops<P: SmtpPeer>(peer: P) {
    Smtplib::to(&peer).send("inbox@example.test", MESSAGE).assert_sent();
    let mails = peer.wait_for_mails(1).unwrap();
    assert_eq!(mails.len(), 1);
    assert_as_sent(&mails[0]);
    assert_eq!(mails[0].user.as_deref(), Some(USER), "{}", peer.log());
    assert!(mails[0].mechanism.is_some());
    assert!(mails[0].tls);

    if peer.tls_port().is_some() {
        Smtplib::to(&peer).over_implicit_tls().send("inbox@example.test", MESSAGE).assert_sent();
        let mails = peer.wait_for_mails(2).unwrap();
        assert_as_sent(&mails[1]);
        assert!(mails[1].tls);
    }
    let connections = if peer.tls_port().is_some() { 2 } else { 1 };
    assert_eq!(peer.connections().unwrap(), connections, "{}", peer.log());

    let wrong = Smtplib::to(&peer).login(USER, "wrong").send("inbox@example.test", MESSAGE);
    wrong.assert_refused("auth", 535, "5.7.8");
    let nobody = Smtplib::to(&peer).without_login().send("inbox@example.test", MESSAGE);
    assert!(nobody.error.is_some(), "who has not authenticated is refused");

    let processes = peer.processes().unwrap();
    assert!(!processes.is_empty());
    let port = peer.port();
    peer.stop().unwrap();
    let left: Vec<_> = processes.iter().filter(|id| !has_ended(**id)).collect();
    assert!(left.is_empty(), "of {processes:?} these are left: {left:?}");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "nothing listens any more");
}

fn assert_as_sent(mail: &Mail) {
    assert_eq!(mail.from, "sender@example.test");
    assert_eq!(mail.to, ["inbox@example.test"]);
    assert_eq!(mail.header("subject").as_deref(), Some("A long subject"));
    assert_eq!(mail.body().replace("\r\n", "\n"), ".dots and\n..more dots\n");
    assert!(!mail.helo.is_empty());
}

/// Whether the process is gone, or ended and only not yet waited for by this machine's first process.
fn has_ended(id: u32) -> bool {
    match std::fs::read_to_string(format!("/proc/{id}/status")) {
        Ok(status) => status.contains("State:\tZ"),
        Err(_) => true,
    }
}

/// How long the server leaves a silent connection open, up to [`PATIENCE`].
fn silent_connection_closed_after(port: u16) -> Duration {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let start = Instant::now();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).expect("the server closes the connection");
    start.elapsed()
}

#[test]
fn postfix() {
    takes_a_message_and_stops(Postfix::start().unwrap());
}

#[test]
fn aiosmtpd() {
    takes_a_message_and_stops(Aiosmtpd::start().unwrap());
}

#[test]
fn node_smtp_server() {
    takes_a_message_and_stops(NodeSmtpServer::start().unwrap());
}

#[test]
fn postfix_offers_what_a_submission_server_does() {
    let postfix = Postfix::start().unwrap();
    let attempt = Smtplib::to(&postfix).send(Postfix::INBOX, MESSAGE);
    for capability in ["AUTH PLAIN LOGIN CRAM-MD5", "SMTPUTF8", "8BITMIME", "PIPELINING"] {
        assert!(attempt.capabilities.iter().any(|offered| offered == capability), "{:?}", attempt.capabilities);
    }
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        Smtplib::to(&postfix).mechanism(mechanism).send(Postfix::INBOX, MESSAGE).assert_sent();
    }
    let used: Vec<_> = postfix.wait_for_mails(4).unwrap().into_iter().filter_map(|mail| mail.mechanism).collect();
    for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5"] {
        assert!(used.iter().any(|used| used == mechanism), "{used:?}");
    }
}

#[test]
fn postfix_answers_recipients_as_documented() {
    let postfix = Postfix::start().unwrap();
    let send = |recipient: &str| Smtplib::to(&postfix).send(recipient, MESSAGE);
    send(Postfix::UNKNOWN).assert_refused("send", 550, "5.1.1");
    send(Postfix::FULL).assert_refused("send", 452, "4.2.2");
    send(Postfix::BLOCKED).assert_refused("send", 554, "5.7.1");
    send("someone@elsewhere.test").assert_refused("send", 550, "5.1.2");
    assert_eq!(postfix.mails().unwrap(), []);

    send(Postfix::GREYLISTED).assert_refused("send", 450, "4.2.0");
    send(Postfix::GREYLISTED).assert_sent();
    send("inbox+tag@example.test").assert_sent();
    let mails = postfix.wait_for_mails(2).unwrap();
    assert_eq!(mails[0].to, [Postfix::GREYLISTED]);
    assert_eq!(mails[1].to, ["inbox+tag@example.test"]);
}

#[test]
fn postfix_closes_an_idle_connection() {
    let postfix = Postfix::builder().idle_timeout(Duration::from_secs(1)).start().unwrap();
    let closed = silent_connection_closed_after(postfix.port());
    // Postfix counts from the greeting that it sent, which is a little before it is read.
    assert!((500..10_000).contains(&closed.as_millis()), "{closed:?}");
}

#[test]
fn postfix_without_starttls_or_auth() {
    let plain = Postfix::builder().without_starttls().set("smtputf8_enable", "no").start().unwrap();
    let attempt = Smtplib::to(&plain).in_clear().send(Postfix::INBOX, MESSAGE);
    attempt.assert_sent();
    assert!(!attempt.capabilities.iter().any(|offered| offered == "STARTTLS" || offered == "SMTPUTF8"));
    let mail = &plain.wait_for_mails(1).unwrap()[0];
    assert_eq!((mail.tls, mail.user.as_deref()), (false, Some(USER)));

    let relay = Postfix::builder().without_auth().start().unwrap();
    let attempt = Smtplib::to(&relay).without_login().send(Postfix::INBOX, MESSAGE);
    attempt.assert_sent();
    assert!(!attempt.capabilities.iter().any(|offered| offered.starts_with("AUTH")));
    assert_eq!(relay.wait_for_mails(1).unwrap()[0].user, None);
}

#[test]
fn aiosmtpd_requires_starttls() {
    let server = Aiosmtpd::builder().starttls(StartTls::Required).start().unwrap();
    let clear = Smtplib::to(&server).in_clear().without_login().send("inbox@example.test", MESSAGE);
    clear.assert_refused("send", 530, "Must issue a STARTTLS command first");
    Smtplib::to(&server).send("inbox@example.test", MESSAGE).assert_sent();
}

#[test]
fn aiosmtpd_answers_as_ordered() {
    let server = Aiosmtpd::builder()
        .refuse("gone@example.test", "550 5.1.1 No such mailbox")
        .answer_once(Step::Rcpt, "451 4.7.1 Try again later")
        .answer_once(Step::Mail, "421 4.3.2 Shutting down")
        .answer_once(Step::Data, "452 4.3.1 Out of storage")
        .start()
        .unwrap();
    let send = |recipient: &str| Smtplib::to(&server).send(recipient, MESSAGE);
    send("inbox@example.test").assert_refused("send", 421, "4.3.2");
    send("gone@example.test").assert_refused("send", 550, "5.1.1");
    send("inbox@example.test").assert_refused("send", 451, "4.7.1");
    send("inbox@example.test").assert_refused("send", 452, "4.3.1");
    assert_eq!(server.mails().unwrap(), []);
    send("inbox@example.test").assert_sent();
    assert_eq!(server.mails().unwrap().len(), 1);

    let refusing = Aiosmtpd::builder().answer_always(Step::Mail, "550 5.7.1 Not you").start().unwrap();
    for _ in 0..2 {
        Smtplib::to(&refusing).send("inbox@example.test", MESSAGE).assert_refused("send", 550, "5.7.1");
    }
}

#[test]
fn aiosmtpd_leaves_the_outcome_unknown() {
    let hanging_up = Aiosmtpd::builder().after_data(AfterData::HangUp).start().unwrap();
    let attempt = Smtplib::to(&hanging_up).send("inbox@example.test", MESSAGE);
    assert_eq!(attempt.error.as_ref().and_then(|error| error.code), None, "{attempt:?}");
    assert!(attempt.error.is_some());
    assert_eq!(hanging_up.mails().unwrap().len(), 1);

    // The idle timeout ends the wait for smtplib, which would wait for 20 seconds.
    let silent =
        Aiosmtpd::builder().after_data(AfterData::Silence).idle_timeout(Duration::from_secs(1)).start().unwrap();
    let start = Instant::now();
    let attempt = Smtplib::to(&silent).send("inbox@example.test", MESSAGE);
    assert!(attempt.error.is_some() && start.elapsed() >= Duration::from_secs(1), "{attempt:?}");
    assert_eq!(silent.mails().unwrap().len(), 1);
}

#[test]
fn aiosmtpd_closes_an_idle_connection() {
    let server = Aiosmtpd::builder().idle_timeout(Duration::from_secs(1)).start().unwrap();
    let closed = silent_connection_closed_after(server.port());
    // Postfix counts from the greeting that it sent, which is a little before it is read.
    assert!((500..10_000).contains(&closed.as_millis()), "{closed:?}");
}

#[test]
fn aiosmtpd_without_starttls_auth_or_smtputf8() {
    let plain = Aiosmtpd::builder().starttls(StartTls::Off).without_smtputf8().start().unwrap();
    let attempt = Smtplib::to(&plain).in_clear().send("inbox@example.test", MESSAGE);
    attempt.assert_sent();
    assert!(!attempt.capabilities.iter().any(|offered| offered == "STARTTLS" || offered == "SMTPUTF8"));
    assert!(!plain.mails().unwrap()[0].tls);

    let open = Aiosmtpd::builder().without_auth().start().unwrap();
    let attempt = Smtplib::to(&open).without_login().send("inbox@example.test", MESSAGE);
    attempt.assert_sent();
    assert!(!attempt.capabilities.iter().any(|offered| offered.starts_with("AUTH")), "{attempt:?}");
}

#[test]
fn node_smtp_server_knows_four_mechanisms() {
    let server = NodeSmtpServer::start().unwrap();
    for (count, mechanism) in ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"].into_iter().enumerate() {
        let secret = if mechanism == "XOAUTH2" { NodeSmtpServer::ACCESS_TOKEN } else { PASSWORD };
        let attempt = Smtplib::to(&server).mechanism(mechanism).login(USER, secret).send("inbox@example.test", MESSAGE);
        attempt.assert_sent();
        let mails = server.mails().unwrap();
        assert_eq!(mails[count].mechanism.as_deref(), Some(mechanism));
        let wrong = Smtplib::to(&server).mechanism(mechanism).login(USER, "wrong").send("inbox@example.test", MESSAGE);
        assert_eq!(wrong.error.unwrap().code, Some(535), "{mechanism}");
    }

    let only = NodeSmtpServer::builder().mechanisms(&["XOAUTH2"]).start().unwrap();
    let attempt = Smtplib::to(&only).send("inbox@example.test", MESSAGE);
    assert_eq!(attempt.error.unwrap().code, None, "smtplib knows no mechanism that is offered");
    assert!(attempt.capabilities.iter().any(|offered| offered == "AUTH XOAUTH2"), "{:?}", attempt.capabilities);
}

#[test]
fn node_smtp_server_without_starttls_or_auth() {
    let plain = NodeSmtpServer::builder().without_starttls().start().unwrap();
    let attempt = Smtplib::to(&plain).in_clear().send("inbox@example.test", MESSAGE);
    attempt.assert_sent();
    assert!(!attempt.capabilities.iter().any(|offered| offered == "STARTTLS"));
    assert!(!plain.mails().unwrap()[0].tls);

    let open = NodeSmtpServer::builder().without_auth().start().unwrap();
    Smtplib::to(&open).without_login().send("inbox@example.test", MESSAGE).assert_sent();
    assert_eq!(open.mails().unwrap()[0].user, None);
}

/// A test that is killed runs no destructors: its servers must end all the same.
#[test]
fn servers_end_when_their_test_is_killed() {
    if std::env::var_os("E2E_BE_KILLED").is_some() {
        let (postfix, node) = (Postfix::start().unwrap(), NodeSmtpServer::start().unwrap());
        let ids: Vec<_> = [postfix.processes().unwrap(), node.processes().unwrap()].concat();
        std::fs::write(std::env::var_os("E2E_BE_KILLED").unwrap(), serde_json::to_vec(&ids).unwrap()).unwrap();
        loop {
            std::thread::park();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("processes.json");
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", "peers::servers_end_when_their_test_is_killed"]).env("E2E_BE_KILLED", &file);
    // Their folders stay behind when a test is killed; here they go with ours.
    let mut test = test.env("TMPDIR", folder.path()).stdout(Stdio::null()).spawn().unwrap();
    let ids: Vec<u32> = until(PATIENCE, "the other process's servers", || {
        Ok(std::fs::read(&file).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    })
    .unwrap();
    assert!(ids.len() > 4, "{ids:?}");
    test.kill().unwrap();
    test.wait().unwrap();
    until(PATIENCE, "the end of the servers", || Ok(ids.iter().all(|id| has_ended(*id)).then_some(()))).unwrap();
}

#[test]
fn certificates_are_for_one_server_alone() {
    let (one, other) = (Aiosmtpd::start().unwrap(), Aiosmtpd::start().unwrap());
    let attempt = Smtplib::to(&one).trusting(other.ca_file()).send("inbox@example.test", MESSAGE);
    let error = attempt.error.expect("another server's authority is not trusted");
    assert!(error.step == "starttls" && error.text.contains("CERTIFICATE_VERIFY_FAILED"), "{error:?}");
}
