//! The SMTP recorder's scripted refusals and faults.

use connector_testkit::{SmtpAnswer, SmtpScript};

use crate::smtp::{Client, start};

/// Up to DATA's reply.
fn envelope(client: &mut Client) -> Vec<String> {
    ["MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA"].into_iter().map(|line| client.say(line)).collect()
}

#[tokio::test]
async fn every_step_can_be_refused() {
    for step in ["GREETING", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "END", "RSET", "NOOP", "QUIT", "VRFY"]
    {
        let (recorder, _ca) = start(SmtpScript::default().answer(step, &["451 4.3.0 not now"])).await;
        let mut client = Client::connect(&recorder);
        let mut replies = vec![client.reply()];
        for line in ["EHLO a", "STARTTLS", "AUTH PLAIN AGEAYg==", "RSET", "NOOP", "VRFY x"] {
            if line != "STARTTLS" || step == "STARTTLS" {
                replies.push(client.say(line));
            }
        }
        replies.extend(envelope(&mut client));
        if replies.last().unwrap().starts_with('3') {
            replies.push(client.say("x\r\n."));
        }
        replies.push(client.say("QUIT"));
        let refused = replies.iter().filter(|reply| *reply == "451 4.3.0 not now").count();
        assert_eq!(refused, 1, "{step}: {replies:?}");
    }
}

#[tokio::test]
async fn answers_of_a_step_come_in_turn_across_connections() {
    let script = SmtpScript::default()
        .answer("GREETING", &["421 4.3.2 busy", "default"])
        .answer("RCPT", &["450 4.2.1 greylisted", "550 5.1.1 unknown", "default"]);
    let (recorder, _ca) = start(script).await;
    let mut busy = Client::connect(&recorder);
    assert_eq!((busy.reply().as_str(), busy.reply().as_str()), ("421 4.3.2 busy", ""));
    let mut client = Client::connect(&recorder);
    assert_eq!(client.reply(), "220 smtp.example.com ESMTP recorder");
    client.say("MAIL FROM:<a@b>");
    let replies: Vec<String> = (0..4).map(|_| client.say("RCPT TO:<c@d>")).collect();
    assert_eq!(replies, ["450 4.2.1 greylisted", "550 5.1.1 unknown", "250 2.1.5 Ok", "250 2.1.5 Ok"]);
    recorder.set_script(SmtpScript::default().answer("NOOP", &["421 4.4.2 idle"]));
    assert_eq!((client.say("NOOP").as_str(), client.reply().as_str()), ("421 4.4.2 idle", ""));
    recorder.wait_for_open_connections(0).await;
    assert_eq!(recorder.connections(), 2);
}

#[tokio::test]
async fn connections_are_dropped_at_every_stage() {
    for step in ["GREETING", "EHLO", "MAIL", "RCPT", "DATA", "BODY", "END"] {
        for answer in ["close", "reset"] {
            let (recorder, _ca) = start(SmtpScript::default().answer(step, &[answer])).await;
            let mut client = Client::connect(&recorder);
            let mut last = client.reply();
            for line in ["EHLO a", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "x\r\n."] {
                if !last.is_empty() {
                    last = client.say(line);
                }
            }
            assert_eq!(last, "", "{answer} at {step}");
            recorder.wait_for_open_connections(0).await;
            let session = recorder.sessions().remove(0);
            let closes = session.lines.last().is_some_and(|line| line == "S: (closes)");
            assert_eq!(closes, answer == "close", "{step}: {:?}", session.lines);
            // Lost after the final dot: the message is there, its fate unknown to the client.
            let replies: Vec<_> = recorder.messages().into_iter().map(|mail| mail.reply).collect();
            assert_eq!(replies, vec![None; usize::from(step == "END")], "{answer} at {step}");
            assert_eq!(recorder.accepted(), 0);
        }
    }
}

#[tokio::test]
async fn silence_lasts_until_the_client_leaves() {
    for step in ["GREETING", "NOOP", "TLS"] {
        let (recorder, _ca) = start(SmtpScript::default().answer(step, &["silent"])).await;
        let mut client = Client::connect(&recorder);
        if step != "GREETING" {
            client.reply();
            client.send(if step == "TLS" { "STARTTLS\r\n" } else { "NOOP\r\n" });
        }
        let expected = match step {
            "GREETING" => vec![],
            "NOOP" => vec!["S: 220 smtp.example.com ESMTP recorder", "C: NOOP"],
            _ => vec!["S: 220 smtp.example.com ESMTP recorder", "C: STARTTLS", "S: 220 2.0.0 Ready to start TLS"],
        };
        recorder.wait_for("the silence", |sessions| sessions.first().is_some_and(|s| s.lines == expected)).await;
        assert_eq!(recorder.open_connections(), 1);
        drop(client);
        recorder.wait_for_open_connections(0).await;
        assert_eq!(recorder.sessions()[0].lines, expected);
    }
}

#[tokio::test]
async fn authentication_is_refused_after_the_credentials() {
    let script = SmtpScript::default().answer("AUTH", &["535 5.7.8 no", "504 5.5.4 not that way", "454 4.7.0 later"]);
    let (recorder, _ca) = start(script).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    let refusal = client.say("AUTH XOAUTH2 dXNlcj1tYWlsZXIBYXV0aD1CZWFyZXIgdG9rZW4BAQ==");
    assert_eq!(
        refusal,
        "334 eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZXhhbXBsZS5jb20vIn0="
    );
    assert_eq!(client.say(""), "535 5.7.8 no");
    assert_eq!(client.say("AUTH LOGIN"), "504 5.5.4 not that way");
    client.say("AUTH LOGIN");
    client.say("bWFpbGVy");
    assert_eq!(client.say("c210cC1wYXNzd29yZA=="), "454 4.7.0 later");
    client.say("AUTH LOGIN");
    assert_eq!(client.say("*"), "501 5.7.0 Authentication cancelled");
    let credentials = recorder.sessions().remove(0).credentials;
    assert_eq!(credentials.len(), 2);
    assert_eq!((credentials[0].secret.as_str(), credentials[1].secret.as_str()), ("token", "smtp-password"));
}

#[tokio::test]
async fn idle_connections_are_closed_with_or_without_a_word() {
    let (recorder, _ca) = start(SmtpScript::default()).await;
    let mut silent = Client::connect(&recorder);
    silent.reply();
    recorder.close_connections(None).await;
    assert_eq!(silent.reply(), "");
    let mut polite = Client::connect(&recorder);
    polite.reply();
    recorder.close_connections(Some("421 4.4.2 timeout")).await;
    assert_eq!((polite.reply().as_str(), polite.reply().as_str()), ("421 4.4.2 timeout", ""));
}

#[tokio::test]
async fn a_reply_may_be_followed_by_the_end() {
    let script =
        SmtpScript::default().answer_with("END", vec![SmtpAnswer::ReplyAndClose("250 2.0.0 queued".to_owned())]);
    let (recorder, _ca) = start(script).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    envelope(&mut client);
    assert_eq!((client.say("x\r\n.").as_str(), client.reply().as_str()), ("250 2.0.0 queued", ""));
    assert!(recorder.only_message().accepted());
}

#[tokio::test]
async fn a_reply_may_stop_in_the_middle_of_its_line() {
    let script = SmtpScript::default().answer_with("RCPT", vec![SmtpAnswer::Cut("250 2.1".to_owned())]);
    let (recorder, _ca) = start(script).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    client.say("MAIL FROM:<a@b>");
    // Without its line end, and then the connection is over.
    assert_eq!((client.say("RCPT TO:<c@d>").as_str(), client.reply().as_str()), ("250 2.1", ""));
    recorder.wait_for_open_connections(0).await;
}

#[tokio::test]
async fn an_endless_reply_ends_when_the_client_leaves() {
    let endless = vec![SmtpAnswer::Endless("250-more\r\n".to_owned(), 1 << 40)];
    let (recorder, _ca) = start(SmtpScript::default().answer_with("NOOP", endless)).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    client.send("NOOP\r\n");
    recorder.wait_for("the command", |sessions| sessions[0].lines.last().is_some_and(|line| line == "C: NOOP")).await;
    assert_eq!(recorder.open_connections(), 1);
    drop(client);
    recorder.wait_for_open_connections(0).await;
}

#[tokio::test]
async fn an_idle_connection_can_be_reset() {
    let (recorder, _ca) = start(SmtpScript::default()).await;
    let mut client = Client::connect(&recorder);
    client.reply();
    recorder.reset_connections().await;
    assert_eq!(client.reply(), "");
}
