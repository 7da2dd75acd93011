//! Exim as a server that many operators have, with the limits that Debian's package comes with.

use crate::postfix::port::Port;
use crate::process::Process;
use crate::{PATIENCE, installed, until};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, Permissions};
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The user that Debian's Exim is built to run as.
const USER: &str = "Debian-exim";

/// What goes beyond Debian's defaults is where its files are, and that it takes mail for its own domain from anybody: so the
/// limits are those of every stock Exim.
const CONFIGURATION: &str = "\
exim_path = ROOT/exim
spool_directory = ROOT/spool
log_file_path = ROOT/log/%slog
pid_file_path = ROOT/log/exim.pid
daemon_smtp_ports = PORT
local_interfaces = 127.0.0.1
primary_hostname = mail.example.test
tls_advertise_hosts =
keep_environment =
deliver_drop_privilege
acl_smtp_rcpt = accept
acl_smtp_data = accept
begin routers
local:
  driver = accept
  domains = example.test
  transport = maildir
begin transports
maildir:
  driver = appendfile
  maildir_format
  create_directory
  directory = ROOT/mail
  user = Debian-exim
";

/// An Exim of its own: configuration, spool and log included. It touches nothing of the system's, and delivers mail for
/// `example.test` to one maildir.
pub struct Exim {
    // Dropped in this order: the process before the folder that it writes to.
    process: Process,
    folder: TempDir,
    port: Port,
}

impl Exim {
    /// A mailbox.
    pub const INBOX: &str = "inbox@example.test";

    /// Starts it and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// When Exim is not unpacked, the tests do not run as root, or it does not start: the message holds its log.
    pub fn start() -> Result<Self> {
        let program = installed::peer("Exim", "unpacked/usr/sbin/exim4")?;
        installed::require_root("Exim")?;
        let folder = tempfile::Builder::new().prefix("e2e-exim-").tempdir()?;
        let root = folder.path();
        let set_mode = |path: &Path| fs::set_permissions(path, Permissions::from_mode(0o755));
        set_mode(root)?;
        for name in ["spool", "log", "mail"] {
            let path = root.join(name);
            fs::create_dir(&path)?;
            chown(&path, Some(id("-u")?), Some(id("-g")?)).with_context(|| format!("giving {name} to {USER}"))?;
        }
        // Where its own user can run it, without the rights that the package gives it.
        fs::copy(program, root.join("exim")).context("copying Exim")?;
        set_mode(&root.join("exim"))?;
        let port = Port::claim()?;
        let configuration =
            CONFIGURATION.replace("ROOT", &root.display().to_string()).replace("PORT", &port.number().to_string());
        fs::write(root.join("exim.conf"), configuration)?;
        fs::set_permissions(root.join("exim.conf"), Permissions::from_mode(0o644))?;
        // In the foreground. The queue is run every half an hour, as Debian's is: what is held stays held here.
        let mut command = Command::new(root.join("exim"));
        command.arg("-C").arg(root.join("exim.conf")).args(["-bdf", "-q30m"]);
        let process = Process::start("Exim", &command, &root.join("output.log"))?;
        let mut started = Self { process, folder, port };
        started.wait_until_ready()?;
        Ok(started)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        until(PATIENCE, "Exim to take connections", || {
            if let Some(status) = self.process.exited()? {
                bail!("Exim ended at once ({status})");
            }
            Ok(TcpStream::connect(("127.0.0.1", self.port())).ok().map(drop))
        })
        .with_context(|| format!("{}{}", self.process.output(), self.log()))
    }

    /// The port on 127.0.0.1, in clear and without authentication.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Exim's main log.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log/mainlog")).unwrap_or_default()
    }

    /// How many messages were accepted so far, and how many of them delivered.
    #[must_use]
    pub fn accepted_and_delivered(&self) -> (usize, usize) {
        let log = self.log();
        (log.matches(" <= ").count(), log.matches(" => ").count())
    }

    /// How many messages wait in the spool.
    ///
    /// # Errors
    ///
    /// When the spool cannot be read.
    pub fn spooled(&self) -> Result<usize> {
        let Ok(entries) = fs::read_dir(self.folder.path().join("spool/input")) else { return Ok(0) };
        let names: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
        Ok(names?.iter().filter(|name| name.to_string_lossy().ends_with("-H")).count())
    }
}

/// The number of Exim's user, or of its group.
fn id(which: &str) -> Result<u32> {
    let output = Command::new("id").args([which, USER]).output().context("running id")?;
    let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    id.parse().with_context(|| format!("there is no user {USER}. Run `cargo xtask test` once: it makes it"))
}
