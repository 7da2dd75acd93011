//! What nobody but the provider may ever see: secrets, recipient, code, content.

use connector_kit::{EmailConnector, Error, SendContext, SendPolicy, layered};

use super::{
    Behaviour, Peer, Subject,
    sample::{CODE, NAMED_RECIPIENT, RECIPIENT, TRACES, config, message},
};
use crate::LogCapture;

/// Everything of an error that a caller may show or log.
pub(super) fn shown(error: &Error) -> String {
    format!("{error}\n{error:?}\n{:?}\n{:?}\n{:?}", error.hint(), error.provider(), error.problems())
}

/// Asserts that neither a secret of the subject's nor a piece of the suite's message is in `shown`.
pub(super) fn assert_clean(subject: &Subject, shown: &str, when: &str) {
    for (at, secret) in subject.secret_values().iter().enumerate() {
        assert!(!shown.contains(secret), "{when}: secret number {at} shows in {shown}");
    }
    for trace in TRACES {
        assert!(!shown.to_lowercase().contains(&trace.to_lowercase()), "{when}: {trace:?} shows in {shown}");
    }
}

/// Providers quote what they refuse: a value, the key, or the whole request.
pub async fn a_refusal_shows_nothing_that_was_sent(subject: &Subject) {
    let log = LogCapture::start();
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    connector.send(&message("SignIn"), &SendContext::new()).await.unwrap_or_else(|error| panic!("{error}"));
    let whole = peer.last_on_the_wire();
    let arrived = peer.last();
    let secrets = subject.secret_values().join(" and ");
    let contents = [arrived.subject, arrived.html, arrived.text].into_iter().flatten();
    let quotes = [
        format!("{NAMED_RECIPIENT} is on the suppression list"),
        format!("{} does not exist", RECIPIENT.to_uppercase()),
        format!("{secrets} may not send {CODE}"),
    ];
    for says in contents.chain(quotes).chain([whole]) {
        peer.behave(Behaviour::Refuses(says));
        let error = connector.send(&message("SignIn"), &SendContext::new()).await.expect_err("the provider refused it");
        assert_clean(subject, &shown(&error), "a refusal");
    }
    assert_clean(subject, &log.text(), "the log of a refusal");
}

/// At every level, for every crate on the way.
pub async fn nothing_that_was_sent_is_logged(subject: &Subject) {
    let log = LogCapture::start();
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = layered(peer.connector_of(subject, &config(subject)), SendPolicy::default());
    connector.send(&message("SignIn"), &SendContext::new()).await.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(peer.arrived().len(), 1);
    assert_clean(subject, &log.text(), "the log of a send");
    log.assert_free_of(&subject.secret_values());
    log.assert_free_of(&TRACES);
}
