//! Accepted, not sent, unknown: what a caller may do next depends on telling them apart. What goes wrong on the way is
//! in [`faults`](super::faults).

use connector_kit::{Delivery, EmailConnector, SendContext, SendPolicy, layered};

use super::{
    Behaviour, Peer, Subject,
    sample::{config, message},
};

/// A provider's no is final, is known to be a no, and says how the provider put it.
pub async fn a_refusal_is_said_to_be_the_providers(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Refuses("not on a Tuesday".to_owned())).await;
    let connector = layered(peer.connector_of(subject, &config(subject)), SendPolicy::default());
    let error = connector.send(&message("SignIn"), &SendContext::new()).await.expect_err("it counts as sent");
    assert_eq!((error.delivery(), error.attempts()), (Delivery::NotSent, 1), "{error}");
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().contains("not on a Tuesday"), "{error}");
    assert!(error.provider().is_some_and(|answer| answer.status.is_some()), "{error:?}");
    assert_eq!(peer.arrived().len(), 1);
}
