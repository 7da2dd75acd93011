//! One connector, many messages.

use std::{collections::BTreeSet, sync::Arc};

use connector_kit::{EmailConnector, Message, SendContext, UsageType};
use serde_json::json;
use tokio::task::JoinSet;

use super::{Behaviour, Peer, Subject, Templates, sample::config};

const MESSAGES: usize = 50;
const AT_ONCE: usize = 5;

/// A message that is unlike every other, to a recipient of its own.
fn message(number: usize) -> Message {
    let payload = json!({ "code": format!("c{number}c"), "name": "x", "link": "x" });
    Message::new(format!("user{number}@example.org"), UsageType::Generic, payload.as_object().unwrap().clone())
}

/// Every message arrived once, each with the code of its own recipient.
fn assert_all_arrived(peer: &Peer, subject: &Subject) {
    let arrived = peer.arrived();
    assert_eq!(arrived.len(), MESSAGES);
    let recipients: BTreeSet<&str> = arrived.iter().map(|one| one.to.address.as_str()).collect();
    assert_eq!(recipients.len(), MESSAGES, "somebody got two messages and somebody none");
    for one in &arrived {
        let number = one.to.address.strip_prefix("user").and_then(|rest| rest.split_once('@')).unwrap().0;
        let code = format!("c{number}c");
        let own = match subject.templates {
            Templates::Rendered(_) => one.text.as_ref().is_some_and(|text| text.contains(&code)),
            Templates::Named(_) | Templates::ByProvider => {
                one.payload.as_ref().is_some_and(|payload| payload["code"] == code.as_str())
            }
        };
        assert!(own, "{} got somebody else's code: {one:?}", one.to.address);
    }
}

/// A handshake per message would cost more than the message.
pub async fn fifty_sends_share_a_connection(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for number in 0..MESSAGES {
        connector
            .send(&message(number), &SendContext::new())
            .await
            .unwrap_or_else(|error| panic!("message {number}: {error}"));
    }
    assert_all_arrived(&peer, subject);
    let (connections, hosts) = (peer.connections(), subject.hosts.len());
    assert!(connections <= hosts, "{connections} connections to {hosts} hosts");
}

/// Sends at the same time do not mix, and share connections: to a host there are not many more than sends under way.
pub async fn concurrent_sends_keep_apart(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector: Arc<dyn EmailConnector> = peer.connector_of(subject, &config(subject)).into();
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let connector = Arc::clone(&connector);
        workers.spawn(async move {
            for number in (worker..MESSAGES).step_by(AT_ONCE) {
                connector
                    .send(&message(number), &SendContext::new())
                    .await
                    .unwrap_or_else(|error| panic!("message {number}: {error}"));
            }
        });
    }
    while let Some(outcome) = workers.join_next().await {
        outcome.unwrap();
    }
    assert_all_arrived(&peer, subject);
    let (connections, most) = (peer.connections(), 2 * AT_ONCE * subject.hosts.len());
    assert!(connections <= most, "{connections} connections for {AT_ONCE} sends at once");
}

/// Providers close what is idle. The next message must not pay for it.
pub async fn a_connection_closed_while_idle_is_replaced(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for number in 0..3 {
        connector
            .send(&message(number), &SendContext::new())
            .await
            .unwrap_or_else(|error| panic!("message {number}: {error}"));
        peer.close_connections().await;
    }
    assert_eq!(peer.arrived().len(), 3);
}
