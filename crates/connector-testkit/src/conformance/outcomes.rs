//! Accepted, not sent, unknown: what a caller may do next depends on telling them apart.

use std::time::{Duration, Instant};

use connector_kit::{ConnectTo, Context, Delivery, Egress, EmailConnector, Error, ErrorKind, SendPolicy, layered};

use super::{
    Behaviour, Peer, Subject,
    sample::{config, message},
};
use crate::{RefusedPort, TestCa};

/// Short, for checks that wait for it.
const SOON: SendPolicy = SendPolicy { max_time: Duration::from_millis(300), max_attempts: 3 };
/// As a host has it, within which a busy machine makes three attempts.
const USUAL: SendPolicy = SendPolicy { max_time: Duration::from_secs(15), max_attempts: 3 };
/// How much later than its deadline a send may end on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

/// Sends through the layers that a host puts around a connector; the send must fail, and in time.
async fn fail(connector: Box<dyn EmailConnector>, policy: SendPolicy) -> Error {
    let started = Instant::now();
    let outcome = layered(connector, policy).send(&message("SignIn")).await;
    let took = started.elapsed();
    assert!(took < policy.max_time + SLACK, "it took {took:?} with a deadline of {:?}", policy.max_time);
    outcome.expect_err("it counts as sent")
}

/// A connector with a connection to the peer that a first message has opened: what follows happens to the second.
async fn warm(peer: &Peer, subject: &Subject) -> Box<dyn EmailConnector> {
    let connector = peer.connector_of(subject, &config(subject));
    connector.send(&message("SignIn")).await.unwrap_or_else(|error| panic!("the first message: {error}"));
    assert_eq!(peer.arrived().len(), 1);
    connector
}

/// Nobody is there: certainly not sent, and tried again.
pub async fn a_refused_connection_is_not_sent(subject: &Subject) {
    let nobody = RefusedPort::new();
    let refused = |(host, port): &(&str, u16)| ConnectTo::new(host, *port, "127.0.0.1", nobody.port());
    let egress = Egress { connect_to: subject.hosts.iter().map(refused).collect(), ..Egress::default() };
    let connector = subject.factory.build(&config(subject), &Context::new(egress).unwrap()).unwrap();
    let error = fail(connector, USUAL).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
    assert_eq!(error.attempts(), 3, "what was not sent is tried again");
    let named = subject.hosts.iter().any(|(host, _)| error.to_string().contains(host));
    assert!(named, "the host is not named: {error}");
}

/// Somebody else is there: nothing is said to them.
pub async fn an_untrusted_certificate_is_not_sent_to(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let context = Context::new(peer.egress_trusting(&TestCa::new())).unwrap();
    let connector = subject.factory.build(&config(subject), &context).unwrap();
    let error = fail(connector, USUAL).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(peer.arrived().is_empty());
}

/// A connection that never gets as far as a message is not sent.
pub async fn a_stalled_handshake_ends_with_the_deadline(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::StallsTls).await;
    let error = fail(peer.connector_of(subject, &config(subject)), SOON).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
}

/// The message is with the provider, and nobody knows what became of it.
pub async fn no_answer_until_the_deadline_is_unknown(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = warm(&peer, subject).await;
    peer.behave(Behaviour::StaysSilent);
    let error = fail(connector, SOON).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
    assert!(!error.is_retryable());
    assert_eq!((error.attempts(), peer.arrived().len()), (1, 2), "it is never sent twice");
}

/// A connection lost before the message is the network's trouble, and the next attempt may do.
pub async fn a_reset_before_the_message_is_tried_again(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::ResetsBefore).await;
    let error = fail(peer.connector_of(subject, &config(subject)), USUAL).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
    assert!(error.is_retryable());
    assert_eq!(error.attempts(), 3);
    assert!(peer.connections() >= 3 && peer.arrived().is_empty());
}

/// A connection lost after the message may have been lost after it was accepted.
pub async fn a_reset_after_the_message_is_unknown_and_never_repeated(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = warm(&peer, subject).await;
    peer.behave(Behaviour::ResetsAfter);
    let error = fail(connector, USUAL).await;
    assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::Unknown), "{error}");
    assert!(!error.is_retryable());
    assert_eq!((error.attempts(), peer.arrived().len()), (1, 2), "it is never sent twice");
}

/// A provider's no is final, is known to be a no, and says how the provider put it.
pub async fn a_refusal_is_said_to_be_the_providers(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Refuses("not on a Tuesday".to_owned())).await;
    let error = fail(peer.connector_of(subject, &config(subject)), USUAL).await;
    assert_eq!((error.delivery(), error.attempts()), (Delivery::NotSent, 1), "{error}");
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().contains("not on a Tuesday"), "{error}");
    assert!(error.provider().is_some_and(|answer| answer.status.is_some()), "{error:?}");
    assert_eq!(peer.arrived().len(), 1);
}
