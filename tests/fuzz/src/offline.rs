//! What targets share: connectors that reach no network, and a runtime whose clock does not wait.

use std::sync::{Arc, OnceLock};

use connector_kit::{
    ConnectorFactory, Context, Egress, EmailConnector, Error, ErrorKind, Message, Payload, Receipt, SendContext,
    SendPolicy, UsageType, async_trait,
    http::{HttpClient, HttpRequest, HttpResponse},
    layered,
};
use connector_registry::Catalog;
use connector_testkit::example_config;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

/// What no error may quote.
pub(crate) const CODE: &str = "739126";
pub(crate) const RECIPIENT: &str = "ann.recipient@example.org";
pub(crate) const SECRET: &str = "S3cr3t-of-the-provider";

/// A client for what must not send.
pub(crate) struct NoAnswer;

#[async_trait]
impl HttpClient for NoAnswer {
    async fn execute(&self, _: HttpRequest, _: &SendContext) -> Result<HttpResponse, Error> {
        Err(Error::new(ErrorKind::Unavailable, "nothing is sent here"))
    }
}

/// One of the built-in connectors.
pub(crate) fn factory(number: u8) -> &'static ConnectorFactory {
    let factories: Vec<_> = Catalog::builtin().iter().collect();
    factories[usize::from(number) % factories.len()]
}

/// The example configuration of a connector's guide, with [`SECRET`] in place of its secrets where it fits.
pub(crate) fn config(factory: &ConnectorFactory) -> Value {
    let (_, mut config) = example_config(factory.about().readme).expect("a guide has an example");
    for pointer in factory.secret_pointers(&config) {
        let mut changed = config.clone();
        if let Some(secret) = changed.pointer_mut(&pointer) {
            *secret = json!(SECRET);
        }
        if factory.validate(&changed).is_valid() {
            config = changed;
        }
    }
    config
}

/// A context over `client`.
pub(crate) fn context(client: impl HttpClient + 'static) -> Context {
    dialing().with_http(Arc::new(client))
}

/// A context that connects. Making one reads the system's root certificates, so there is one for all inputs; its HTTP
/// client, whose connections would belong to the runtime of one input, is not used.
pub(crate) fn dialing() -> Context {
    static BASE: OnceLock<Context> = OnceLock::new();
    BASE.get_or_init(|| Context::new(Egress::default()).expect("nothing contradicts")).clone()
}

/// A runtime on this thread whose clock leaps to the next timer when nothing else is left to do.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime can be had")
}

/// The message that every target sends.
pub(crate) fn message() -> Message {
    let payload: Payload = [("code".to_owned(), json!(CODE))].into_iter().collect();
    Message::new(format!("Ann Recipient <{RECIPIENT}>"), UsageType::SignIn, payload)
}

/// One attempt to send through the example of `factory`, with `client` between it and the provider.
pub(crate) fn send(factory: &ConnectorFactory, client: impl HttpClient + 'static) -> Result<Receipt, Error> {
    let connector = factory.build(&config(factory), &context(client)).expect("the example is valid");
    let policy = SendPolicy { max_attempts: 1, ..SendPolicy::default() };
    runtime().block_on(layered(connector, policy).send(&message(), &SendContext::new()))
}
