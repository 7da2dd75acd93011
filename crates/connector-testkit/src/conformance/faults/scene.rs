//! A fault, set up and about to strike.

use std::any::Any;
use std::time::Duration;

use connector_kit::{EmailConnector, SendContext, SendPolicy};

use super::{http, network, smtp};
use crate::HttpRecorder;
use crate::conformance::{
    Behaviour, Peer, Provider, Subject,
    sample::{config, message},
};

/// What follows the stall of a connection or an answer: nothing, until the deadline.
const SOON: Duration = Duration::from_secs(1);

/// How much is sent to who should not keep it.
pub(super) const GIBIBYTE: u64 = 1 << 30;

/// A connector whose next send is struck.
pub(super) struct Scene {
    pub(super) peer: Peer,
    pub(super) connector: Box<dyn EmailConnector>,
    /// How long and how often is tried, as a host has it; with a shorter deadline where it will be waited for.
    pub(super) policy: SendPolicy,
    /// Whether every attempt brings the provider a message.
    pub(super) arrives: bool,
    /// What the error has to name.
    pub(super) names: Vec<&'static str>,
    /// Whether more is received than fits into memory.
    pub(super) floods: bool,
    /// Somebody who must never be connected to.
    pub(super) bystander: Option<HttpRecorder>,
    /// What has to last as long as the send.
    pub(super) held: Option<Box<dyn Any>>,
}

impl Scene {
    /// Sets the fault of this name up.
    pub(super) async fn of(subject: &Subject, name: &str) -> Self {
        if let Some(scene) = network::scene(subject, name).await {
            return scene;
        }
        match subject.provider {
            Provider::Http(provider) => http::scene(subject, provider, name).await,
            Provider::Smtp(provider) => smtp::scene(subject, provider, name).await,
        }
    }

    /// A send over a connection yet to be opened, as usual in every respect.
    pub(super) fn new(peer: Peer, connector: Box<dyn EmailConnector>) -> Self {
        Self {
            peer,
            connector,
            policy: SendPolicy::default(),
            arrives: true,
            names: Vec::new(),
            floods: false,
            bystander: None,
            held: None,
        }
    }

    /// A send over a connection that a first message has opened.
    pub(super) async fn warm(subject: &Subject) -> Self {
        let peer = Peer::start(subject, Behaviour::Accepts).await;
        let connector = peer.connector_of(subject, &config(subject));
        connector
            .send(&message("SignIn"), &SendContext::new())
            .await
            .unwrap_or_else(|error| panic!("the first message: {error}"));
        assert_eq!(peer.arrived().len(), 1);
        Self::new(peer, connector)
    }

    /// A send over a connection yet to be opened.
    pub(super) async fn cold(subject: &Subject) -> Self {
        let peer = Peer::start(subject, Behaviour::Accepts).await;
        let connector = peer.connector_of(subject, &config(subject));
        Self::new(peer, connector)
    }

    /// With a deadline that is waited for, whose error names the host.
    pub(super) fn stalling(mut self, subject: &Subject) -> Self {
        self.policy.max_time = SOON;
        self.names = subject.hosts.iter().map(|(host, _)| *host).collect();
        self
    }

    /// No message gets as far as the provider.
    pub(super) fn before_the_message(mut self) -> Self {
        self.arrives = false;
        self
    }
}
