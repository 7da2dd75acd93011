//! Sessions are kept and reused, replaced when the server has gone, never reused when left in mid-dialogue, and closed
//! politely when nobody needs them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use connector_kit::{Delivery, EmailConnector, ErrorKind, SendContext, SendPolicy, layered};
use connector_testkit::SmtpScript;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Relay, message, outcome, to, usual};

fn shared(relay: &Relay) -> Arc<dyn EmailConnector> {
    relay.connector(json!({})).into()
}

/// Keeps connections for as many messages as can be set.
fn lasting(relay: &Relay) -> Arc<dyn EmailConnector> {
    relay.connector(json!({ "maxMessages": 1000 })).into()
}

/// Sends `count` messages through `workers` tasks at once; gives the ids.
async fn send_many(connector: &Arc<dyn EmailConnector>, workers: usize, count: usize) -> HashSet<String> {
    let mut tasks = JoinSet::new();
    for worker in 0..workers {
        let connector = connector.clone();
        tasks.spawn(async move {
            let mut ids = Vec::new();
            for number in (worker..count).step_by(workers) {
                let receipt =
                    connector.send(&to(&format!("user{number}@example.com")), &SendContext::new()).await.unwrap();
                ids.extend(receipt.message_id);
            }
            ids
        });
    }
    tasks.join_all().await.into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_messages_go_over_few_connections() {
    let relay = Relay::usual().await;
    let ids = send_many(&lasting(&relay), 16, 1000).await;
    assert_eq!((ids.len(), relay.server.accepted()), (1000, 1000));
    assert!(relay.server.connections() <= 16, "{} connections", relay.server.connections());
    let recipients: HashSet<String> = relay.server.messages().into_iter().flat_map(|mail| mail.rcpt_to).collect();
    assert_eq!(recipients.len(), 1000, "everybody got one message");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_messages_wait_at_most_twenty_connections_are_open() {
    let relay = Relay::usual().await;
    assert_eq!(send_many(&lasting(&relay), 100, 300).await.len(), 300);
    assert!(relay.server.connections() <= 20, "{} connections", relay.server.connections());
}

#[tokio::test]
async fn messages_one_after_another_go_over_one_connection() {
    let relay = Relay::start(SmtpScript::offering(&["STARTTLS", "AUTH PLAIN"])).await;
    let connector = relay.connector(json!({}));
    for _ in 0..3 {
        connector.send(&message(), &SendContext::new()).await.unwrap();
    }
    drop(connector);
    let dialogue = relay.only_dialogue().await;
    let one = ["MAIL FROM:<noreply@example.com>", "RCPT TO:<user@example.com>", "DATA", "(message)", "."];
    assert_eq!(dialogue[4..], [&one[..], &one[..], &one[..], &["QUIT"]].concat());
}

#[tokio::test]
async fn a_server_that_has_closed_idle_connections_is_connected_to_anew() {
    for farewell in [None, Some("421 4.4.2 smtp.example.com Error: timeout exceeded")] {
        let relay = Relay::usual().await;
        let connector = shared(&relay);
        send_many(&connector, 4, 40).await;
        let before = relay.server.connections();
        relay.server.close_connections(farewell).await;
        assert_eq!(send_many(&connector, 4, 40).await.len(), 40);
        assert_eq!(relay.server.accepted(), 80, "nothing lost, nothing twice");
        assert!(relay.server.connections() > before);
    }
}

/// The server goes just when the next message comes: what it has not taken is sent over a new connection.
#[tokio::test]
async fn a_kept_connection_lost_before_the_message_is_replaced_unnoticed() {
    for step in ["MAIL", "RCPT", "DATA"] {
        for gone in ["close", "reset", "421 4.3.2 Shutting down"] {
            let relay = Relay::start(usual().answer(step, &["default", gone, "default"])).await;
            let connector = relay.connector(json!({}));
            connector.send(&message(), &SendContext::new()).await.unwrap();
            let receipt = connector
                .send(&message(), &SendContext::new())
                .await
                .unwrap_or_else(|error| panic!("{step} {gone}: {error}"));
            assert_eq!((receipt.attempts, relay.server.connections()), (1, 2), "{step} {gone}");
            assert_eq!(relay.server.accepted(), 2, "{step} {gone}");
        }
    }
    // A 421 to the final dot says that the message is not taken.
    let relay = Relay::start(usual().answer("END", &["default", "421 4.3.2 Shutting down", "default"])).await;
    let connector = relay.connector(json!({}));
    connector.send(&message(), &SendContext::new()).await.unwrap();
    connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!((relay.server.accepted(), relay.server.messages().len()), (2, 3));
}

#[tokio::test]
async fn a_kept_connection_lost_after_the_message_is_unknown_and_not_sent_again() {
    for gone in ["close", "reset"] {
        let relay = Relay::start(usual().answer("END", &["default", gone, "default"])).await;
        let connector = layered(relay.connector(json!({})), SendPolicy::default());
        connector.send(&message(), &SendContext::new()).await.unwrap();
        let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
        assert_eq!((error.attempts(), relay.server.messages().len()), (1, 2));
    }
}

#[tokio::test]
async fn a_new_connection_that_is_lost_at_once_is_the_callers_to_try_again() {
    let relay = Relay::start(usual().answer("MAIL", &["421 4.7.0 Come back later"])).await;
    let error = relay.send(json!({}), &message()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::NotSent));
    assert!(error.is_retryable());
    assert_eq!(relay.server.connections(), 1);
}

#[tokio::test]
async fn a_refused_message_leaves_the_connection_to_the_next_one() {
    for (step, takes_back) in [("MAIL", false), ("RCPT", true), ("DATA", true), ("END", false)] {
        let relay = Relay::start(usual().answer(step, &["550 5.7.1 No", "default"])).await;
        let connector = relay.connector(json!({}));
        let error = connector.send(&to("somebody-else@example.com"), &SendContext::new()).await.unwrap_err();
        assert_eq!(outcome(&error), (ErrorKind::Rejected, Delivery::NotSent), "{step}");
        connector.send(&message(), &SendContext::new()).await.unwrap();
        drop(connector);
        let dialogue = relay.only_dialogue().await;
        assert_eq!(dialogue.iter().filter(|line| *line == "RSET").count(), usize::from(takes_back), "{dialogue:?}");
        let accepted = relay.server.messages().into_iter().find(|mail| mail.accepted()).unwrap();
        assert_eq!(accepted.rcpt_to, ["<user@example.com>"], "{step}");
    }
}

#[tokio::test]
async fn a_server_that_cannot_take_a_message_back_is_connected_to_anew() {
    for answer in ["502 5.5.1 What?", "close", "421 4.3.2 Bye"] {
        let script = usual().answer("RCPT", &["550 5.1.1 No such user", "default"]).answer("RSET", &[answer]);
        let relay = Relay::start(script).await;
        let connector = relay.connector(json!({}));
        connector.send(&to("nobody@example.com"), &SendContext::new()).await.unwrap_err();
        connector.send(&message(), &SendContext::new()).await.unwrap();
        assert_eq!((relay.server.connections(), relay.server.only_message().rcpt_to.len()), (2, 1), "{answer}");
    }
}

/// As when a deadline ends it: the rest of the dialogue must not end up in another message's.
#[tokio::test]
async fn a_send_dropped_in_mid_dialogue_takes_its_connection_with_it() {
    for (step, command) in [("AUTH", "AUTH"), ("MAIL", "MAIL"), ("RCPT", "RCPT"), ("DATA", "DATA"), ("END", ".")] {
        let relay = Relay::start(usual().answer(step, &["silent", "default"])).await;
        let connector = shared(&relay);
        let dropped = tokio::spawn({
            let connector = connector.clone();
            async move { drop(connector.send(&to("first@example.com"), &SendContext::new()).await) }
        });
        let is_there = |line: &String| line.strip_prefix("C: ").is_some_and(|line| line.starts_with(command));
        relay.server.wait_for(command, |all| all.iter().any(|one| one.lines.iter().any(is_there))).await;
        dropped.abort();
        dropped.await.unwrap_err();
        // Closed at once: neither kept, nor left to wait for the next message.
        relay.server.wait_for_open_connections(0).await;
        connector.send(&to("second@example.com"), &SendContext::new()).await.unwrap();
        let sessions = relay.server.sessions();
        assert_eq!((sessions.len(), sessions[1].messages.len()), (2, 1), "{step}");
        assert_eq!(sessions[1].messages[0].rcpt_to, ["<second@example.com>"], "{step}");
        assert!(!sessions[0].quit, "nothing is said in the middle of something else: {:?}", sessions[0].lines);
    }
}

#[tokio::test]
async fn idle_connections_are_closed_politely_after_half_a_minute() {
    let relay = Relay::usual().await;
    let connector = relay.connector(json!({}));
    connector.send(&message(), &SendContext::new()).await.unwrap();
    pass(Duration::from_secs(25)).await;
    connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!(relay.server.connections(), 1, "still kept after 25 s");
    pass(Duration::from_secs(25)).await;
    assert_eq!(relay.server.open_connections(), 1, "25 s since it was last used");
    pass(Duration::from_secs(20)).await;
    relay.server.wait_for_open_connections(0).await;
    assert!(relay.server.sessions()[0].quit);
    connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!((relay.server.connections(), relay.server.accepted()), (2, 3));
}

/// Lets time pass without waiting for it; the clock stands only meanwhile, so that nothing on the network times out.
pub async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    tokio::time::resume();
}

#[tokio::test]
async fn a_dropped_connector_says_goodbye() {
    for script in [usual(), usual().implicit_tls()] {
        let implicit = script.implicit_tls;
        let relay = Relay::start(script).await;
        let port = if implicit { 465 } else { 587 };
        let connector: Arc<dyn EmailConnector> = relay.connector(json!({ "port": port, "secure": implicit })).into();
        send_many(&connector, 3, 9).await;
        // Anywhere: also where no runtime is.
        std::thread::spawn(move || drop(connector)).join().unwrap();
        relay.server.wait_for_open_connections(0).await;
        for session in relay.server.sessions() {
            assert!(session.quit && session.lines.last().unwrap().starts_with("S: 221"), "{session:#?}");
        }
    }
}
