//! What the registry costs: with few tenants in the store and with many, over each database.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use connector_kit::{
    About, Connector, ConnectorConfig, ConnectorFactory, Context, Egress, EmailConnector, Error as KitError, Message,
    Receipt, Secret, SendContext, SendPolicy, async_trait,
};
use connector_registry::{Actor, Catalog, Proposal, Registry};
use connector_store::{KeyRing, KeySource, Store};
use connector_testkit::PostgresServer;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Connection as _;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::{
    measure::{self, median},
    rounds::own_output,
    workload,
};

/// How many tenants there are: few, and many.
pub const TENANTS: [usize; 2] = [1_000, 100_000];
/// How many tenants are set up at once while the store is filled.
const AT_ONCE: usize = 16;
/// Sends through tenants whose connectors are ready.
const SENDS: usize = 200_000;
/// Tenants met for the first time, and changes.
const FEW: usize = 300;

/// A connector that takes a message and does nothing: what is left is the registry's own work.
struct Nothing;

#[derive(Deserialize, schemars::JsonSchema)]
struct NothingConfig {
    #[allow(dead_code, reason = "the store seals it; nobody uses it")]
    key: Secret,
    #[allow(dead_code, reason = "tells one configuration from another")]
    number: u64,
}

impl ConnectorConfig for NothingConfig {}

impl Connector for Nothing {
    type Config = NothingConfig;

    fn new(_: NothingConfig, _: &Context) -> Result<Self, KitError> {
        Ok(Self)
    }
}

#[async_trait]
impl EmailConnector for Nothing {
    async fn send(&self, _: &Message, _: &SendContext) -> Result<Receipt, KitError> {
        Ok(Receipt::new(None))
    }
}

static NOTHING: ConnectorFactory = ConnectorFactory::of::<Nothing>(&About {
    id: "nothing",
    target: "nothing",
    name: &[("en", "Nothing")],
    description: &[("en", "Takes a message and does nothing.")],
    logo: "<svg xmlns='http://www.w3.org/2000/svg'/>",
    logo_dark: None,
    readme: "",
    from_email: None,
});

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// One database with so many tenants.
pub struct Measured {
    pub database: Database,
    pub tenants: usize,
    pub costs: Costs,
}

/// What one process measured. Times are medians, in microseconds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Costs {
    /// CPU of a send through a tenant whose connector is ready: finding it, and all layers.
    pub cached_micros: f64,
    /// A send through a tenant that is not in the cache: read, unsealed, built.
    pub cold_micros: f64,
    /// A change: proposed, sealed, committed, in use.
    pub change_micros: f64,
    /// A statement that updates the tenant's row in the same database and nothing else.
    pub update_micros: f64,
    /// Resident memory with the cache full, in MiB.
    pub memory_mib: f64,
}

/// Measures every database with few tenants and with many.
pub fn all() -> Result<Vec<Measured>> {
    let mut measured = Vec::new();
    for database in Database::ALL {
        for tenants in TENANTS {
            eprintln!("registry: {tenants} tenants in {}", database.name());
            measured.push(Measured { database, tenants, costs: one(database, tenants)? });
        }
    }
    Ok(measured)
}

/// Fills a store of its own in one process and measures in another, whose memory is its own.
fn one(database: Database, tenants: usize) -> Result<Costs> {
    let folder = TempDir::new()?;
    let tenants = tenants.to_string();
    let keys = folder.path().join("keys");
    let keys = keys.to_str().context("the temporary folder's name is not text")?;
    let fill = |url: &str| own_output(&["fill", url, "--keys", keys, "--tenants", &tenants]);
    let (url, _server) = match database {
        Database::Sqlite => {
            // Filled in memory, where no commit waits for the disk; measured on the disk.
            let memory = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new())?;
            fill(&sqlite_url(memory.path()))?;
            for file in std::fs::read_dir(memory.path())? {
                let file = file?;
                std::fs::copy(file.path(), folder.path().join(file.file_name()))?;
            }
            (sqlite_url(folder.path()), None)
        }
        Database::Postgres => {
            let server = PostgresServer::start();
            fill(&server.url())?;
            (server.url(), Some(server))
        }
    };
    let costs = own_output(&["tenants", &url, "--keys", keys, "--tenants", &tenants])?;
    Ok(serde_json::from_str(&costs)?)
}

fn sqlite_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("store.db").display())
}

/// Sets up so many tenants.
pub fn fill(url: &str, keys: &Path, tenants: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        KeyRing::create_file(keys).await?;
        let registry = registry(url, keys).await?;
        let mut set_ups = JoinSet::new();
        for number in 0..tenants {
            if set_ups.len() == AT_ONCE {
                set_ups.join_next().await.context("one is under way")???;
            }
            let registry = registry.clone();
            set_ups.spawn(async move { registry.set_up(&name(number), proposal(number), &by()).await.map(drop) });
        }
        while let Some(set_up) = set_ups.join_next().await {
            set_up??;
        }
        Ok(())
    })
}

/// Measures, and prints the costs as JSON.
pub fn run(url: &str, keys: PathBuf, tenants: usize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let costs = runtime.block_on(async {
        let registry = registry(url, &keys).await?;
        let message = workload::message();
        // Spread over all there are, so that the database's own cache helps no more than it would.
        let spread = |index: usize| name(index * 7919 % tenants);
        let mut cold = Vec::new();
        for index in 0..FEW {
            let started = Instant::now();
            registry.send(&spread(index), &message).await?;
            cold.push(micros(started.elapsed()));
        }
        let ready: Vec<String> = (0..1000.min(tenants)).map(spread).collect();
        for name in &ready {
            registry.send(name, &message).await?;
        }
        let memory_mib = resident_mib()?;
        let before = measure::cpu_time()?;
        for index in 0..SENDS {
            registry.send(&ready[index % FEW], &message).await?;
        }
        let cached_micros = micros(measure::cpu_time()? - before) / SENDS as f64;
        let mut changes = Vec::new();
        for index in 0..FEW {
            let started = Instant::now();
            registry.change(&spread(index), proposal(index + tenants), &by()).await?;
            changes.push(micros(started.elapsed()));
        }
        let update_micros = median(updates(url, &ready).await?);
        Ok::<_, anyhow::Error>(Costs {
            cached_micros,
            cold_micros: median(cold),
            change_micros: median(changes),
            update_micros,
            memory_mib,
        })
    })?;
    println!("{}", serde_json::to_string(&costs)?);
    Ok(())
}

/// The bare statement, over one kept connection with the store's own settings.
async fn updates(url: &str, names: &[String]) -> Result<Vec<f64>> {
    let mut took = Vec::new();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let options = options.synchronous(sqlx::sqlite::SqliteSynchronous::Full);
        let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
        for name in names.iter().take(FEW) {
            let started = Instant::now();
            let update = sqlx::query("UPDATE tenants SET fallback_language = 'en' WHERE name = ?").bind(name);
            ensure!(update.execute(&mut connection).await?.rows_affected() == 1, "no such tenant");
            took.push(micros(started.elapsed()));
        }
    } else {
        let mut connection = sqlx::PgConnection::connect(url).await?;
        for name in names.iter().take(FEW) {
            let started = Instant::now();
            let update = "UPDATE email_connectors.tenants SET fallback_language = 'en' WHERE name = $1";
            ensure!(
                sqlx::query(update).bind(name).execute(&mut connection).await?.rows_affected() == 1,
                "no such tenant"
            );
            took.push(micros(started.elapsed()));
        }
    }
    Ok(took)
}

async fn registry(url: &str, keys: &Path) -> Result<Registry<Store>> {
    let catalog = Catalog::builtin().with(&NOTHING)?;
    let keys = KeyRing::load(KeySource::File(keys.to_owned())).await?;
    let store = Store::open(url, keys, catalog.clone()).await?;
    Ok(Registry::new(catalog, Context::new(Egress::default())?, SendPolicy::default(), store))
}

fn proposal(number: usize) -> Proposal {
    Proposal::new("nothing", json!({ "key": format!("secret-{number}"), "number": number }))
}

fn by() -> Actor {
    Actor::new("bench", "this machine")
}

fn name(number: usize) -> String {
    format!("tenant-{number}")
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Resident memory of this process at this moment, in MiB.
fn resident_mib() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc: the benchmarks run on Linux")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no resident memory")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib / 1024.0)
}
