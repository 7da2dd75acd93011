//! The use cases over stores in memory, through a connector that does as it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests fail by panicking")]

mod callers;
mod outcomes;

use std::{
    collections::HashMap,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use connector_kit::{
    About, Connector, ConnectorConfig, ConnectorFactory, Context, Delivery, Egress, EmailConnector, Error, ErrorKind,
    Message, Receipt, SendContext, SendPolicy, UsageType, async_trait,
};
use connector_registry::{Actor, Catalog, MemoryStore, Proposal, Registry};
use connector_service::{CodeRequest, CodeService, Tasks};
use serde_json::json;
use tokio::sync::Semaphore;
use verification_code::{
    Attempt, Attempted, CodeId, CodeStore, HashKey, HashKeys, Issuance, MemoryStore as CodeMemory, NewCode, Settings,
    StoreError, Subject, Timestamp, VerificationCodes, Withdrawal,
};

const TO: &str = "Ada <ada@example.com>";

/// What a connector does, by the name in its configuration; it can be changed on the way.
struct Script {
    does: Mutex<Does>,
    /// The last code that it was handed.
    code: Mutex<String>,
    arrived: Semaphore,
    open: Semaphore,
}

impl Default for Script {
    fn default() -> Self {
        Self { does: Mutex::default(), code: Mutex::default(), arrived: Semaphore::new(0), open: Semaphore::new(0) }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Does {
    #[default]
    Sends,
    Fails(ErrorKind, Delivery),
    FailsForItsRecipient(ErrorKind),
    /// Waits until it is let through, before anything is written or after, and then fails as a provider that is down.
    Waits {
        written: bool,
    },
    /// The same, and then sends.
    WaitsAndSends,
}

static SCRIPTS: LazyLock<Mutex<HashMap<String, Arc<Script>>>> = LazyLock::new(Mutex::default);

fn script(name: &str) -> Arc<Script> {
    Arc::clone(SCRIPTS.lock().unwrap().entry(name.to_owned()).or_default())
}

struct Scripted(Arc<Script>);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct ScriptedConfig {
    script: String,
}

impl ConnectorConfig for ScriptedConfig {}

impl Script {
    fn does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    fn code(&self) -> String {
        self.code.lock().unwrap().clone()
    }

    async fn wait(&self) {
        self.arrived.add_permits(1);
        self.open.acquire().await.unwrap().forget();
    }

    async fn arrival(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }
}

#[async_trait]
impl EmailConnector for Scripted {
    async fn send(&self, message: &Message, context: &SendContext) -> Result<Receipt, Error> {
        *self.0.code.lock().unwrap() = message.payload["code"].as_str().unwrap().to_owned();
        let does = *self.0.does.lock().unwrap();
        match does {
            Does::Sends => Ok(Receipt::new(Some("1".to_owned()))),
            Does::Fails(kind, delivery) => Err(Error::new(kind, "no").delivery_is(delivery)),
            Does::FailsForItsRecipient(kind) => Err(Error::new(kind, "no").not_sent().of_recipient()),
            Does::Waits { written } => {
                if !written {
                    context.mark_not_sent();
                }
                self.0.wait().await;
                Err(Error::new(ErrorKind::Unavailable, "down").not_sent())
            }
            Does::WaitsAndSends => {
                self.0.wait().await;
                Ok(Receipt::new(None))
            }
        }
    }
}

impl Connector for Scripted {
    type Config = ScriptedConfig;

    fn new(config: ScriptedConfig, _: &Context) -> Result<Self, Error> {
        Ok(Self(script(&config.script)))
    }
}

static ABOUT: About = About {
    id: "scripted",
    target: "scripts",
    name: &[("en", "Scripted")],
    description: &[("en", "Does as it is told")],
    logo: "<svg xmlns='http://www.w3.org/2000/svg'/>",
    logo_dark: None,
    readme: "",
    from_email: None,
};
static SCRIPTED: ConnectorFactory = ConnectorFactory::of::<Scripted>(&ABOUT);

/// Codes in memory, which fail to take a code back as often as they are told to.
#[derive(Default)]
struct Codes {
    memory: CodeMemory,
    failures: AtomicU32,
    prunings: AtomicU32,
}

#[async_trait]
impl CodeStore for Codes {
    async fn issue(&self, code: &NewCode<'_>) -> Result<Issuance, StoreError> {
        self.memory.issue(code).await
    }

    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        self.memory.attempt(attempt).await
    }

    async fn consume(&self, tenant: &str, subject: &Subject, id: CodeId) -> Result<bool, StoreError> {
        self.memory.consume(tenant, subject, id).await
    }

    async fn withdraw(&self, withdrawal: &Withdrawal<'_>) -> Result<(), StoreError> {
        let fails = self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if fails.is_ok() {
            return Err(StoreError::new("the connection was lost"));
        }
        self.memory.withdraw(withdrawal).await
    }

    async fn prune(&self, now: Timestamp, max: u32) -> Result<u64, StoreError> {
        self.prunings.fetch_add(1, Ordering::SeqCst);
        self.memory.prune(now, max).await
    }
}

type Service = CodeService<MemoryStore, Arc<Codes>>;

/// A service whose one tenant sends through the script of this name.
async fn service(name: &str) -> (Service, Tasks, Arc<Script>) {
    service_over(name, Arc::default()).await
}

async fn service_over(name: &str, codes: Arc<Codes>) -> (Service, Tasks, Arc<Script>) {
    let policy = SendPolicy { max_attempts: 1, ..SendPolicy::default() };
    let catalog = Catalog::empty().with(&SCRIPTED).unwrap();
    let registry = Registry::new(catalog, Context::new(Egress::default()).unwrap(), policy, MemoryStore::new());
    let proposal = Proposal::new("scripted", json!({ "script": name }));
    registry.set_up("acme", proposal, &Actor::new("alice", "a test")).await.unwrap();
    let keys = HashKeys::new(HashKey::new("a", [7; 32]).unwrap());
    let codes = VerificationCodes::new(codes, keys, Settings::default()).unwrap();
    let tasks = Tasks::new();
    (CodeService::new(registry, codes, tasks.clone()), tasks, script(name))
}

fn request() -> CodeRequest {
    CodeRequest::new("acme", UsageType::SignIn, TO)
}
