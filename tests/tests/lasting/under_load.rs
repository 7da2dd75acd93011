//! A change every 50 ms while messages go out, for a minute; and a database that goes away meanwhile.

use super::databases::Database;
use connector_kit::{
    About, Connector, ConnectorConfig, ConnectorFactory, Context, Egress, EmailConnector, Error as KitError, Message,
    Payload, Receipt, SendContext, SendPolicy, UsageType, async_trait,
};
use connector_registry::{Actor, Catalog, Error, Proposal, Registry};
use connector_store::{KeyRing, KeySource, Store};
use serde_json::{Value, json};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use std::time::{Duration, Instant};

const TENANT: &str = "acme";
const EVERY: Duration = Duration::from_millis(50);
const CHANGES: u64 = 1200;
/// A change is to reach other processes within a second. On a machine that runs other tests beside this one, threads may wait
/// for their turn as long again and more.
const REACHES_WITHIN: Duration = Duration::from_secs(5);

/// A connector that answers with the number in its configuration, after the time that a provider takes.
struct Numbered(u64);

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct NumberedConfig {
    number: u64,
}

impl ConnectorConfig for NumberedConfig {}

impl Connector for Numbered {
    type Config = NumberedConfig;

    fn new(config: NumberedConfig, _: &Context) -> Result<Self, KitError> {
        Ok(Self(config.number))
    }
}

#[async_trait]
impl EmailConnector for Numbered {
    async fn send(&self, message: &Message, _: &SendContext) -> Result<Receipt, KitError> {
        message.recipient()?;
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(Receipt::new(Some(self.0.to_string())))
    }
}

static NUMBERED: ConnectorFactory = ConnectorFactory::of::<Numbered>(&About {
    id: "numbered",
    target: "numbered",
    name: &[("en", "Numbered")],
    description: &[("en", "Answers with its number")],
    logo: "<svg xmlns='http://www.w3.org/2000/svg'/>",
    logo_dark: None,
    readme: "",
    from_email: None,
});

fn proposal(number: u64) -> Proposal {
    Proposal::new("numbered", json!({ "number": number }))
}

fn by() -> Actor {
    Actor::new("alice", "a test")
}

/// A registry as another process would have it: with a store of its own.
async fn registry(database: &Database) -> Registry<Store> {
    let catalog = Catalog::empty().with(&NUMBERED).unwrap();
    let keys = KeyRing::load(KeySource::File(database.keys.clone())).await.unwrap();
    let store = Store::open(&database.url, keys, catalog.clone()).await.unwrap();
    Registry::new(catalog, Context::new(Egress::default()).unwrap(), SendPolicy::default(), store)
}

async fn number(registry: &Registry<Store>) -> u64 {
    let message = Message::new(
        "user@example.com",
        UsageType::SignIn,
        Payload::from_iter([("code".to_owned(), Value::from("1"))]),
    );
    let receipt = registry.send(TENANT, &message).await.expect("no send may fail because of a change");
    receipt.message_id.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_no_send_fails_and_none_goes_an_old_way() {
    change_under_load(&Database::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres_no_send_fails_and_none_goes_an_old_way() {
    change_under_load(&Database::postgres().await).await;
}

async fn change_under_load(database: &Database) {
    let (here, there) = (registry(database).await, registry(database).await);
    here.set_up(TENANT, proposal(0), &by()).await.unwrap();
    let follower = there.follow();
    let changed = Arc::new(AtomicU64::new(0));
    // When each change had returned.
    let times = Arc::new(Mutex::new(vec![Instant::now()]));
    let done = Arc::new(AtomicBool::new(false));
    let sends = Arc::new(AtomicU64::new(0));
    let mut senders = Vec::new();
    for _ in 0..8 {
        let (here, changed, ended, sends) = (here.clone(), changed.clone(), done.clone(), sends.clone());
        senders.push(tokio::spawn(async move {
            while !ended.load(Ordering::Acquire) {
                let at_least = changed.load(Ordering::Acquire);
                let by = number(&here).await;
                assert!(by >= at_least, "sent by {by} after the change to {at_least} had returned");
                sends.fetch_add(1, Ordering::Relaxed);
            }
        }));
        let (there, times, ended) = (there.clone(), times.clone(), done.clone());
        senders.push(tokio::spawn(async move {
            while !ended.load(Ordering::Acquire) {
                let before = Instant::now() - REACHES_WITHIN;
                let at_least = times.lock().unwrap().partition_point(|time| *time < before).saturating_sub(1) as u64;
                let by = number(&there).await;
                assert!(by >= at_least, "another process sent by {by}, long after the change to {at_least}");
            }
        }));
    }
    let mut ticks = tokio::time::interval(EVERY);
    for number in 1..=CHANGES {
        ticks.tick().await;
        here.change(TENANT, proposal(number), &by()).await.unwrap();
        changed.store(number, Ordering::Release);
        times.lock().unwrap().push(Instant::now());
    }
    done.store(true, Ordering::Release);
    for sender in senders {
        sender.await.unwrap();
    }
    assert!(sends.load(Ordering::Relaxed) > CHANGES);
    eventually("the other process to follow", async || number(&there).await == CHANGES).await;
    let status = here.status(TENANT).await.unwrap();
    assert_eq!((status.revision, status.kept.len() as u64), (CHANGES + 1, CHANGES));
    drop(follower);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgres_is_away_sends_go_on_and_changes_say_try_again() {
    let mut database = Database::postgres().await;
    let (here, there) = (registry(&database).await, registry(&database).await);
    here.set_up(TENANT, proposal(0), &by()).await.unwrap();
    let follower = there.follow();
    let done = Arc::new(AtomicBool::new(false));
    assert_eq!((number(&here).await, number(&there).await), (0, 0));
    let senders: Vec<_> = [&here, &there]
        .map(|registry| {
            let (registry, done) = (registry.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Acquire) {
                    number(&registry).await;
                }
            })
        })
        .into();

    let server = database.server.as_mut().unwrap();
    server.stop();
    let refused = here.change(TENANT, proposal(1), &by()).await.unwrap_err();
    assert!(matches!(&refused, Error::Store(_)), "{refused}");
    assert!(refused.to_string().contains("try"), "{refused}");
    assert_eq!(number(&here).await, 0);

    server.resume();
    eventually("a change to succeed again", async || here.change(TENANT, proposal(2), &by()).await.is_ok()).await;
    assert_eq!(number(&here).await, 2);
    eventually("the other process to follow", async || number(&there).await == 2).await;
    done.store(true, Ordering::Release);
    for sender in senders {
        sender.await.unwrap();
    }
    drop(follower);
}

/// Waits for a condition, for as long as a person would.
async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(e2e::PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited for {what}, in vain"));
}
