//! Where a host puts something of its own: a wrapper around a connector, an HTTP client below it. Nothing of either may turn
//! what may have been sent into "not sent".

use std::{sync::Arc, time::Duration};

use connector_kit::{
    Context, Delivery, Egress, EmailConnector, Error, Message, Receipt, SendContext, SendPolicy, async_trait,
    http::{HttpClient, HttpRequest, HttpResponse},
    layered,
};

use super::{
    Behaviour, Peer, Provider, Subject,
    faults::strike_through,
    sample::{config, message},
};
use crate::{Answer, Fault, RefusedPort};

/// How long a message that is never answered is waited for.
const SOON: Duration = Duration::from_secs(1);

/// A wrapper that runs the connector in a task of its own.
struct Spawning(Arc<dyn EmailConnector>);

#[async_trait]
impl EmailConnector for Spawning {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        let (inner, message, context) = (Arc::clone(&self.0), message.clone(), context.clone());
        tokio::spawn(async move { inner.send(&message, &context).await }).await.unwrap()
    }
}

/// A host's own client: it does the work in another task.
struct Elsewhere {
    http: Arc<dyn HttpClient>,
    /// Whether it hands the context on, and the errors as they are.
    vouches: bool,
}

#[async_trait]
impl HttpClient for Elsewhere {
    async fn execute(&self, request: HttpRequest, context: &SendContext) -> Result<HttpResponse, Error> {
        let http = Arc::clone(&self.http);
        let context = if self.vouches { context.clone() } else { SendContext::new() };
        let outcome = tokio::spawn(async move { http.execute(request, &context).await }).await.unwrap();
        outcome.map_err(|error| if self.vouches { error } else { Error::new(error.kind(), error.to_string()) })
    }
}

/// The subject's connector over a host's own client.
fn over_own_client(subject: &Subject, egress: Egress, vouches: bool) -> Box<dyn EmailConnector> {
    let context = Context::new(egress).unwrap();
    let http = Arc::clone(context.http());
    let context = context.with_http(Arc::new(Elsewhere { http, vouches }));
    subject.factory.build(&config(subject), &context).unwrap_or_else(|error| panic!("it is not built: {error}"))
}

/// Whatever happens to a send happens alike where it was spawned on the way.
pub async fn a_wrapper_that_spawns_changes_no_outcome(subject: &Subject) {
    for name in ["no_answer", "reset_after_the_message", "tls_stalled", "connection_refused"] {
        strike_through(subject, name, |connector| Box::new(Spawning(connector.into()))).await;
    }
}

/// A client that says nothing of where it is vouches for nothing.
pub async fn a_hosts_own_client_that_vouches_for_nothing_is_unknown(subject: &Subject) {
    let Provider::Http(_) = subject.provider else { return };
    for fault in [Fault::Silent, Fault::ResetAfterRead] {
        let peer = Peer::start(subject, Behaviour::Accepts).await;
        peer.answer_messages(move |_| Answer::fault(fault));
        let connector = over_own_client(subject, peer.egress(), false);
        let policy = SendPolicy { max_time: SOON, ..SendPolicy::default() };
        let error = layered(connector, policy).send(&message("SignIn"), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.delivery(), error.attempts()), (Delivery::Unknown, 1), "{fault:?}: {error}");
        assert_eq!(peer.arrived().len(), 1, "{fault:?}");
    }
}

/// A client that hands the context on is as exact as the kit's own.
pub async fn a_hosts_own_client_that_hands_the_context_on_is_exact(subject: &Subject) {
    let Provider::Http(_) = subject.provider else { return };
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    peer.answer_messages(|_| Answer::fault(Fault::Silent));
    let policy = SendPolicy { max_time: SOON, ..SendPolicy::default() };
    let silent = layered(over_own_client(subject, peer.egress(), true), policy);
    let error = silent.send(&message("SignIn"), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.delivery(), error.attempts()), (Delivery::Unknown, 1), "{error}");

    let nobody = RefusedPort::new();
    let there = format!("::127.0.0.1:{}", nobody.port()).parse().unwrap();
    let egress = Egress { connect_to: vec![there], ..peer.egress() };
    let unreachable = layered(over_own_client(subject, egress, true), SendPolicy::default());
    let error = unreachable.send(&message("SignIn"), &SendContext::new()).await.unwrap_err();
    assert_eq!((error.delivery(), error.attempts()), (Delivery::NotSent, 3), "{error}");
}
