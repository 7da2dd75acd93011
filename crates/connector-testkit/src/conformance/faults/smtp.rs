//! Faults of an SMTP dialogue.

use super::scene::{GIBIBYTE, Scene};
use crate::SmtpAnswer;
use crate::conformance::{
    SmtpProvider, Subject,
    peer::{Server, script_of},
};

/// Sets up the fault of this name.
pub(super) async fn scene(subject: &Subject, provider: SmtpProvider, name: &str) -> Scene {
    let (step, answer) = answer(name);
    let mut scene = match answer {
        // What is waited for is what strikes, not the way there.
        SmtpAnswer::Silent if step != "GREETING" => Scene::warm(subject).await,
        SmtpAnswer::Endless(..) if step != "GREETING" => Scene::warm(subject).await,
        _ => Scene::cold(subject).await,
    };
    scene.arrives = step == "END";
    scene.floods = matches!(answer, SmtpAnswer::Endless(..));
    if answer == SmtpAnswer::Silent {
        scene = scene.stalling(subject);
    }
    if let Server::Smtp(recorder, _) = scene.peer.server() {
        recorder.set_script(script_of(provider).answer_with(step, vec![answer]));
    }
    scene
}

/// What the server says or does, and at which step.
fn answer(name: &str) -> (&'static str, SmtpAnswer) {
    let (step, written) = match name {
        "greeting_stalled" => ("GREETING", "silent"),
        "reply_stalled" => ("RCPT", "silent"),
        "no_answer" => ("END", "silent"),
        "reset_in_the_envelope" => ("RCPT", "reset"),
        "reset_in_the_message" => ("BODY", "reset"),
        "reset_after_the_message" => ("END", "reset"),
        "closed_at_the_greeting" => ("GREETING", "close"),
        "closed_in_the_envelope" => ("RCPT", "close"),
        "closed_after_the_message" => ("END", "close"),
        "reply_cut" => return ("RCPT", SmtpAnswer::Cut("250 2.1".to_owned())),
        "last_reply_cut" => return ("END", SmtpAnswer::Cut("250 2.0".to_owned())),
        "greeting_of_1_gib" => return ("GREETING", SmtpAnswer::Endless("220 ".to_owned(), GIBIBYTE)),
        "line_of_1_gib" => return ("RCPT", SmtpAnswer::Endless("250 ".to_owned(), GIBIBYTE)),
        "last_line_of_1_gib" => return ("END", SmtpAnswer::Endless("250 ".to_owned(), GIBIBYTE)),
        "reply_of_1_gib" => return ("RCPT", SmtpAnswer::Endless("250-more\r\n".to_owned(), GIBIBYTE)),
        "last_reply_of_1_gib" => return ("END", SmtpAnswer::Endless("250-more\r\n".to_owned(), GIBIBYTE)),
        "greeting_is_no_smtp" => ("GREETING", "HTTP/1.1 400 Bad Request"),
        "reply_is_no_smtp" => ("RCPT", "I am not sure"),
        "last_reply_is_no_smtp" => ("END", "I am not sure"),
        "reply_421_to_greeting" => ("GREETING", "421 4.3.2 Service not available"),
        "reply_421_to_rcpt" => ("RCPT", "421 4.3.0 Shutting down"),
        "reply_421_to_message" => ("END", "421 4.3.0 Shutting down"),
        "reply_4xx_to_ehlo" => ("EHLO", "451 4.3.0 Try later"),
        "reply_4xx_to_starttls" => ("STARTTLS", "454 4.7.0 TLS not available"),
        "reply_4xx_to_auth" => ("AUTH", "454 4.7.0 Temporary authentication failure"),
        "reply_4xx_to_mail" => ("MAIL", "451 4.3.0 Try later"),
        "reply_4xx_to_rcpt" => ("RCPT", "450 4.2.0 Try later"),
        "reply_4xx_to_data" => ("DATA", "451 4.3.0 Try later"),
        "reply_4xx_to_message" => ("END", "451 4.3.0 Queue file write error"),
        "reply_5xx_to_greeting" => ("GREETING", "554 5.7.1 Your address is listed"),
        "reply_5xx_to_ehlo" => ("EHLO", "550 5.7.1 Invalid name"),
        "reply_5xx_to_starttls" => ("STARTTLS", "502 5.5.1 Not implemented"),
        "reply_5xx_to_auth" => ("AUTH", "535 5.7.8 Authentication credentials invalid"),
        "reply_5xx_to_mail" => ("MAIL", "553 5.1.8 Sender address refused"),
        "reply_5xx_to_rcpt" => ("RCPT", "550 5.1.1 No such user"),
        "reply_5xx_to_data" => ("DATA", "554 5.5.1 No valid recipients"),
        "reply_5xx_to_message" => ("END", "554 5.7.1 Content refused"),
        _ => panic!("nothing strikes under the name {name}"),
    };
    (step, SmtpAnswer::from(written))
}
