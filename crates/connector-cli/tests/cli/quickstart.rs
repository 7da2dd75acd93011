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
    use std::{
        fs::{File, OpenOptions},
        io::{Read, Write},
        process::{Child, ChildStdout},
    };

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use crate::binary;

    struct Talk {
        keyboard: File,
        child: Child,
        stdout: ChildStdout,
        seen: String,
    }

    impl Talk {
        fn begin() -> Self {
            let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
            grantpt(&keyboard).unwrap();
            unlockpt(&keyboard).unwrap();
            let name = ptsname(&keyboard, Vec::new()).unwrap().into_string().unwrap();
            let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
            let mut child = binary().arg("quickstart").stdin(terminal).spawn().unwrap();
            let stdout = child.stdout.take().unwrap();
            Self { keyboard: keyboard.into(), child, stdout, seen: String::new() }
        }

        /// Reads on until the end of what was said is `prompt`.
        fn wait_for(&mut self, prompt: &str) {
            let mut byte = [0];
            while !self.seen.ends_with(prompt) {
                self.stdout.read_exact(&mut byte).unwrap_or_else(|_| panic!("{prompt} never came: {}", self.seen));
                self.seen.push(char::from(byte[0]));
            }
        }

        fn hit(&mut self, keys: &str) {
            self.keyboard.write_all(keys.as_bytes()).unwrap();
        }

        fn code(&self) -> String {
            let (_, rest) = self.seen.split_once("Your code to sign in is ").unwrap();
            rest[..6].to_owned()
        }

        fn end(mut self) -> (i32, String) {
            self.stdout.read_to_string(&mut self.seen).unwrap();
            (self.child.wait().unwrap().code().unwrap(), self.seen)
        }
    }

    #[test]
    fn the_code_that_is_typed_is_verified() {
        let mut talk = Talk::begin();
        talk.wait_for("Type the code from the mail: ");
        talk.hit("wrong\n");
        talk.wait_for("(2 more). The code from the mail: ");
        let code = talk.code();
        talk.hit(&format!(" {code}\n"));
        let (exit, seen) = talk.end();
        assert_eq!(exit, 0);
        assert!(seen.contains("Verified."), "{seen}");
    }

    #[test]
    fn three_wrong_tries_are_the_end() {
        let mut talk = Talk::begin();
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
        let mut talk = Talk::begin();
        talk.wait_for("Type the code from the mail: ");
        // Ctrl-D.
        talk.hit("\x04");
        assert_eq!(talk.end().0, 65);
    }
}
