//! Python's smtplib as a client, so that the servers are proven against something that is not ours.

use e2e::{HOST, PASSWORD, SmtpPeer, USER, script};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::process::Command;

/// How smtplib's attempt went.
#[derive(Debug, Deserialize)]
pub struct Attempt {
    /// What the server offered in its last answer to EHLO.
    pub capabilities: Vec<String>,
    /// Why the message was not sent, or `None` when it was.
    pub error: Option<Failure>,
    /// What the server had logged by then.
    #[serde(skip)]
    log: String,
}

/// A reply that refused, or an exception without one.
#[derive(Debug, Deserialize)]
pub struct Failure {
    pub step: String,
    pub code: Option<u16>,
    pub text: String,
}

/// A message for smtplib to send: over STARTTLS and as [`USER`] unless changed.
pub struct Smtplib<'a> {
    peer: &'a dyn SmtpPeer,
    tls: &'static str,
    ca: &'a Path,
    login: Option<(&'a str, &'a str)>,
    mechanism: Option<&'a str>,
}

impl<'a> Smtplib<'a> {
    pub fn to(peer: &'a dyn SmtpPeer) -> Self {
        Self { peer, tls: "starttls", ca: peer.ca_file(), login: Some((USER, PASSWORD)), mechanism: None }
    }

    pub fn over_implicit_tls(self) -> Self {
        Self { tls: "implicit", ..self }
    }

    pub fn in_clear(self) -> Self {
        Self { tls: "none", ..self }
    }

    pub fn trusting(self, ca: &'a Path) -> Self {
        Self { ca, ..self }
    }

    pub fn without_login(self) -> Self {
        Self { login: None, ..self }
    }

    pub fn login(self, user: &'a str, password: &'a str) -> Self {
        Self { login: Some((user, password)), ..self }
    }

    pub fn mechanism(self, mechanism: &'a str) -> Self {
        Self { mechanism: Some(mechanism), ..self }
    }

    /// Sends it; that the server refuses is a result and not a failure of the test.
    pub fn send(self, recipient: &str, message: &str) -> Attempt {
        let port = match self.tls {
            "implicit" => self.peer.tls_port().expect("the server has a port for implicit TLS"),
            _ => self.peer.port(),
        };
        let order = json!({
            "host": HOST,
            "port": port,
            "tls": self.tls,
            "ca": self.ca,
            "user": self.login.map(|(user, _)| user),
            "password": self.login.map(|(_, password)| password),
            "mechanism": self.mechanism,
            "from": "sender@example.test",
            "to": [recipient],
            "message": message,
        });
        let client = Command::new("python3").arg(script("smtplib_client.py")).arg(order.to_string()).output();
        let output = client.expect("python3 starts");
        let printed = String::from_utf8_lossy(&output.stdout);
        let attempt: Attempt = serde_json::from_str(&printed)
            .unwrap_or_else(|_| panic!("smtplib_client.py: {}{printed}", String::from_utf8_lossy(&output.stderr)));
        Attempt { log: self.peer.log(), ..attempt }
    }
}

impl Attempt {
    /// Fails the test, with the server's log, unless the message was sent.
    pub fn assert_sent(&self) {
        assert!(self.error.is_none(), "{:?}\n{}", self.error, self.log);
    }

    /// Fails the test, with the server's log, unless it refused at `step` with a reply that begins like this.
    pub fn assert_refused(&self, step: &str, code: u16, text: &str) {
        let refused = self
            .error
            .as_ref()
            .is_some_and(|error| error.step == step && error.code == Some(code) && error.text.starts_with(text));
        assert!(refused, "not {code} {text} at {step}: {:?}\n{}", self.error, self.log);
    }
}
