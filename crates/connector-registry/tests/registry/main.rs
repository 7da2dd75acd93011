//! The registry as its users see it: one active connector, whatever happens at the same time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod at_once;
mod bad_input;
mod catalog;
mod history;
mod languages;
mod one_active;
mod sign_in;
mod store_and_cache;
mod stubborn;
mod templates;
mod testing;
mod transfer;

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use connector_kit::{
    About, Connector, ConnectorConfig, ConnectorFactory, Context, Egress, EmailConnector, Error as KitError, ErrorKind,
    Message, Payload, Receipt, Secret, SendContext, SendPolicy, UsageType, async_trait,
};
use connector_registry::{ActiveConnector, Actor, Catalog, ConnectorStore, MemoryStore, Proposal, Registry, Saved};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// A connector that answers with its label and the subject of the message's template, and waits at a gate where its configuration names one.
struct Labelled {
    label: String,
    gate: Option<Gate>,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct LabelledConfig {
    #[schemars(length(min = 1))]
    label: String,
    gate: Option<String>,
    refused: Option<bool>,
    /// Sent nowhere: for what becomes of secrets on their way into the store.
    #[allow(dead_code)]
    token: Option<Secret>,
    #[allow(dead_code)]
    #[schemars(extend("x-form" = { "destination": true }))]
    host: Option<String>,
}

impl ConnectorConfig for LabelledConfig {}

/// Says when somebody has arrived, and lets them through.
#[derive(Clone)]
struct Gate {
    arrived: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self { arrived: Arc::new(Semaphore::new(0)), open: Arc::new(Semaphore::new(0)) }
    }

    async fn pass(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }
}

/// Gates by the name under which a configuration refers to them.
static GATES: LazyLock<Mutex<HashMap<String, Gate>>> = LazyLock::new(Mutex::default);

fn gate(name: &str) -> Gate {
    GATES.lock().unwrap().entry(name.to_owned()).or_insert_with(Gate::new).clone()
}

#[async_trait]
impl EmailConnector for Labelled {
    async fn send(&self, message: &Message, _: &SendContext) -> Result<Receipt, KitError> {
        message.recipient()?;
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        if self.label == "refuses" {
            return Err(KitError::new(ErrorKind::Rejected, "no"));
        }
        let label = self.label.clone();
        Ok(Receipt::new(Some(match &message.template {
            // Which compiled one it is.
            Some(template) if label == "tells" => format!("{:p}", Arc::as_ptr(template)),
            Some(template) => format!("{label}: {}", template.subject()),
            None => label,
        })))
    }
}

impl Connector for Labelled {
    type Config = LabelledConfig;

    fn new(config: LabelledConfig, _: &Context) -> Result<Self, KitError> {
        if config.refused == Some(true) {
            return Err(KitError::new(ErrorKind::InvalidConfig, "the key cannot be read"));
        }
        Ok(Self { label: config.label, gate: config.gate.as_deref().map(gate) })
    }
}

const fn about(id: &'static str) -> About {
    About {
        id,
        target: "labels",
        name: &[("en", "Labelled")],
        description: &[("en", "Answers with its label")],
        logo: "<svg xmlns='http://www.w3.org/2000/svg'/>",
        logo_dark: None,
        readme: "",
        from_email: None,
    }
}

static ABOUT: About = about("labelled");
static LABELLED: ConnectorFactory = ConnectorFactory::of::<Labelled>(&ABOUT);
const TENANT: &str = "acme";

fn registry_over<S: ConnectorStore>(store: S) -> Registry<S> {
    let context = Context::new(Egress::default()).unwrap();
    Registry::new(Catalog::empty().with(&LABELLED).unwrap(), context, SendPolicy::default(), store)
}

fn registry_caching<S: ConnectorStore>(store: S, tenants: usize) -> Registry<S> {
    let context = Context::new(Egress::default()).unwrap();
    let catalog = Catalog::empty().with(&LABELLED).unwrap();
    Registry::with_cached_tenants(catalog, context, SendPolicy::default(), store, tenants)
}

fn registry() -> Registry<MemoryStore> {
    registry_over(MemoryStore::new())
}

fn labelled(label: impl std::fmt::Display) -> Value {
    json!({ "label": label.to_string() })
}

fn proposal(config: Value) -> Proposal {
    Proposal::new("labelled", config)
}

fn by() -> Actor {
    Actor::new("alice", "a test")
}

async fn set_up<S: ConnectorStore>(registry: &Registry<S>, config: Value) -> Saved {
    registry.set_up(TENANT, proposal(config), &by()).await.unwrap().saved
}

async fn change<S: ConnectorStore>(registry: &Registry<S>, config: Value) -> Saved {
    registry.change(TENANT, proposal(config), &by()).await.unwrap().saved
}

fn message() -> Message {
    Message::new("user@example.com", UsageType::SignIn, Payload::new())
}

/// Sends one message and returns the label of the connector that took it.
async fn sent_by<S: ConnectorStore>(registry: &Registry<S>) -> String {
    registry.send(TENANT, &message()).await.unwrap().message_id.unwrap()
}

/// Does what the active connector and the store say agree?
async fn assert_agrees<S: ConnectorStore>(registry: &Registry<S>) -> Arc<ActiveConnector> {
    let active = registry.active(TENANT).await.unwrap();
    let stored = registry.status(TENANT).await.unwrap().active.unwrap();
    assert_eq!((active.id(), active.revision()), (stored.id, stored.revision));
    assert_eq!((active.connector(), active.activated_at()), (stored.connector.as_str(), stored.activated_at.unwrap()));
    active
}
