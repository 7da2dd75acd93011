//! Usage errors, help and completions.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use connector_testkit::SmtpScript;
use serde_json::json;

use crate::{Files, SENDGRID, binary, home::Home, message, run, sendgrid_config};

const COMMANDS: [&str; 21] = [
    "quickstart",
    "list",
    "describe",
    "schema",
    "validate",
    "setup",
    "change",
    "status",
    "history",
    "test",
    "rollback",
    "remove",
    "send",
    "code",
    "templates",
    "sign-in",
    "promote",
    "export",
    "import",
    "keys",
    "completions",
];

#[test]
fn every_command_has_help_with_an_example() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    for command in COMMANDS {
        assert!(help.stdout.contains(&format!("  {command} ")), "{command} is missing in {}", help.stdout);
        let help = run(&[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert!(help.stdout.contains("Example"), "{}", help.stdout);
        assert!(help.stdout.contains(&format!("email-connectors {command}")), "{}", help.stdout);
    }
    assert!(!help.stdout.contains("  serve"), "serve is not there yet");
    let version = run(&["--version"]);
    assert_eq!((version.code, version.stdout), (0, format!("email-connectors {}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn usage_errors_exit_64() {
    for arguments in [
        &[][..],
        &["bogus"],
        &["list", "--bogus"],
        &["describe"],
        &["validate", "smtp"],
        &["send", "smtp", "--config", "a", "--message", "b", "--max-time", "0"],
        &["send", "smtp", "--config", "a", "--message", "b", "--max-time", "soon"],
        &["send", "smtp", "--config", "a", "--message", "b", "--connect-to", "one:two"],
        &["send", "smtp", "--config", "a", "--message", "b", "--proxy", "http://h:1", "--connect-to", "a:1:b:2"],
        &["completions", "tcsh"],
        &["send", "--message", "a", "smtp"],
        &["test", "smtp", "--config", "a"],
        &["history", "--limit", "0"],
        &["templates", "fallback"],
        &["templates", "fallback", "en", "--none"],
        &["code", "verify", "--to", "a@example.com"],
        &["promote", "--from", "a"],
        &["export", "--secrets", "plain"],
    ] {
        let failed = run(arguments);
        assert_eq!((failed.code, failed.stdout.as_str()), (64, ""), "{arguments:?}");
        assert!(!failed.stderr.is_empty());
    }
}

#[test]
fn usage_errors_are_json_for_those_who_ask() {
    let failed = run(&["send", "smtp", "--json"]);
    assert_eq!(failed.code, 64);
    let json = failed.json();
    assert_eq!((json["status"].as_str(), json["attempts"].as_u64()), (Some("failed"), Some(0)));
    assert!(json["error"]["message"].as_str().unwrap().contains("--config"));
    let failed = run(&["validate", "smtp", "--json"]);
    assert_eq!((failed.code, failed.pointers()), (64, vec![String::new()]));
    assert_eq!(failed.json()["valid"], false);
}

#[test]
fn an_unknown_connector_is_answered_with_the_nearest() {
    let files = Files::new();
    let config = files.json("config.json", &sendgrid_config());
    let message = files.json("message.json", &message());
    let with_files = ["--config", config.as_str(), "--message", message.as_str()];
    for arguments in [
        vec!["describe", "sendgird"],
        vec!["schema", "sendgird"],
        vec!["validate", "sendgird", "--config", &config],
        [&["send", "sendgird"], &with_files[..]].concat(),
    ] {
        let failed = run(&arguments);
        assert_eq!((failed.code, failed.stdout.as_str()), (64, ""));
        assert!(failed.stderr.contains("did you mean `sendgrid`?"), "{}", failed.stderr);
    }
    let failed = run(&["validate", "sendgird", "--config", &config, "--json"]);
    assert_eq!((failed.code, failed.pointers()), (64, vec![String::new()]));
    let failed = run(&[&["send", "carrier-pigeon", "--json"], &with_files[..]].concat());
    assert_eq!((failed.code, failed.json()["connector"].as_str()), (64, Some("carrier-pigeon")));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&["completions", shell]);
        assert_eq!((script.code, script.stderr.as_str()), (0, ""));
        assert!(script.stdout.contains("email-connectors") && script.stdout.contains("quickstart"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = binary().args(["describe", SENDGRID, "--json"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// A full disk: `/dev/full` takes nothing.
#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = binary().arg("list").stdout(Stdio::from(full)).output().unwrap();
    assert_eq!(output.status.code(), Some(74));
    let first = BufReader::new(&output.stderr[..]).lines().next().unwrap().unwrap();
    assert!(first.starts_with("error: the result could not be written"), "{first}");
}

/// Whatever becomes of the log, what was done is told.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_log_that_cannot_be_written_is_no_error() {
    let home = Home::new().await;
    home.server.set_script(SmtpScript::offering(&["AUTH PLAIN"]));
    let logging = |arguments: &[&str]| {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = home.command(arguments).stderr(Stdio::from(full)).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let config =
        home.config_with("smtp.json", json!({ "auth": { "user": "mailer", "pass": "s3cret" }, "ignoreTLS": true }));
    let (code, said) = logging(&["setup", "smtp", "--config", &config, "-v"]);
    assert!(code == Some(0) && said.starts_with("active: "), "{code:?} {said}");
    // The password goes out in clear, which is warned of.
    let message = home.files.json("message.json", &message());
    let (code, said) = logging(&["send", "smtp", "--config", &config, "--message", &message, "--json"]);
    assert_eq!((code, said.starts_with("{\"status\":\"sent\"")), (Some(0), true), "{said}");
}
