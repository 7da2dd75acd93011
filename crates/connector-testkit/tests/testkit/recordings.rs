//! The reference recordings: all of them can be read, and nothing in them is left unread.

use connector_testkit::{CONNECTORS, Fault, I18n, Outcome, SmtpAnswer, parse_mail, recordings};

#[test]
fn every_recording_can_be_read() {
    let counts: Vec<usize> = CONNECTORS.iter().map(|connector| recordings(connector).len()).collect();
    assert_eq!(counts, [36, 47, 35, 31, 39, 35, 34, 51]);
    for connector in CONNECTORS {
        for recording in recordings(connector) {
            assert!(recording.id().starts_with(&format!("{connector}/")), "{}", recording.id());
            assert!(recording.given.data["to"].is_string(), "{}", recording.id());
        }
    }
}

#[test]
fn answers_and_outcomes_keep_their_meaning() {
    let sendgrid = recordings("sendgrid");
    let find = |id: &str| sendgrid.iter().find(|recording| recording.id() == id).unwrap();
    let faults: Vec<Fault> =
        sendgrid.iter().filter_map(|recording| Some(recording.given.answers.as_ref()?[0].fault)).collect();
    assert!(faults.contains(&Fault::CutBody) && faults.contains(&Fault::ResetAfterRead));

    let html = find("sendgrid/answer-200-html");
    assert!(html.recorded.config_is_valid());
    assert!(matches!(html.recorded.outcome, Outcome::Result(_)));
    let answer = &html.given.answers.as_ref().unwrap()[0];
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers, [("content-type".to_owned(), "text/html".to_owned())]);
    let request = &html.recorded.requests[0];
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/v3/mail/send"));
    assert!(request.body.as_ref().unwrap().json.is_some());

    assert!(sendgrid.iter().any(|recording| recording.given.i18n == Some(I18n::Throws)));
    assert!(sendgrid.iter().any(|recording| recording.recorded.outcome.code() == Some("general")));
    let hang_up = recordings("http-email").into_iter().find(|recording| recording.id() == "http-email/answer-hang-up");
    assert_eq!(hang_up.unwrap().given.answers.unwrap()[0].fault, Fault::HangUp);
}

#[test]
fn smtp_scripts_are_read() {
    let smtp = recordings("smtp");
    let script = |id: &str| {
        let recording = smtp.iter().find(|recording| recording.id() == id).unwrap();
        recording.given.smtp.clone().unwrap()
    };
    let expected =
        connector_testkit::SmtpScript::offering(&["PIPELINING", "SIZE 10485760", "8BITMIME", "AUTH PLAIN LOGIN"])
            .answer_with("GREETING", vec![SmtpAnswer::Silent]);
    assert_eq!(script("smtp/timeout-greeting"), expected);
    assert!(script("smtp/implicit-tls-servername").implicit_tls);
}

#[test]
fn recorded_mails_parse_to_what_was_decoded() {
    let plain = |text: Option<String>| text.unwrap_or_default().replace("\r\n", "\n").trim().to_owned();
    for recording in recordings("smtp") {
        for mail in recording.recorded.smtp.iter().flat_map(|session| &session.messages) {
            let parsed = parse_mail(mail.source.as_bytes());
            let decoded = |name: &str| {
                mail.decoded.get(name).and_then(|value| value.as_str()).unwrap_or_default().trim().to_owned()
            };
            assert_eq!(plain(parsed.html), decoded("html"), "{}", recording.id());
            assert_eq!(plain(parsed.text), decoded("text"), "{}", recording.id());
            assert_eq!(plain(parsed.subject), decoded("subject"), "{}", recording.id());
            assert_eq!(parsed.headers.len(), mail.headers.len(), "{}", recording.id());
        }
    }
}
