//! A real PostgreSQL server for one test: on loopback, with data of its own that ends with it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use rustix::process::{Pid, Signal, getuid, kill_process};

/// How long the server gets to start or to stop: on a busy machine it takes its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// What it writes when it can be connected to.
const READY: &str = "database system is ready to accept connections";

/// The user that runs it where the test is root's: the server refuses to run as root.
const USER: &str = "postgres";

/// Runs the server in the foreground and, beside it, a watcher that stops it once its standard input closes. So it also
/// ends when the test is killed and cannot clean up.
const LEASH: &str = r#"exec 3<&0
server=$$
(cat <&3; kill -QUIT "$server") >/dev/null 2>&1 &
exec "$@" 3<&- </dev/null"#;

/// What makes it fast; none of this data outlives the test.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=16MB",
    "max_connections=60",
    "log_min_messages=warning",
    "log_statement=none",
];

/// A PostgreSQL server of the Debian package, or wherever its programs are. Stopped when it is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    leash: Option<ChildStdin>,
    /// The lines that it writes.
    log: Receiver<String>,
}

impl PostgresServer {
    /// Starts a server with an empty database.
    ///
    /// # Panics
    ///
    /// When PostgreSQL is not installed, saying how to install it, and when it does not start.
    #[must_use]
    pub fn start() -> Self {
        let programs = programs();
        let folder = tempfile::Builder::new().prefix("postgres-").tempdir().unwrap();
        let data = folder.path().join("data");
        copy(&template(&programs, folder.path()), &data);
        give_to_user(folder.path());
        let mut server = Self { programs, folder, port: 0, running: None };
        // Between the choice of a free port and its use, somebody else may take it.
        for _ in 0..5 {
            server.port = free_port();
            if server.try_start().is_ok() {
                return server;
            }
        }
        server.resume();
        server
    }

    /// The URL of the database that the server starts with.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/{database}?sslmode=disable", self.port)
    }

    /// Makes another empty database and returns its URL.
    #[must_use]
    pub fn create_database(&self, name: &str) -> String {
        self.sql(&format!("CREATE DATABASE \"{name}\""));
        self.url_of(name)
    }

    /// Runs SQL in the database that the server starts with, and returns what it answers, a line per row.
    ///
    /// # Panics
    ///
    /// When the server refuses it.
    pub fn sql(&self, sql: &str) -> String {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--dbname"]).arg(self.url());
        let Output { status, stdout, stderr } = psql.args(["--command", sql]).output().unwrap();
        assert!(status.success(), "psql: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8_lossy(&stdout).trim().to_owned()
    }

    /// Stops the server: connections are closed, transactions undone.
    pub fn stop(&mut self) {
        self.end(Signal::INT);
    }

    /// Kills the server at once, as a crash would.
    pub fn kill(&mut self) {
        self.end(Signal::KILL);
    }

    /// Starts it again, on the same port and data, once it has been stopped or killed.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn resume(&mut self) {
        let mut last = String::new();
        // After a kill, what is left of the former server may take a moment to go.
        for _ in 0..20 {
            match self.try_start() {
                Ok(()) => return,
                Err(log) => last = log,
            }
        }
        panic!("PostgreSQL does not start; it wrote:\n{last}");
    }

    /// Stops the server and starts it again.
    pub fn restart(&mut self) {
        self.stop();
        self.resume();
    }

    /// # Errors
    ///
    /// What the server wrote, when it ended at once.
    fn try_start(&mut self) -> Result<(), String> {
        let mut server = as_user(&self.programs.join("postgres"));
        server.arg("-D").arg(self.folder.path().join("data")).args(["-p", &self.port.to_string()]);
        for setting in SETTINGS {
            server.args(["-c", setting]);
        }
        let mut leashed = Command::new("sh");
        leashed.args(["-c", LEASH, "sh"]).arg(server.get_program()).args(server.get_args());
        leashed.current_dir(self.folder.path()).env("LC_ALL", "C").process_group(0);
        leashed.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = leashed.spawn().unwrap();
        let leash = child.stdin.take();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (lines, log) = mpsc::channel();
        // Ends with the server, whose standard error it reads, so that the pipe never fills.
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = lines.send(line);
            }
        });
        let mut written = String::new();
        loop {
            match log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(READY) => {
                    self.running = Some(Running { child, leash, log });
                    return Ok(());
                }
                Ok(line) => written.extend([line.as_str(), "\n"]),
                Err(_) => {
                    drop(leash);
                    child.kill().ok();
                    child.wait().unwrap();
                    return Err(written);
                }
            }
        }
    }

    fn end(&mut self, signal: Signal) {
        let Some(Running { mut child, leash, log }) = self.running.take() else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // One that has ended already needs no signal.
            kill_process(pid, signal).ok();
        }
        child.wait().unwrap();
        drop(leash);
        // Its processes hold the other end of the pipe: when all are gone, it closes.
        while log.recv_timeout(PATIENCE).is_ok() {}
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.end(Signal::QUIT);
    }
}

/// The folder of the newest PostgreSQL's programs.
fn programs() -> PathBuf {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = debian
        .filter_map(|version| Some((version.file_name().to_str()?.parse().ok()?, version.path().join("bin"))))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).collect::<Vec<_>>();
    let found = versions.into_iter().rev().map(|(_, programs)| programs).chain(others);
    let found =
        found.into_iter().find(|programs| programs.join("initdb").exists() && programs.join("postgres").exists());
    found.expect("PostgreSQL is not installed: `apt-get install postgresql` on Debian, or `cargo xtask test`")
}

/// `program`, as a user that the server agrees to run as.
fn as_user(program: &Path) -> Command {
    if !getuid().is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", USER, "--regid", USER, "--clear-groups", "--"]).arg(program);
    command
}

fn give_to_user(folder: &Path) {
    if getuid().is_root() {
        run(Command::new("chown").args(["-R", &format!("{USER}:{USER}")]).arg(folder));
    }
}

/// A data folder as initdb makes it: made once for this build folder, as that takes a second, and copied from then on.
fn template(programs: &Path, scratch: &Path) -> PathBuf {
    let version = run(Command::new(programs.join("postgres")).arg("--version"));
    let version: String = version.chars().filter(|char| char.is_ascii_digit() || *char == '.').collect();
    let program = std::env::current_exe().unwrap();
    let template = program.parent().unwrap().join(format!("postgres-{version}"));
    let lock = fs::File::create(template.with_extension("lock")).unwrap();
    lock.lock().unwrap();
    if !template.exists() {
        let made = scratch.join("template");
        give_to_user(scratch);
        let mut initdb = as_user(&programs.join("initdb"));
        initdb.args(["-A", "trust", "-N", "-E", "UTF8", "--locale=C", "-U", USER, "-D"]).arg(&made);
        run(initdb.current_dir(scratch));
        // Whole or not at all.
        let partial = template.with_extension("partial");
        fs::remove_dir_all(&partial).ok();
        copy(&made, &partial);
        fs::rename(&partial, &template).unwrap();
        fs::remove_dir_all(&made).unwrap();
    }
    template
}

fn copy(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-R").arg(from).arg(to));
    run(Command::new("chmod").args(["-R", "go="]).arg(to));
}

fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{command:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8_lossy(&stdout).into_owned()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    listener.local_addr().unwrap().port()
}
