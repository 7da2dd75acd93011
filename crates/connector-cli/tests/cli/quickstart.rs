//! `quickstart`: alone, for a program, and with somebody at the keyboard.

use crate::{SMTP, run};

#[test]
fn without_a_terminal_it_reads_the_code_itself_and_says_so() {
    for arguments in [&["quickstart"][..], &["quickstart", "--yes"]] {
        let shown = run(arguments);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        for text in [
            "127.0.0.1:",
            SMTP,
            "| To: you@example.com",
            "| Subject: Your code to sign in",
            "the code was read out of the mail",
            "Verified.",
            "email-connectors list",
            "email-connectors describe sendgrid",
            "email-connectors validate sendgrid --config sendgrid.json",
            "email-connectors send sendgrid --config sendgrid.json --message message.json",
        ] {
            assert!(shown.stdout.contains(text), "{text} is missing in {}", shown.stdout);
        }
    }
}

#[test]
fn for_a_program_it_is_one_object() {
    let verified = run(&["quickstart", "--json"]);
    assert_eq!((verified.code, verified.stderr.as_str()), (0, ""));
    let verified = verified.json();
    assert_eq!((verified["status"].as_str(), verified["connector"].as_str()), (Some("verified"), Some(SMTP)));
    assert!(verified["mail"].as_str().unwrap().contains("Your code to sign in is "));
}

/// With a terminal for its standard input.
#[cfg(unix)]
mod at_a_terminal {
    use crate::{binary, terminal::Talk};

    fn begin() -> Talk {
        Talk::begin(binary().arg("quickstart"))
    }

    fn code(talk: &Talk) -> String {
        let (_, rest) = talk.seen.split_once("Your code to sign in is ").unwrap();
        rest[..6].to_owned()
    }

    #[test]
    fn the_code_that_is_typed_is_verified() {
        let mut talk = begin();
        talk.wait_for("Type the code from the mail: ");
        talk.hit("wrong\n");
        talk.wait_for("(2 more). The code from the mail: ");
        let code = code(&talk);
        talk.hit(&format!(" {code}\n"));
        let (exit, seen) = talk.end();
        assert_eq!(exit, 0);
        assert!(seen.contains("Verified."), "{seen}");
    }

    #[test]
    fn three_wrong_tries_are_the_end() {
        let mut talk = begin();
        for prompt in [
            "Type the code from the mail: ",
            "(2 more). The code from the mail: ",
            "(1 more). The code from the mail: ",
        ] {
            talk.wait_for(prompt);
            talk.hit("1234567\n");
        }
        let (exit, seen) = talk.end();
        assert_eq!(exit, 65);
        assert!(!seen.contains("Verified."), "{seen}");
    }

    #[test]
    fn nobody_at_the_keyboard_is_the_end_too() {
        let mut talk = begin();
        talk.wait_for("Type the code from the mail: ");
        // Ctrl-D.
        talk.hit("\x04");
        assert_eq!(talk.end().0, 65);
    }
}
