//! One of several processes that change the same tenant at the same time, and that may be killed at any instant.
//!
//! `registry-actor STORE KEYS TENANT ROUNDS SEED` says on standard output what it is about to do (`begin`), what it has
//! done (`done`) and what was refused (`refused`), a line each.
#![allow(clippy::print_stdout, reason = "what it prints is what the test reads")]

use anyhow::{Context as _, Result, bail};
use connector_kit::{Context, Egress, SendPolicy};
use connector_registry::{Actor, Catalog, Error, Proposal, Registry, Status};
use connector_store::Store;
use e2e::lasting;
use std::io::Write as _;
use std::path::Path;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, keys, tenant, rounds, seed] = arguments.as_slice() else { bail!("five arguments are expected") };
    let store = lasting::open(store, Path::new(keys)).await.context("opening the store")?;
    let registry = Registry::new(Catalog::builtin(), Context::new(Egress::default())?, SendPolicy::default(), store);
    say("ready")?;
    let mut random = fastrand::Rng::with_seed(seed.parse()?);
    let by = Actor::new(format!("actor {seed}"), "a test");
    for _ in 0..rounds.parse::<u64>()? {
        say("begin")?;
        match step(&registry, tenant, &mut random, &by).await {
            Ok(()) => say("done")?,
            Err(
                Error::AlreadyActive { .. }
                | Error::NoActiveConnector { .. }
                | Error::UnknownTenant { .. }
                | Error::UnknownConfiguration { .. }
                | Error::NothingToRollBackTo { .. }
                | Error::Contended { .. },
            ) => say("refused")?,
            Err(other) => return Err(other.into()),
        }
    }
    Ok(())
}

/// One change of any kind. Each that succeeds raises the tenant's revision by one.
async fn step(registry: &Registry<Store>, tenant: &str, random: &mut fastrand::Rng, by: &Actor) -> Result<(), Error> {
    let proposal = Proposal::new("http-email", lasting::configuration(tenant, random.u64(..)));
    match random.u8(..10) {
        0 | 1 => registry.set_up(tenant, proposal, by).await.map(drop),
        2..=4 => registry.change(tenant, proposal, by).await.map(drop),
        5 => registry.save(tenant, proposal, by).await.map(drop),
        6 => registry.roll_back(tenant, None, by).await.map(drop),
        7 | 8 => {
            let Status { kept, .. } = registry.status(tenant).await?;
            let Some(kept) = random.choice(&kept) else {
                return Err(Error::NothingToRollBackTo { tenant: tenant.to_owned() });
            };
            registry.remove(tenant, Some(kept.id), false, by).await.map(drop)
        }
        _ => registry.remove(tenant, None, false, by).await.map(drop),
    }
}

fn say(what: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")?;
    Ok(out.flush()?)
}
