//! A process is killed while it changes a tenant, hundreds of times.

use super::databases::Database;
use e2e::lasting;
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

const TENANT: &str = "acme";

#[tokio::test]
async fn on_sqlite_the_old_one_is_active_or_the_new_one() {
    kill_again_and_again(&Database::sqlite().await, 200).await;
}

#[tokio::test]
async fn on_postgres_the_old_one_is_active_or_the_new_one() {
    kill_again_and_again(&Database::postgres().await, 100).await;
}

async fn kill_again_and_again(database: &Database, times: u64) {
    let store = lasting::open(&database.url, &database.keys).await.unwrap();
    let mut revision = 0;
    for seed in 0..times {
        let (url, keys) = (database.url_for_actors(), database.keys.clone());
        let told = tokio::task::spawn_blocking(move || told_before_death(&url, &keys, seed)).await.unwrap();
        database.settle();
        let reached =
            lasting::check(&store, TENANT).await.unwrap_or_else(|fault| panic!("after kill {seed}: {fault:#}"));
        // What was told as done is done; of the one thing under way nobody can tell.
        let (done, begun) = (revision + told.done, revision + told.done + 1);
        assert!((done..=begun).contains(&reached), "after kill {seed}: revision {reached}, told {done}");
        revision = reached;
    }
    assert!(revision > times, "only {revision} changes were made before {times} kills");
}

struct Told {
    done: u64,
}

/// Starts an actor, kills it at some instant, and reads what it had told until then.
fn told_before_death(url: &str, keys: &std::path::Path, seed: u64) -> Told {
    let mut actor = Command::new(env!("CARGO_BIN_EXE_registry-actor"));
    actor.arg(url).arg(keys).args([TENANT, "1000000", &seed.to_string()]);
    let mut actor = actor.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(actor.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    // A random instant: after some lines, and then some spins into the next change.
    let mut random = fastrand::Rng::with_seed(seed);
    let mut done = 0;
    for _ in 0..random.u8(1..12) {
        done += u64::from(lines.next().unwrap().unwrap() == "done");
    }
    for _ in 0..random.u32(..3_000_000) {
        std::hint::spin_loop();
    }
    actor.kill().unwrap();
    actor.wait().unwrap();
    done += lines.map_while(Result::ok).filter(|line| line == "done").count() as u64;
    Told { done }
}
