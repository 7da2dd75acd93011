//! All recordings of Logto's published connector, replayed: ours says the same to the server and sends the same mail,
//! apart from the differences named here, each a function and each deliberate.

use connector_kit::{Context, Delivery, Error, ErrorKind, Message, SendContext};
use connector_smtp::CONNECTOR;
use connector_testkit::{
    MailRecord, ParsedMail, ParsedMailbox, Recording, RefusedPort, SessionRecord, SmtpRecorder, SmtpRecorderOptions,
    SmtpSession, TestCa, parse_mail, recordings,
    replay::{
        Expectations,
        Expected::{self, Failed, Refused},
    },
};
use serde_json::Value;

use crate::support::{context, localized};

/// Every failure has a kind.
const NOT_SENT: &[(&str, Expected)] = {
    use {Delivery::*, ErrorKind::*};
    &[
        ("smtp/answer-end-552", Failed(Rejected, NotSent)),
        ("smtp/answer-greeting-421", Failed(Unavailable, NotSent)),
        ("smtp/answer-greeting-closes", Failed(Unavailable, NotSent)),
        ("smtp/answer-mail-closes", Failed(Unavailable, NotSent)),
        ("smtp/answer-rcpt-closes", Failed(Unavailable, NotSent)),
        ("smtp/auth-user-without-pass", Refused(&["/auth/pass"])),
        ("smtp/config-no-templates", Refused(&["/templates"])),
        ("smtp/config-null", Refused(&[""])),
        ("smtp/config-without-auth", Refused(&["/auth"])),
        ("smtp/config-without-fromEmail", Refused(&["/fromEmail"])),
        ("smtp/config-without-host", Refused(&["/host"])),
        ("smtp/config-without-port", Refused(&["/port"])),
        ("smtp/config-without-templates", Refused(&["/templates"])),
        ("smtp/config-wrong-secure", Refused(&["/secure"])),
        (
            "smtp/config-wrong-templates",
            Refused(&[
                "/templates/0/contentType",
                "/templates/1/contentType",
                "/templates/2/contentType",
                "/templates/3/contentType",
            ]),
        ),
        ("smtp/from-crlf", Refused(&["/fromEmail"])),
        ("smtp/network-refused", Failed(Unavailable, NotSent)),
        ("smtp/starttls-required-refused", Failed(Rejected, NotSent)),
        ("smtp/timeout-greeting", Failed(Unavailable, NotSent)),
        // "CR/LF, commas and several addresses in `to` … one valid mailbox … before any connection".
        ("smtp/to-crlf", Failed(InvalidMessage, NotSent)),
        ("smtp/to-list", Failed(InvalidMessage, NotSent)),
        ("smtp/type-no-generic", Refused(&["/templates"])),
    ]
};

fn expectations() -> Expectations {
    Expectations {
        recordings: recordings("smtp"),
        not_sent: NOT_SENT,
        sent_by_logto_alone: &["smtp/from-crlf", "smtp/to-crlf", "smtp/to-list"],
        // A user without a password cannot sign in, and a line break in `fromEmail` would start a header of its own:
        // Logto finds out when it sends, or never.
        refused_by_us_alone: &["smtp/auth-user-without-pass", "smtp/from-crlf"],
        ..Expectations::default()
    }
}

/// What ours is to say for a recording: nothing where the caller is at fault, else what Logto's said.
fn expected_sessions(recording: &Recording, expectations: &Expectations) -> Vec<SessionRecord> {
    if !expectations.reaches_the_provider(recording.id()) {
        return Vec::new();
    }
    let mut sessions = recording.recorded.smtp.clone();
    sessions.iter_mut().for_each(says_goodbye);
    if recording.id() == "smtp/i18n-all-fields-plain" {
        sessions.iter_mut().for_each(a_name_goes_with_the_configured_address);
    }
    sessions
}

/// "sendFrom that is only a display name loses the From address … a name goes with the configured address".
fn a_name_goes_with_the_configured_address(session: &mut SessionRecord) {
    for line in session.lines.iter_mut().filter(|line| line.starts_with("C: MAIL FROM:")) {
        *line = "C: MAIL FROM:<noreply@example.com>".to_owned();
    }
    for mail in &mut session.messages {
        mail.mail_from = "<noreply@example.com>".to_owned();
        mail.headers.insert(0, ("From".to_owned(), "Demo Team <noreply@example.com>".to_owned()));
        mail.decoded["from"] = serde_json::json!({ "address": "noreply@example.com", "name": "Demo Team" });
    }
}

/// "a connection per message, closed without QUIT … pooled, closed politely": wherever the server still listens.
fn says_goodbye(session: &mut SessionRecord) {
    let last = session.lines.last().map(String::as_str).unwrap_or_default();
    if last.starts_with("S: ") && last != "S: (closes)" && !last.starts_with("S: 421") {
        session.lines.extend(["C: QUIT".to_owned(), "S: 221 2.0.0 Bye".to_owned()]);
    }
}

#[tokio::test]
async fn speaks_as_logtos_connector() {
    let expectations = expectations();
    for recording in &expectations.recordings {
        replay(recording, &expectations).await;
    }
    expectations.assert_names(&[]);
    expectations.assert_agrees_on_what_is_sent();
}

#[test]
fn configurations_are_judged_as_logto_judges_them() {
    expectations().assert_configurations(&CONNECTOR);
}

async fn replay(recording: &Recording, expectations: &Expectations) {
    let (id, given, expected) = (recording.id(), &recording.given, expected_sessions(recording, expectations));
    let network = given.network.unwrap_or_default();
    let (ca, somebody_else) = (TestCa::new(), TestCa::new());
    let issuer = if network.untrusted { &somebody_else } else { &ca };
    let name = given.effective_config()["servername"].as_str().unwrap_or("smtp.example.com");
    let server = SmtpRecorder::start(SmtpRecorderOptions {
        tls: Some(issuer.server_config(&[name])),
        script: given.smtp.clone().unwrap_or_default(),
    })
    .await;
    let refused = RefusedPort::new();
    let port = if network.refuse { refused.port() } else { server.port() };

    let outcome = send(recording, &context(port, Some(&ca))).await;
    server.wait_for_open_connections(0).await;

    expectations.assert_outcome(id, &outcome);
    if let (Err(error), Some(code)) = (&outcome, recording.recorded.outcome.code())
        && !expectations.refused_by_us_alone.contains(&id)
    {
        assert_eq!(error.kind().code(), code, "{id}: {error}");
    }
    let sessions = server.sessions();
    assert_eq!(sessions.len(), expected.len(), "{id}: {sessions:#?}");
    for (ours, recorded) in sessions.iter().zip(&expected) {
        compare_sessions(id, ours, recorded);
    }
    if let Ok(message_id) = outcome {
        let mail = parse_mail(&server.only_message().source);
        assert_eq!(message_id.as_deref(), Some(mail.header("message-id").as_str()), "{id}");
    }
}

async fn send(recording: &Recording, context: &Context) -> Result<Option<String>, Error> {
    let connector = CONNECTOR.build(recording.given.effective_config(), context)?;
    let mut message: Message = serde_json::from_value(recording.given.data.clone()).unwrap();
    message.template = recording.given.template().cloned().map(localized);
    Ok(connector.send(&message, &SendContext::new()).await?.message_id)
}

fn compare_sessions(id: &str, ours: &SmtpSession, recorded: &SessionRecord) {
    assert_eq!(ours.tls.as_str(), recorded.tls, "{id}");
    let own_name = ours.commands().first().and_then(|line| line.strip_prefix("EHLO ")).unwrap_or_default().to_owned();
    let is_ours = recorded.lines.contains(&"C: EHLO (own name)".to_owned());
    let lines = if is_ours { ours.lines_hiding(&own_name) } else { ours.lines.clone() };
    assert_eq!(lines, recorded.lines, "{id}");
    assert_eq!(ours.messages.len(), recorded.messages.len(), "{id}");
    for (mail, recorded) in ours.messages.iter().zip(&recorded.messages) {
        assert_eq!((&mail.mail_from, &mail.rcpt_to), (&recorded.mail_from, &recorded.rcpt_to), "{id}");
        compare_mails(id, &parse_mail(&mail.source), recorded);
    }
}

fn compare_mails(id: &str, ours: &ParsedMail, recorded: &MailRecord) {
    let decoded = &recorded.decoded;
    let text_of = |name: &str| decoded[name].as_str().map(|text| text.trim_end().to_owned());
    assert_eq!(ours.from, mailboxes(&decoded["from"]), "{id}");
    assert_eq!(ours.to, mailboxes(&decoded["to"]), "{id}");
    assert_eq!(ours.reply_to, mailboxes(&decoded["replyTo"]), "{id}");
    assert_eq!(ours.subject.as_deref().map(str::trim_end), text_of("subject").as_deref(), "{id}");
    let (text, html) = with_text_alternative(text_of("text"), text_of("html"));
    // The recordings are decoded with line feeds alone, and an empty part as none.
    let body = |part: &Option<String>| part.as_ref().map(|body| body.replace("\r\n", "\n").trim_end().to_owned());
    assert_eq!(body(&ours.text).filter(|text| !text.is_empty()), text, "{id}");
    assert_eq!(body(&ours.html), html, "{id}");

    let mut our_headers = other_headers(ours.headers.iter());
    let mut their_headers = other_headers(recorded.headers.iter());
    our_headers.sort();
    their_headers.sort();
    assert_eq!(our_headers, their_headers, "{id}");
    let domain = |header: &str| header.rsplit_once('@').map(|(_, domain)| domain.to_owned());
    let theirs = recorded.headers.iter().find(|(name, _)| name == "Message-ID").map(|(_, value)| value.as_str());
    assert_eq!(domain(&ours.header("message-id")), theirs.and_then(domain), "{id}");
}

/// "send HTML alone … add the text alternative".
fn with_text_alternative(text: Option<String>, html: Option<String>) -> (Option<String>, Option<String>) {
    let derived = html.as_deref().map(|html| connector_kit::text_from_html(html).trim_end().to_owned());
    (text.or(derived), html)
}

/// The headers that are not compared decoded: their names in lower case, and the values of those that hold neither
/// clock nor chance nor the form of the MIME structure. Values are unfolded and decoded.
fn other_headers<'h>(headers: impl Iterator<Item = &'h (String, String)>) -> Vec<(String, String)> {
    let form = ["content-type", "content-transfer-encoding"];
    let compared = ["from", "to", "reply-to", "subject", "message-id", "date"];
    headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !form.contains(&name.as_str()))
        .map(|(name, value)| {
            let is_compared = compared.contains(&name.as_str());
            (name, if is_compared { String::new() } else { decoded(value) })
        })
        .collect()
}

fn decoded(value: &str) -> String {
    parse_mail(format!("Subject: {}\r\n\r\n", value.trim()).as_bytes()).subject.unwrap_or_default()
}

/// The recorded mailboxes: one, or a list.
fn mailboxes(recorded: &Value) -> Vec<ParsedMailbox> {
    let all = match recorded {
        Value::Array(all) => all.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let text = |value: &Value| value.as_str().map(str::to_owned).filter(|text| !text.is_empty());
    let mailbox =
        |one: &Value| ParsedMailbox { name: text(&one["name"]), address: text(&one["address"]).unwrap_or_default() };
    all.iter().map(mailbox).collect()
}
