//! The command line as its users see it: the real binary, its output and its exit codes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod closing;
mod codes;
mod connectors;
mod files;
mod home;
mod languages;
mod lifecycle;
mod limits;
mod people;
mod promotion;
mod quickstart;
mod readme;
mod send;
mod stores;
mod templates;
#[cfg(unix)]
mod terminal;
mod usage;

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

const SENDGRID: &str = "sendgrid-email-service";
const SMTP: &str = "simple-mail-transfer-protocol";

/// What a run of the binary left.
struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    /// Standard output as the one JSON object it must be.
    fn json(&self) -> Value {
        let value: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|cause| panic!("not JSON ({cause}): {}\n{}", self.stdout, self.stderr));
        assert!(value.is_object());
        value
    }

    /// Where the problems of a validation or a failure are.
    fn pointers(&self) -> Vec<String> {
        let json = self.json();
        let problems = json.get("problems").unwrap_or(&json["error"]["problems"]);
        problems.as_array().unwrap().iter().map(|problem| problem["pointer"].as_str().unwrap().to_owned()).collect()
    }

    fn assert_shows_none_of(&self, hidden: &[&str]) {
        for text in hidden {
            assert!(!self.stdout.contains(text), "{text} shows in {}", self.stdout);
            assert!(!self.stderr.contains(text), "{text} shows in {}", self.stderr);
        }
    }
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_email-connectors"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("EMAIL_CONNECTORS_")) {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").env_remove("NO_COLOR").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn finish(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().expect("ended by a signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn run(arguments: &[&str]) -> Run {
    let run = finish(binary().args(arguments));
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Runs with `input` on standard input.
fn run_with(input: &[u8], arguments: &[&str]) -> Run {
    let mut child = binary().args(arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The binary may have seen enough before all is written.
    let _ = stdin.write_all(input);
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().expect("ended by a signal"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder for one test's files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and returns its path.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn json(&self, name: &str, content: &Value) -> String {
        self.write(name, content.to_string())
    }
}

fn templates(content_type_key: &str) -> Value {
    let template = |usage_type: &str| {
        let mut template = json!({
            "usageType": usage_type, "subject": format!("{usage_type} {{{{code}}}}"), "content": "<b>{{code}}</b>",
        });
        template[content_type_key] = json!("text/html");
        template
    };
    Value::Array(["SignIn", "Register", "ForgotPassword", "Generic"].map(template).to_vec())
}

fn sendgrid_config() -> Value {
    json!({ "apiKey": "SG.very-secret", "fromEmail": "no-reply@example.com", "templates": templates("type") })
}

fn smtp_config(port: u16) -> Value {
    json!({
        "host": "127.0.0.1", "port": port, "auth": {}, "fromEmail": "Example <no-reply@example.com>",
        "templates": templates("contentType"),
    })
}

fn message() -> Value {
    json!({ "to": "user@example.com", "type": "SignIn", "payload": { "code": "246810" } })
}
