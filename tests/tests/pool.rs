//! The SMTP connector's kept connections, against servers that close them as they please.

use crate::every_usage;
use connector_kit::{
    Context, Egress, EmailConnector, Message, Payload, SendContext, SendPolicy, UsageType, layered, root_certificates,
};
use e2e::{Aiosmtpd, HOST, PASSWORD, PATIENCE, Postfix, SmtpPeer, USER, until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

fn connector(peer: &impl SmtpPeer) -> Arc<dyn EmailConnector> {
    connector_with(peer, &json!({}))
}

fn connector_with(peer: &impl SmtpPeer, tls: &Value) -> Arc<dyn EmailConnector> {
    let template =
        |usage: &str| json!({ "usageType": usage, "contentType": "text/plain", "subject": "{{code}}", "content": "c" });
    let config: Value = json!({
        "host": HOST, "port": peer.port(), "requireTLS": true, "tls": tls, "auth": { "user": USER, "pass": PASSWORD },
        "fromEmail": "relay@example.test",
        // What is asked here is how long a connection can be kept.
        "maxMessages": 1000,
        "templates": every_usage(template),
    });
    let extra_roots = root_certificates(&std::fs::read(peer.ca_file()).unwrap()).unwrap();
    let context = Context::new(Egress { extra_roots, ..Egress::default() }).unwrap();
    let connector = connector_smtp::CONNECTOR.build(&config, &context).unwrap();
    Arc::new(layered(connector, SendPolicy { max_time: PATIENCE, ..SendPolicy::default() }))
}

fn message(to: &str, code: usize) -> Message {
    let payload: Payload = [("code".to_owned(), Value::from(code))].into_iter().collect();
    Message::new(to, UsageType::SignIn, payload)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_reused_across_messages_and_refusals() {
    let postfix = Postfix::start().unwrap();
    let connector = connector(&postfix);
    for code in 0..20 {
        connector.send(&message(Postfix::INBOX, code), &SendContext::new()).await.unwrap();
        connector.send(&message(Postfix::UNKNOWN, code), &SendContext::new()).await.unwrap_err();
    }
    assert_eq!(postfix.wait_for_mails(20).unwrap().len(), 20);
    assert_eq!(postfix.connections().unwrap(), 1, "{}", postfix.log());
    let sends = (0..200).map(|code| {
        let connector = connector.clone();
        tokio::spawn(async move { connector.send(&message(Postfix::INBOX, code), &SendContext::new()).await })
    });
    for send in sends.collect::<Vec<_>>() {
        send.await.unwrap().unwrap();
    }
    assert_eq!(postfix.wait_for_mails(220).unwrap().len(), 220);
    assert!(postfix.connections().unwrap() <= 20, "{}", postfix.connections().unwrap());
}

/// Postfix says `421 4.4.2 timeout exceeded` and closes; the next message must not notice.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_closed_while_idle_costs_no_message() {
    let postfix = Postfix::builder().idle_timeout(Duration::from_secs(1)).start().unwrap();
    let connector = connector(&postfix);
    connector.send(&message(Postfix::INBOX, 1), &SendContext::new()).await.unwrap();
    until(PATIENCE, "Postfix closing the idle connection", || {
        Ok(postfix.log().contains("timeout after").then_some(()))
    })
    .unwrap();
    let receipt = connector.send(&message(Postfix::INBOX, 2), &SendContext::new()).await.unwrap();
    assert_eq!(receipt.attempts, 1, "no retry was needed");
    assert_eq!(postfix.wait_for_mails(2).unwrap().len(), 2);
    assert_eq!(postfix.connections().unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_is_told_goodbye() {
    let postfix = Postfix::start().unwrap();
    let connector = connector(&postfix);
    connector.send(&message(Postfix::INBOX, 1), &SendContext::new()).await.unwrap();
    drop(connector);
    until(PATIENCE, "Postfix noting the end of the connection", || {
        Ok(postfix.log().lines().find(|line| line.contains("disconnect from")).map(str::to_owned))
    })
    .map(|line| assert!(line.contains("quit=1"), "{line}"))
    .unwrap();
}

/// What nobody should have and many old servers do: OpenSSL shows it, and it is taken where any certificate is.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_with_a_short_key_is_taken_where_any_is() {
    let server = Aiosmtpd::builder().weak_certificate().start().unwrap();
    let any = connector_with(&server, &json!({ "rejectUnauthorized": false }));
    any.send(&message(USER, 1), &SendContext::new()).await.unwrap();
    connector(&server).send(&message(USER, 2), &SendContext::new()).await.unwrap_err();
    assert_eq!(server.mails().unwrap().len(), 1);
}
