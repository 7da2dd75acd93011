//! A store is closed when a command ends, however it ends: the one file is then all there is.

use serde_json::json;

use crate::home::Home;

impl Home {
    /// What SQLite keeps beside the database while it is open.
    fn left_open(&self) -> Vec<&'static str> {
        let beside = ["store.sqlite-wal", "store.sqlite-shm"];
        beside.into_iter().filter(|name| self.files.path(name).exists()).collect()
    }
}

#[tokio::test]
async fn what_was_written_is_in_the_file_after_every_command() {
    let home = Home::new().await;
    for number in 0..50 {
        let template = json!({ "subject": format!("Number {number}"), "content": "{{code}}" });
        let template = home.files.json("template.json", &template);
        home.ok(&["templates", "put", &template, "--locale", "en", "--usage-type", "SignIn"]);
        assert_eq!(home.left_open(), [""; 0], "after {number}");
    }
    // So a copy of it is whole.
    for name in ["store.sqlite", "store.sqlite.key"] {
        std::fs::copy(home.files.path(name), home.files.path(&name.replace("store", "copy"))).unwrap();
    }
    let copy = format!("sqlite:{}", home.files.path("copy.sqlite").display());
    let listed = home.ok(&["templates", "list", "--store", &copy]);
    assert_eq!(listed["templates"][0]["subject"], "Number 49");
}

#[tokio::test]
async fn so_it_is_after_those_that_only_read_and_those_that_fail() {
    let (home, _) = Home::set_up().await;
    let config = home.config("smtp.json");
    home.ok(&["code", "send", "--to", "you@example.com"]);
    for (code, arguments) in [
        (0, &["status"][..]),
        (0, &["export"]),
        (0, &["keys", "rotate"]),
        (65, &["setup", "smtp", "--config", &config]),
        (65, &["remove", "--tenant", "nobody"]),
        (65, &["code", "verify", "--to", "you@example.com", "--code", "nothing"]),
        (64, &["promote", "--from", "default", "--to", "other"]),
    ] {
        for turn in 0..5 {
            assert_eq!(home.run(arguments).code, code, "{arguments:?}");
            assert_eq!(home.left_open(), [""; 0], "after {arguments:?}, turn {turn}");
        }
    }
}

#[cfg(unix)]
mod interrupted {
    use std::os::unix::process::ExitStatusExt;

    use connector_testkit::SmtpScript;
    use rustix::process::{Pid, Signal, kill_process};
    use serde_json::json;

    use crate::{
        home::Home,
        terminal::{Talk, interrupt},
    };

    const SIGINT: Option<i32> = Some(2);

    #[tokio::test(flavor = "multi_thread")]
    async fn while_a_message_is_under_way() {
        let (home, _) = Home::set_up().await;
        home.server.set_script(SmtpScript::default().answer("RCPT", &["silent"]));
        let code = ["code", "send", "--to", "you@example.com", "--max-time", "60"];
        let child = home.command(&code).spawn().unwrap();
        let waits = |command: &&str| command.starts_with("RCPT");
        let at_rcpt = home
            .server
            .wait_for("a recipient", |sessions| sessions.iter().any(|session| session.commands().iter().any(waits)));
        at_rcpt.await;
        interrupt(&child);
        let ended = child.wait_with_output().unwrap();
        assert_eq!((ended.status.signal(), ended.stdout.as_slice()), (SIGINT, &b""[..]));
        assert!(String::from_utf8_lossy(&ended.stderr).contains("interrupted: what was under way may have been done"));
        assert_eq!(home.left_open(), [""; 0]);
    }

    /// A provider that is down locks nobody out, whoever loses patience.
    #[tokio::test(flavor = "multi_thread")]
    async fn before_anything_was_written_it_counts_for_nothing() {
        let (home, _) = Home::set_up().await;
        let settings = json!({ "sendsPerRecipient": { "sends": 1, "windowSeconds": 600 } });
        let settings = home.files.json("codes.json", &settings);
        home.server.set_script(SmtpScript::default().answer("MAIL", &["silent"]));
        for (turn, (signal, number)) in (1..).zip([(Signal::INT, 2), (Signal::HUP, 1), (Signal::QUIT, 3)]) {
            let send = ["code", "send", "--settings", &settings, "--to", "you@example.com", "--max-time", "60"];
            let child = home.command(&send).spawn().unwrap();
            let waits = |command: &&str| command.starts_with("MAIL");
            let at_mail = home.server.wait_for("a sender", |sessions| {
                sessions.iter().flat_map(|session| session.commands()).filter(waits).count() >= turn
            });
            at_mail.await;
            kill_process(Pid::from_child(&child), signal).unwrap();
            assert_eq!(child.wait_with_output().unwrap().status.signal(), Some(number));
        }
        home.server.set_script(SmtpScript::default());
        home.ok(&["code", "send", "--settings", &settings, "--to", "you@example.com"]);
    }

    /// `nohup` has it go on when its terminal is closed.
    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn what_its_parent_ignores_does_not_end_it() {
        let (home, _) = Home::set_up().await;
        home.server.set_script(SmtpScript::default().answer("RCPT", &["silent"]));
        let inside = home.command(&["code", "send", "--to", "you@example.com", "--max-time", "3"]);
        let mut under = std::process::Command::new("nohup");
        under.arg(inside.get_program()).args(inside.get_args());
        under.envs(inside.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = under.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        let waits = |command: &&str| command.starts_with("RCPT");
        let at_rcpt = home
            .server
            .wait_for("a recipient", |sessions| sessions.iter().any(|session| session.commands().iter().any(waits)));
        at_rcpt.await;
        kill_process(Pid::from_child(&child), Signal::HUP).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(75), "{}", String::from_utf8_lossy(&ended.stderr));
    }

    /// A container's first process, to which signals do nothing by default.
    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn as_the_first_process_of_a_container() {
        use std::process::{Command, Stdio};

        let of_its_own = ["--pid", "--fork", "--kill-child"];
        if !Command::new("unshare").args(of_its_own).arg("true").status().is_ok_and(|status| status.success()) {
            eprintln!("not tried: this user may not have a process namespace");
            return;
        }
        let (home, _) = Home::set_up().await;
        home.server.set_script(SmtpScript::default().answer("RCPT", &["silent"]));
        let inside = home.command(&["code", "send", "--to", "you@example.com", "--max-time", "60"]);
        let mut outside = Command::new("unshare");
        outside.args(of_its_own).arg(inside.get_program()).args(inside.get_args());
        outside.envs(inside.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let outside = outside.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let waits = |command: &&str| command.starts_with("RCPT");
        let at_rcpt = home
            .server
            .wait_for("a recipient", |sessions| sessions.iter().any(|session| session.commands().iter().any(waits)));
        at_rcpt.await;
        let children = format!("/proc/{0}/task/{0}/children", outside.id());
        let first: i32 = std::fs::read_to_string(children).unwrap().trim().parse().unwrap();
        kill_process(Pid::from_raw(first).unwrap(), Signal::INT).unwrap();
        let ended = outside.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(130), "{}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(home.left_open(), [""; 0]);
    }

    #[tokio::test]
    async fn while_a_question_is_open() {
        let (home, _) = Home::set_up().await;
        let mut talk = Talk::begin(&mut home.command(&["promote", "--from", "default", "--to", "other"]));
        talk.wait_for("[y/N] ");
        assert_eq!(talk.interrupt().signal(), SIGINT);
        assert_eq!(home.left_open(), [""; 0]);
    }
}
