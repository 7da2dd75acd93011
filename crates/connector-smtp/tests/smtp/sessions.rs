//! How long a session lasts: messages, age, refusals, and a server that is gone without a word.

use std::{sync::Arc, time::Duration};

use connector_kit::{Delivery, EmailConnector, ErrorKind, SendContext, SendPolicy, layered};
use serde_json::{Value, json};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{
    pool::pass,
    support::{Relay, build, context, message, outcome, raw_server, say, to, usual, validate, with},
};

async fn send(connector: &dyn EmailConnector) {
    connector.send(&message(), &SendContext::new()).await.unwrap();
}

/// How many messages came over each connection.
fn messages_by_connection(relay: &Relay) -> Vec<usize> {
    relay.server.sessions().iter().map(|session| session.messages.len()).collect()
}

/// A stock Exim holds what comes after the tenth: `smtp_accept_queue_per_connection`.
#[tokio::test]
async fn no_connection_carries_more_than_ten_messages() {
    let relay = Relay::usual().await;
    let connector = relay.connector(json!({}));
    for _ in 0..25 {
        send(connector.as_ref()).await;
    }
    assert_eq!(messages_by_connection(&relay), [10, 10, 5]);
    // A connection that is over is closed at once, and not when the next message comes.
    relay.server.wait_for_open_connections(1).await;
    assert!(relay.server.sessions()[..2].iter().all(|session| session.quit));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_at_once_keep_to_it_too() {
    let relay = Relay::usual().await;
    let connector: Arc<dyn EmailConnector> = relay.connector(json!({})).into();
    let mut sends = JoinSet::new();
    for _ in 0..100 {
        let connector = connector.clone();
        sends.spawn(async move { send(connector.as_ref()).await });
    }
    sends.join_all().await;
    let counts = messages_by_connection(&relay);
    assert!(counts.iter().all(|count| *count <= 10) && counts.iter().sum::<usize>() == 100, "{counts:?}");
}

#[tokio::test]
async fn the_number_of_messages_is_a_setting() {
    for (most, expected) in [(1, vec![1, 1, 1, 1]), (3, vec![3, 1]), (1000, vec![4])] {
        let relay = Relay::usual().await;
        let connector = relay.connector(json!({ "maxMessages": most }));
        for _ in 0..4 {
            send(connector.as_ref()).await;
        }
        assert_eq!(messages_by_connection(&relay), expected, "{most}");
    }
    for (field, value) in
        [("maxMessages", 0), ("maxMessages", 1001), ("maxSessionAge", 999), ("maxSessionAge", 86_400_001)]
    {
        let report = validate(json!({ field: value }));
        assert_eq!(report.problems[0].pointer, format!("/{field}"), "{value}");
    }
}

/// Servers count what they refuse as well.
#[tokio::test]
async fn refused_messages_count() {
    let relay = Relay::start(usual().answer("RCPT", &["550 5.1.1 No such user", "default"])).await;
    let connector = relay.connector(json!({ "maxMessages": 2 }));
    connector.send(&to("nobody@example.com"), &SendContext::new()).await.unwrap_err();
    send(connector.as_ref()).await;
    send(connector.as_ref()).await;
    assert_eq!(messages_by_connection(&relay), [1, 1]);
}

#[tokio::test]
async fn a_busy_connection_does_not_live_for_ever() {
    for (changes, expected) in
        [(json!({ "maxMessages": 1000 }), 300), (json!({ "maxMessages": 1000, "maxSessionAge": 60_000 }), 60)]
    {
        let relay = Relay::usual().await;
        let connector = relay.connector(changes);
        send(connector.as_ref()).await;
        let mut age = 0;
        while relay.server.connections() == 1 {
            assert!(age <= expected, "still in use after {age} s");
            pass(Duration::from_secs(20)).await;
            age += 20;
            send(connector.as_ref()).await;
        }
        assert_eq!(age, expected);
    }
}

#[tokio::test]
async fn a_session_refused_after_it_had_served_is_not_used_again() {
    for (step, reply) in [
        ("MAIL", "452 4.5.3 Too many messages in this session"),
        ("MAIL", "451 4.3.0 Try again later"),
        ("MAIL", "554 5.7.0 Too many transactions in this session"),
        ("RCPT", "452 4.3.1 Too many recipients in this session"),
        ("DATA", "450 4.7.1 No more of this"),
        ("END", "451 4.3.2 Session limit exceeded"),
    ] {
        let relay = Relay::start(usual().answer(step, &["default", reply, "default"])).await;
        let connector = relay.connector(json!({}));
        send(connector.as_ref()).await;
        let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
        assert_eq!(error.delivery(), Delivery::NotSent, "{reply}");
        relay.server.wait_for_open_connections(0).await;
        assert!(relay.server.sessions()[0].quit, "{reply}: goodbye was said");
        send(connector.as_ref()).await;
        assert_eq!((relay.server.connections(), relay.server.accepted()), (2, 2), "{reply}");
    }
}

/// With a server that takes two messages in a session, and says so at the third: every message arrives by its retry.
#[tokio::test]
async fn the_retry_takes_a_new_connection() {
    let refusal = "452 4.5.3 Too many messages in this session";
    let relay = Relay::start(usual().answer("MAIL", &["default", "default", refusal, "default"])).await;
    let connector = layered(relay.connector(json!({})), SendPolicy::default());
    send(&connector).await;
    send(&connector).await;
    let receipt = connector.send(&message(), &SendContext::new()).await.unwrap();
    assert_eq!((receipt.attempts, relay.server.connections()), (2, 2));
}

/// What the server has been sent since, once it was sent one `command` more.
async fn wait_for_command(relay: &Relay, command: &str, count: usize) {
    let matches = |line: &&String| line.starts_with(&format!("C: {command}"));
    relay
        .server
        .wait_for(command, |all| {
            all.iter().map(|session| session.lines.iter().filter(matches).count()).sum::<usize>() >= count
        })
        .await;
}

/// A firewall that has forgotten a connection, or a machine that is switched off, says nothing.
#[tokio::test]
async fn kept_connections_whose_server_is_gone_cost_one_message_three_seconds() {
    let silent = ["default", "default", "default", "silent", "default"];
    let relay = Relay::start(usual().answer("MAIL", &silent)).await;
    let connector: Arc<dyn EmailConnector> = relay.connector(json!({})).into();
    let mut sends = JoinSet::new();
    for _ in 0..3 {
        let connector = connector.clone();
        sends.spawn(async move { send(connector.as_ref()).await });
    }
    sends.join_all().await;
    let before = relay.server.connections();
    let sent = tokio::spawn({
        let connector = connector.clone();
        async move { connector.send(&message(), &SendContext::new()).await }
    });
    wait_for_command(&relay, "MAIL", 4).await;
    pass(Duration::from_millis(2_900)).await;
    assert!(!sent.is_finished(), "a server may think for a moment");
    pass(Duration::from_millis(200)).await;
    assert_eq!(sent.await.unwrap().unwrap().attempts, 1);
    assert_eq!(relay.server.connections(), before + 1, "over a new connection");
    // The others that idled are closed.
    relay.server.wait_for_open_connections(1).await;
    send(connector.as_ref()).await;
    assert_eq!((relay.server.connections(), relay.server.accepted()), (before + 1, 5));
}

#[tokio::test]
async fn so_it_is_where_a_refused_envelope_is_to_be_taken_back() {
    let script = usual().answer("RCPT", &["550 5.1.1 No such user", "default"]).answer("RSET", &["silent"]);
    let relay = Relay::start(script).await;
    let connector: Arc<dyn EmailConnector> = relay.connector(json!({})).into();
    connector.send(&to("nobody@example.com"), &SendContext::new()).await.unwrap_err();
    let sent = tokio::spawn({
        let connector = connector.clone();
        async move { connector.send(&message(), &SendContext::new()).await }
    });
    wait_for_command(&relay, "RSET", 1).await;
    pass(Duration::from_millis(3_100)).await;
    sent.await.unwrap().unwrap();
    assert_eq!((relay.server.connections(), relay.server.accepted()), (2, 1));
}

/// A server that makes every sender wait at MAIL is slow, and not gone: the new connection has all the time that is set.
#[tokio::test]
async fn a_slow_server_is_waited_for_on_the_new_connection() {
    let go_on = Arc::new(Notify::new());
    let (said, mut heard) = mpsc::unbounded_channel();
    let waiting = go_on.clone();
    let port = raw_server(move |mut stream| {
        let (go_on, said) = (waiting.clone(), said.clone());
        async move {
            say(&mut stream, b"220 hi\r\n").await;
            say(&mut stream, b"250 hi\r\n").await;
            said.send("MAIL").unwrap();
            go_on.notified().await;
            for reply in [b"250 ok\r\n" as &[u8], b"250 ok\r\n", b"354 go\r\n"] {
                if say(&mut stream, reply).await.is_none() {
                    return;
                }
            }
            let mut line = String::new();
            while line != "." {
                line = say(&mut stream, b"").await.unwrap_or_else(|| ".".to_owned());
            }
            if say(&mut stream, b"250 taken\r\n").await.is_some_and(|line| line.starts_with("MAIL")) {
                said.send("MAIL again").unwrap();
                go_on.notified().await;
            }
        }
    })
    .await;
    let connector: Arc<dyn EmailConnector> = build(&with(json!({ "auth": {} })), &context(port, None)).into();
    let start = || {
        let connector = connector.clone();
        tokio::spawn(async move { connector.send(&message(), &SendContext::new()).await })
    };
    let first = start();
    assert_eq!(heard.recv().await, Some("MAIL"));
    pass(Duration::from_secs(20)).await;
    go_on.notify_one();
    first.await.unwrap().unwrap();
    let second = start();
    assert_eq!(heard.recv().await, Some("MAIL again"));
    pass(Duration::from_millis(3_100)).await;
    assert_eq!(heard.recv().await, Some("MAIL"), "on a new connection");
    pass(Duration::from_secs(20)).await;
    assert!(!second.is_finished());
    go_on.notify_waiters();
    second.await.unwrap().unwrap();
}

/// A kept connection that goes away while the message is on its way may have delivered it.
#[tokio::test]
async fn a_kept_connection_that_falls_silent_after_the_message_is_unknown() {
    let relay = Relay::start(usual().answer("END", &["default", "silent"])).await;
    let connector = relay.connector(json!({ "socketTimeout": 200 }));
    send(connector.as_ref()).await;
    let error = connector.send(&message(), &SendContext::new()).await.unwrap_err();
    assert_eq!(outcome(&error), (ErrorKind::Unavailable, Delivery::Unknown));
    assert_eq!(relay.server.connections(), 1);
}

/// `socketTimeout` below three seconds holds for a kept connection too.
#[tokio::test]
async fn a_shorter_timeout_holds() {
    let relay = Relay::start(usual().answer("MAIL", &["default", "silent", "default"])).await;
    let connector = relay.connector(json!({ "socketTimeout": 300 }));
    send(connector.as_ref()).await;
    send(connector.as_ref()).await;
    assert_eq!((relay.server.connections(), relay.server.accepted()), (2, 2));
}

#[test]
fn the_form_says_why() {
    let items = connector_smtp::CONNECTOR.metadata().form_items;
    let item = items.iter().find(|item| item.key == "maxMessages").unwrap();
    assert_eq!(item.default_value, Some(Value::from(10)));
    assert!(item.description.as_ref().unwrap().contains("smtp_accept_queue_per_connection"));
}
