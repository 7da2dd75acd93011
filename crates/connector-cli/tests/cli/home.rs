//! A store of its own for each test, and a mail server to send to.

use std::process::Command;

use connector_testkit::{SmtpRecorder, SmtpRecorderOptions, SmtpScript, parse_mail};
use serde_json::{Value, json};

use crate::{Files, Run, binary, finish, smtp_config};

/// A store, in a SQLite file in a folder of its own unless changed, and a mail server.
pub struct Home {
    pub files: Files,
    pub server: SmtpRecorder,
    pub url: String,
    pub key_file: Option<String>,
}

impl Home {
    pub async fn new() -> Self {
        let files = Files::new();
        let url = format!("sqlite:{}", files.path("store.sqlite").display());
        let server = SmtpRecorder::start(SmtpRecorderOptions::default()).await;
        Self { files, server, url, key_file: None }
    }

    /// With the SMTP connector active for the tenant `default`; returns its id, too.
    pub async fn set_up() -> (Self, String) {
        let home = Self::new().await;
        let id = home.ok(&["setup", "smtp", "--config", &home.config("first.json")])["id"].as_str().unwrap().to_owned();
        (home, id)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = binary();
        command.args(arguments).env("EMAIL_CONNECTORS_STORE", &self.url);
        command.envs(self.key_file.iter().map(|file| ("EMAIL_CONNECTORS_KEY_FILE", file)));
        command
    }

    /// Runs with this store.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let run = finish(&mut self.command(arguments));
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        run.assert_shows_none_of(&[PASSWORD]);
        run
    }

    /// What a command that succeeds prints with `--json`.
    pub fn ok(&self, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{arguments:?}: {}", run.stdout);
        run.json()
    }

    /// The error of a command that fails, which exits with `code`.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, code, "{arguments:?}: {}{}", run.stdout, run.stderr);
        let failed = run.json();
        assert_eq!(failed["status"], "failed");
        // For a person, it is the same code and a sentence.
        let told = self.run(arguments);
        assert_eq!((told.code, told.stdout.as_str()), (code, ""), "{arguments:?}");
        assert!(told.stderr.starts_with("error: "), "{}", told.stderr);
        failed["error"].clone()
    }

    /// A configuration of the SMTP connector for the server, with a password.
    pub fn config(&self, name: &str) -> String {
        self.config_with(name, json!({}))
    }

    /// The same, with `changes` over it.
    pub fn config_with(&self, name: &str, changes: Value) -> String {
        let mut config = smtp_config(self.server.port());
        for (name, value) in changes.as_object().unwrap() {
            config[name] = value.clone();
        }
        self.files.json(name, &config)
    }

    /// Has the server refuse every recipient for good.
    pub fn refuse(&self) {
        self.server.set_script(SmtpScript::default().answer("RCPT", &["550 5.1.1 No such user"]));
    }

    /// The subjects of the mails that arrived.
    pub fn subjects(&self) -> Vec<String> {
        let mails = self.server.messages();
        mails.iter().map(|mail| parse_mail(&mail.source).subject.unwrap()).collect()
    }

    pub fn active(&self) -> Value {
        self.ok(&["status"])["active"].clone()
    }
}

/// A secret that no output may show.
pub const PASSWORD: &str = "SG.pa55word-of-the-relay";

/// A SendGrid configuration with that secret, which nothing is ever sent through.
pub fn secret_config() -> Value {
    let mut config = crate::sendgrid_config();
    config["apiKey"] = PASSWORD.into();
    config
}
