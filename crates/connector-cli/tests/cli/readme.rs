//! The tour in the README: every command, as it stands there.

use connector_testkit::{SmtpRecorder, SmtpRecorderOptions, parse_mail, readme_blocks};

use crate::{Files, Run, binary, finish};

/// Runs `line` as a person would, with a data directory of its own.
#[cfg(unix)]
fn shell(files: &Files, line: &str) -> Run {
    let ours = binary();
    let folder = std::path::Path::new(ours.get_program()).parent().unwrap();
    let folders = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    let path = std::env::join_paths(std::iter::once(folder.to_owned()).chain(folders)).unwrap();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", line]).current_dir(files.0.path()).env("PATH", path).env("XDG_DATA_HOME", files.path("data"));
    for (name, _) in ours.get_envs() {
        command.env_remove(name);
    }
    finish(&mut command)
}

#[cfg(unix)]
#[tokio::test]
async fn every_command_of_the_tour_does_what_it_says() {
    let files = Files::new();
    let server = SmtpRecorder::start(SmtpRecorderOptions::default()).await;
    let mut ran = Vec::new();
    for block in readme_blocks(include_str!("../../README.md")) {
        let mine = |text: &str| text.replace("2525", &server.port().to_string());
        match (block.language.as_str(), &block.file) {
            ("json", Some(file)) => drop(files.write(file, mine(&block.code))),
            ("sh", _) => {
                for line in block.code.lines() {
                    let code = server.messages().last().map(|mail| {
                        let subject = parse_mail(&mail.source).subject.unwrap_or_default();
                        subject.split(' ').next().unwrap_or_default().to_owned()
                    });
                    // The one thing that nobody can know beforehand.
                    let line = line.replace("<code>", code.as_deref().unwrap_or_default());
                    let result = shell(&files, &line);
                    assert_eq!(result.code, 0, "{line}: {}{}", result.stdout, result.stderr);
                    assert!(!result.stdout.is_empty(), "{line}");
                    ran.push(line);
                }
            }
            _ => {}
        }
    }
    for command in [
        "setup",
        "status",
        "send",
        "code send",
        "code verify",
        "test",
        "change",
        "rollback",
        "history",
        "templates put",
        "sign-in put",
        "promote",
        "export",
        "import",
        "keys rotate",
        "remove",
    ] {
        let shown =
            ran.iter().any(|line| line.contains(&format!("email-connectors {command} ")) || line.ends_with(command));
        assert!(shown, "the tour does not show {command}: {ran:#?}");
    }
}
