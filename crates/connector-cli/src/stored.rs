//! What is stored: where, under which key, for which tenant, and who is changing it.

use std::{
    env,
    io::ErrorKind,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use connector_kit::{Context, Egress, SendPolicy};
use connector_registry::{Actor, Catalog, tenant_name};
use connector_service::Tasks;
use connector_store::{KeyRing, KeySource, Store};
use etcetera::BaseStrategy;

use crate::{commands::block_on, egress::EgressArgs, failure::Failure, interruption::Interruption, output};

/// The environment's ways to say where the master key is.
const KEY: &str = "EMAIL_CONNECTORS_KEY";
const KEY_FILE: &str = "EMAIL_CONNECTORS_KEY_FILE";
const KEY_COMMAND: &str = "EMAIL_CONNECTORS_KEY_COMMAND";

/// How long closing the store may take: as long as a statement that is under way on a server. What is not closed by then
/// ends with the process.
const CLOSE_MAX: Duration = Duration::from_secs(30);

/// What a command needs of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: a store that is not there is made.
    Nothing,
    /// What is in it. A SQLite store that somebody has named and that is not there is a slip, which an empty answer would
    /// hide; the one in the data directory is not there as long as nothing was set up.
    Content,
}

/// A registry over the store that was asked for.
pub type Registry = connector_registry::Registry<Store>;

/// Where it is stored, and who is at it.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is stored")]
pub struct StoreArgs {
    /// Where: sqlite:PATH or postgres://USER@HOST/DATABASE. Unless given, one SQLite file in your data directory.
    // Parsed later: clap would repeat a URL that cannot be read, and with it the password inside.
    #[arg(long, value_name = "URL", env = "EMAIL_CONNECTORS_STORE", hide_env_values = true)]
    store: Option<String>,
    /// The file with the master key that secrets are encrypted under. The environment can say it in one of
    /// EMAIL_CONNECTORS_KEY (the key itself), EMAIL_CONNECTORS_KEY_FILE and EMAIL_CONNECTORS_KEY_COMMAND. Unless given,
    /// a SQLite store has one beside it.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Who is doing it, for the history; your account's name unless given.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

/// Which tenant, besides.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is stored")]
pub struct TenantArgs {
    /// The tenant: each has an active connector of its own.
    #[arg(long, value_name = "NAME", env = "EMAIL_CONNECTORS_TENANT", default_value = "default")]
    pub tenant: String,
    #[command(flatten)]
    store: StoreArgs,
}

impl StoreArgs {
    /// Has `work`, which sends nothing, done with the store, by whoever is at it.
    ///
    /// # Errors
    /// Those of `work`; when the store cannot be opened.
    pub fn with<T>(
        &self,
        needs: Needs,
        work: impl AsyncFnOnce(&Registry, &Actor) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        // Nothing is sent, so nothing is signed: whether a configuration may use this process's credentials shows when it is.
        let context = Context::new(Egress::default())?.with_ambient_credentials();
        self.with_context(needs, context, SendPolicy::default(), &Tasks::new(), work)
    }

    /// The one place where the store is opened and closed. SQLite keeps what was written last in a file beside the
    /// database until that is closed, and a process that just ends leaves it there: so it is closed whatever comes of
    /// `work`, and before an interruption ends the process.
    fn with_context<T>(
        &self,
        needs: Needs,
        context: Context,
        policy: SendPolicy,
        tasks: &Tasks,
        work: impl AsyncFnOnce(&Registry, &Actor) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        block_on(async {
            let mut interruption = Interruption::new().map_err(|cause| Failure::unavailable(cause.to_string()))?;
            let catalog = Catalog::builtin();
            let store = self.open_store(needs, catalog.clone()).await?;
            let registry = Registry::new(catalog, context, policy, store);
            let by = self.actor();
            let outcome = tokio::select! {
                // First, so that it is waited for before anything is done.
                biased;
                end_process = interruption.happened() => Err(end_process),
                outcome = work(&registry, &by) => Ok(outcome),
            };
            let settled = async {
                if outcome.is_err() {
                    tasks.stop().await;
                } else {
                    tasks.finish().await;
                }
                registry.store().close().await;
            };
            let _ = tokio::time::timeout(CLOSE_MAX, settled).await;
            outcome.unwrap_or_else(|end_process| {
                // What was being stored is seen through, and what was being sent may be on its way.
                output::note(
                    "interrupted: what was under way may have been done all the same; `status` and `history` tell\n",
                );
                end_process();
                Err(Failure::unavailable("it was interrupted"))
            })
        })
    }

    async fn open_store(&self, needs: Needs, catalog: Catalog) -> Result<Store, Failure> {
        let url = self.url()?;
        let file = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        let file = file.filter(|path| !path.is_empty() && *path != ":memory:").map(Path::new);
        if let Some(path) = file.filter(|path| needs == Needs::Content && self.named().is_some() && !is_there(path)) {
            return Err(Failure::no_store(path));
        }
        let keys = match self.keys()? {
            Some(source) => Some(KeyRing::load(source).await?),
            None => None,
        };
        match (keys, file) {
            (Some(keys), _) => Ok(Store::open(&url, keys, catalog).await?),
            (None, Some(path)) => Ok(Store::open_default(path, catalog).await?),
            (None, None) => Err(Failure::no_key()),
        }
    }

    /// The store's URL.
    fn url(&self) -> Result<String, Failure> {
        self.named().map_or_else(default_store, |url| Ok(url.to_owned()))
    }

    /// The URL that somebody has given.
    fn named(&self) -> Option<&str> {
        self.store.as_deref().filter(|url| !url.is_empty())
    }

    /// Where the master keys are, where anybody has said so.
    fn keys(&self) -> Result<Option<KeySource>, Failure> {
        if let Some(file) = &self.key_file {
            return Ok(Some(KeySource::File(file.clone())));
        }
        let set = |name: &'static str| Some((name, env::var_os(name).filter(|value| !value.is_empty())?));
        let given: Vec<_> = [KEY, KEY_FILE, KEY_COMMAND].into_iter().filter_map(set).collect();
        match given.as_slice() {
            [] => Ok(None),
            [(KEY_FILE, file)] => Ok(Some(KeySource::File(file.into()))),
            [(KEY_COMMAND, command)] => match command.to_str() {
                Some(command) => Ok(Some(KeySource::Command(command.to_owned()))),
                None => Err(Failure::usage(format!("{KEY_COMMAND} is no text"))),
            },
            [(name, _)] => Ok(Some(KeySource::Environment((*name).to_owned()))),
            // Which one is meant, nobody knows, and a guess could seal under the wrong one.
            [(one, _), (other, _), ..] => {
                Err(Failure::usage(format!("{one} and {other} are both set: leave one of them, or use --key-file")))
            }
        }
    }

    /// Who is doing it, and from where.
    fn actor(&self) -> Actor {
        let account = || whoami::username().unwrap_or_else(|_| "unknown".to_owned());
        let host = whoami::hostname().unwrap_or_else(|_| "unknown host".to_owned());
        Actor::new(self.by.clone().unwrap_or_else(account), format!("{host}, command line"))
    }
}

impl TenantArgs {
    /// As [`StoreArgs::with`].
    ///
    /// # Errors
    /// Also when no tenant can be called that.
    pub fn with<T>(
        &self,
        needs: Needs,
        work: impl AsyncFnOnce(&Registry, &Actor) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        tenant_name(&self.tenant)?;
        self.store.with(needs, work)
    }

    /// The same for what sends.
    ///
    /// # Errors
    /// Also when a flag of `egress` cannot be used.
    pub fn with_to_send<T>(
        &self,
        needs: Needs,
        egress: &EgressArgs,
        work: impl AsyncFnOnce(&Registry, &Actor) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_tasks(needs, egress, &Tasks::new(), work)
    }

    /// The same for what sends among `tasks`, which are waited for, or settled after an interruption.
    ///
    /// # Errors
    /// Also when a flag of `egress` cannot be used.
    pub fn with_tasks<T>(
        &self,
        needs: Needs,
        egress: &EgressArgs,
        tasks: &Tasks,
        work: impl AsyncFnOnce(&Registry, &Actor) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        tenant_name(&self.tenant)?;
        self.store.with_context(needs, egress.context()?, egress.policy(), tasks, work)
    }
}

/// Whether there is a database, or something else to be told of. An empty file is none yet.
fn is_there(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(file) => file.len() > 0,
        Err(cause) => cause.kind() != ErrorKind::NotFound,
    }
}

/// One SQLite file in the user's data directory, in a folder that only the user can look into.
fn default_store() -> Result<String, Failure> {
    let fault = "there is no home directory to keep a store in: say where with --store";
    let folders = etcetera::choose_base_strategy().map_err(|_| Failure::usage(fault))?;
    let folder = folders.data_dir().join("email-connectors");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|cause| Failure::cannot_write_to(&folder, &cause))?;
    match folder.join("store.sqlite").to_str() {
        Some(path) => Ok(format!("sqlite:{path}")),
        None => Err(Failure::usage("the name of your data directory is no text: say where with --store")),
    }
}
