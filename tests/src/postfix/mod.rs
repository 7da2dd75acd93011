//! Postfix as a submission server: STARTTLS and implicit TLS, AUTH, and a local domain whose mail can be read back.

mod config;
mod greylist;
mod maildir;
pub(crate) mod port;

use crate::certificates::Certificates;
use crate::process::Process;
use crate::{Mail, PASSWORD, PATIENCE, SmtpPeer, USER, installed, until};
use anyhow::{Context as _, Result, bail};
use config::Options;
use greylist::Greylist;
use port::Ports;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// A Postfix of its own, configuration, queue and certificates included; it touches nothing of the system's.
///
/// By default STARTTLS is offered, AUTH only inside TLS, and only who authenticated may send. Mail for its domain
/// `example.test` is delivered to maildirs; it sends nothing anywhere else.
pub struct Postfix {
    // Dropped in this order: the processes before the folder they write to.
    process: Process,
    _greylist: Greylist,
    folder: TempDir,
    ports: Ports,
    certificates: Certificates,
}

/// What a test wants different from [`Postfix::start`].
#[derive(Default)]
pub struct PostfixBuilder {
    options: Options,
}

impl Postfix {
    /// A mailbox; `inbox+anything@example.test` is delivered there too.
    pub const INBOX: &str = "inbox@example.test";
    /// A second mailbox.
    pub const SECOND_INBOX: &str = "second@example.test";
    /// Refused with `550 5.1.1`, like every other address of the domain that does not exist.
    pub const UNKNOWN: &str = "nobody-here@example.test";
    /// A mailbox whose first delivery is answered `450 4.2.0 Greylisted`; later ones are taken.
    pub const GREYLISTED: &str = "greylisted@example.test";
    /// Always answered `452 4.2.2`: the mailbox is full for now.
    pub const FULL: &str = "full@example.test";
    /// Always answered `554 5.7.1`: refused by policy.
    pub const BLOCKED: &str = "blocked@example.test";

    /// Starts it as described above and waits until it answers.
    ///
    /// # Errors
    ///
    /// When Postfix is not installed, the tests do not run as root, or it does not start: the message holds its log.
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    /// To change something before it starts.
    pub fn builder() -> PostfixBuilder {
        PostfixBuilder::default()
    }

    fn start_with(options: &Options) -> Result<Self> {
        let postfix = installed::program("postfix", "postfix")?;
        let saslpasswd = installed::program("saslpasswd2", "sasl2-bin")?;
        let postconf = installed::program("postconf", "postfix")?;
        installed::require_root("Postfix")?;

        let folder = tempfile::Builder::new().prefix("e2e-postfix-").tempdir()?;
        let root = folder.path();
        config::make_folders(root)?;
        let certificates = Certificates::write_to(root)?;
        add_account(&saslpasswd, root)?;
        let greylist = Greylist::start(Self::GREYLISTED)?;
        let ports = Ports::claim()?;
        config::write(root, &certificates, &ports, greylist.port(), options)?;

        let etc = root.join("etc");
        let check = Command::new(postfix).arg("-c").arg(&etc).arg("check").output().context("running postfix check")?;
        if !check.status.success() {
            bail!("postfix check: {}{}", String::from_utf8_lossy(&check.stderr), read_log(root));
        }
        // The master itself and not `postfix start-fg`: that would put it into a session of its own, out of our reach.
        let daemons = Command::new(postconf).args(["-dh", "daemon_directory"]).output()?;
        let daemons = PathBuf::from(String::from_utf8_lossy(&daemons.stdout).trim());
        let mut master = Command::new(daemons.join("master"));
        master.arg("-c").arg(&etc).arg("-d");
        let process = Process::start("Postfix", &master, &root.join("output.log"))?;
        let mut started = Self { process, _greylist: greylist, folder, ports, certificates };
        started.wait_until_ready()?;
        Ok(started)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        until(PATIENCE, "Postfix's greeting", || {
            if let Some(status) = self.process.exited()? {
                bail!("Postfix ended at once ({status}):\n{}{}", self.process.output(), self.log());
            }
            Ok(greets(self.ports.starttls.number()).then_some(()))
        })
        .with_context(|| self.log())
    }
}

impl PostfixBuilder {
    /// Closes a connection on which nothing came for this long (whole seconds, `smtpd_timeout`).
    pub fn idle_timeout(self, timeout: Duration) -> Self {
        self.set("smtpd_timeout", &format!("{}s", timeout.as_secs().max(1)))
    }

    /// No STARTTLS on the plain port; AUTH is offered there in clear.
    pub fn without_starttls(mut self) -> Self {
        self.options.starttls = false;
        self
    }

    /// No AUTH anywhere: who connects from this machine may send, as behind a firewall.
    pub fn without_auth(mut self) -> Self {
        self.options.auth = false;
        self
    }

    /// Any parameter of main.cf, for example `("smtputf8_enable", "no")` or `("message_size_limit", "2000")`.
    pub fn set(mut self, parameter: &str, value: &str) -> Self {
        self.options.settings.push((parameter.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it answers.
    ///
    /// # Errors
    ///
    /// As [`Postfix::start`].
    pub fn start(self) -> Result<Postfix> {
        Postfix::start_with(&self.options)
    }
}

impl SmtpPeer for Postfix {
    fn name(&self) -> &'static str {
        "Postfix"
    }

    fn port(&self) -> u16 {
        self.ports.starttls.number()
    }

    fn tls_port(&self) -> Option<u16> {
        Some(self.ports.implicit_tls.number())
    }

    fn ca_file(&self) -> &Path {
        &self.certificates.ca
    }

    fn mails(&self) -> Result<Vec<Mail>> {
        maildir::read(&self.folder.path().join("mail"), || self.log())
    }

    fn connections(&self) -> Result<usize> {
        // One of the log's lines is our own question whether it is ready. The log is written by a process of its own, a
        // little later; but what led to a message is there once `mails` has given that message.
        Ok(self.log().matches("]: connect from ").count().saturating_sub(1))
    }

    fn processes(&self) -> Result<Vec<u32>> {
        self.process.running()
    }

    fn log(&self) -> String {
        read_log(self.folder.path())
    }

    fn stop(mut self) -> Result<()> {
        self.process.stop()
    }
}

fn read_log(root: &Path) -> String {
    std::fs::read_to_string(root.join(config::LOG)).unwrap_or_default()
}

/// Puts [`USER`] into the SASL database of this instance.
fn add_account(saslpasswd: &Path, root: &Path) -> Result<()> {
    let (user, realm) = USER.split_once('@').context("the account is written user@domain")?;
    let database = root.join(config::SASL_DATABASE);
    let mut command = Command::new(saslpasswd);
    command.args(["-p", "-c", "-u", realm, "-f"]).arg(&database).arg(user);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().context("starting saslpasswd2")?;
    child.stdin.take().context("saslpasswd2 has an input")?.write_all(PASSWORD.as_bytes())?;
    let output = child.wait_with_output()?;
    if !output.status.success() {
        bail!("saslpasswd2: {}", String::from_utf8_lossy(&output.stderr));
    }
    config::give_to("postfix", &database)
}

/// Whether an SMTP server greets on this port.
fn greets(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    let mut greeting = [0; 4];
    stream.set_read_timeout(Some(Duration::from_secs(5))).is_ok()
        && stream.read_exact(&mut greeting).is_ok()
        && stream.write_all(b"QUIT\r\n").is_ok()
        && &greeting == b"220 "
}
