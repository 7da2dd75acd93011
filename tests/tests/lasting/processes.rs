//! Several processes change the same tenant at the same time.

use super::databases::Database;
use e2e::lasting;
use std::process::{Command, Stdio};

const PROCESSES: u64 = 4;
const ROUNDS: u64 = 600;
const TENANT: &str = "acme";

#[tokio::test]
async fn on_sqlite_none_is_lost_and_one_is_active() {
    change_at_once(&Database::sqlite().await).await;
}

#[tokio::test]
async fn on_postgres_none_is_lost_and_one_is_active() {
    change_at_once(&Database::postgres().await).await;
}

async fn change_at_once(database: &Database) {
    // All of them start on an empty database, so they also make its tables at the same time.
    let actors: Vec<_> = (0..PROCESSES)
        .map(|seed| {
            let mut actor = Command::new(env!("CARGO_BIN_EXE_registry-actor"));
            actor.arg(&database.url).arg(&database.keys).args([TENANT, &ROUNDS.to_string(), &seed.to_string()]);
            actor.stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let mut done = 0;
    for actor in actors {
        let output = tokio::task::spawn_blocking(|| actor.wait_with_output()).await.unwrap().unwrap();
        assert!(output.status.success(), "an actor failed: {}", output.status);
        let said = String::from_utf8(output.stdout).unwrap();
        assert_eq!(said.lines().filter(|line| *line == "begin").count() as u64, ROUNDS);
        done += said.lines().filter(|line| *line == "done").count() as u64;
    }
    assert!(done > ROUNDS, "most rounds change something, but only {done} did");
    let store = lasting::open(&database.url, &database.keys).await.unwrap();
    assert_eq!(lasting::check(&store, TENANT).await.unwrap(), done, "every change that was told is in the history");
}
