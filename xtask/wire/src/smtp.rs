//! A dialogue of SMTP as a page shows it.

use crate::mask::Mask;
use connector_testkit::SmtpSession;

/// Both sides' lines, with the mail in its place. `C:` is the connector, `S:` the server. What comes after the message is
/// left out: a connection is closed when it has been idle for a while, or when the process ends.
pub fn dialogue(session: &SmtpSession, mask: &Mask) -> String {
    let mut mails = session.messages.iter();
    let mut lines = Vec::new();
    for line in session.lines.iter().take_while(|line| *line != "C: QUIT") {
        if lines.last().is_some_and(|last| last == "C: STARTTLS") && line.starts_with("S: 2") {
            lines.extend([line.clone(), "(encrypted from here on)".to_owned()]);
            continue;
        }
        match line.strip_prefix("C: ") {
            Some("(message)") => lines.extend(mails.next().map(|mail| mail_lines(&mail.wire, mask))),
            Some(said) => lines.push(format!("C: {}", command(said, mask))),
            None => lines.push(line.clone()),
        }
    }
    lines.join("\n")
}

fn command(said: &str, mask: &Mask) -> String {
    match said.split_once(' ') {
        Some(("EHLO" | "HELO", _)) => "EHLO <this machine's name>".to_owned(),
        Some(("AUTH", rest)) => match rest.split_once(' ') {
            Some((mechanism, encoded)) => {
                format!("AUTH {mechanism} {}", mask.base64(encoded).unwrap_or_else(|| "…".to_owned()))
            }
            None => said.to_owned(),
        },
        _ => mask.text(said),
    }
}

/// A mail as it went over the wire, without what differs from mail to mail.
fn mail_lines(wire: &[u8], mask: &Mask) -> String {
    let text = String::from_utf8_lossy(wire).replace("\r\n", "\n");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut shown = Vec::new();
    let mut replaced = false;
    for line in head.lines() {
        let folded = line.starts_with([' ', '\t']);
        if folded && replaced {
            continue;
        }
        let field = line.split_once(": ").filter(|_| !folded);
        let value = field.map(|(name, value)| (name, value, mask.value(name, value)));
        replaced = value.as_ref().is_some_and(|(_, value, masked)| value != masked);
        shown.push(value.map_or_else(|| mask.text(line), |(name, _, masked)| format!("{name}: {masked}")));
    }
    let mail = format!("{}\n\n{}", shown.join("\n"), mask.text(body.trim_end()));
    let mail = match boundary(&text) {
        Some(boundary) => mail.replace(boundary, "<boundary>"),
        None => mail,
    };
    mail.lines().map(|line| format!("C: {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn boundary(mail: &str) -> Option<&str> {
    Some(mail.split_once("boundary=\"")?.1.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_testkit::RecordedMail;
    use serde_json::json;

    #[test]
    fn a_dialogue_shows_the_mail_and_no_secret() {
        let mail = RecordedMail {
            mail_from: "<a@example.com>".to_owned(),
            rcpt_to: Vec::new(),
            source: Vec::new(),
            wire: b"Message-ID: <1@x>\r\nSubject: long\r\n folded\r\nDate: Fri,\r\n 2 Jan 2026\r\nContent-Type: \
                multipart/alternative;\r\n boundary=\"b1\"\r\n\r\n--b1\r\npw\r\n--b1--\r\n"
                .to_vec(),
            reply: None,
            connection: 0,
            tls: Default::default(),
        };
        // AGFubgBwdw== is "\0ann\0pw".
        let lines = [
            "S: 220 hi",
            "C: STARTTLS",
            "S: 220 go",
            "C: EHLO box",
            "C: AUTH PLAIN AGFubgBwdw==",
            "C: (message)",
            "C: .",
            "C: QUIT",
            "S: 221",
        ];
        let lines = lines.map(str::to_owned).to_vec();
        let session = SmtpSession { lines, messages: vec![mail], ..SmtpSession::default() };
        let mask = Mask::new(&json!({ "pass": "pw" }), ["pass"]);
        let expected = "\
S: 220 hi
C: STARTTLS
S: 220 go
(encrypted from here on)
C: EHLO <this machine's name>
C: AUTH PLAIN <base64 of \\0ann\\0<pass>>
C: Message-ID: <id>
C: Subject: long
C:  folded
C: Date: <time>
C: Content-Type: multipart/alternative;
C:  boundary=\"<boundary>\"
C:
C: --<boundary>
C: <pass>
C: --<boundary>--
C: .";
        assert_eq!(dialogue(&session, &mask), expected);
    }
}
