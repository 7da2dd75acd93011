//! What the generated pages say of the wire, seen and not told: each connector's example goes through the real command
//! line to a recorder on loopback, once for every answer its provider is known to give.
//!
//! `cargo xtask docs` builds and runs this. It is a program of its own so that xtask stays quick to build.
#![allow(clippy::print_stdout, reason = "a command: what it finds goes to standard output")]

mod connector;
mod http;
mod kinds;
mod mask;
mod provider;
mod smtp;
mod tool;

use crate::connector::Connector;
use crate::tool::Tool;
use anyhow::{Context as _, Result};
use connector_kit::SendPolicy;
use serde_json::{Map, Value, json};
use std::path::PathBuf;
use tokio::task::JoinSet;

const USAGE: &str = "usage: wire <the binary email-connectors> <folder of a connector's crate>...";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let tool = Tool::new(args.next().context(USAGE)?);
    // All at once: most of the time goes into starting processes.
    let mut observed = JoinSet::new();
    for folder in args {
        let tool = tool.clone();
        observed.spawn(async move {
            let context = folder.display().to_string();
            let connector = Connector::read(&tool, &folder).await.context(context.clone())?;
            let page = connector.observe(&tool).await.context(context)?;
            anyhow::Ok((connector.id, page))
        });
    }
    let mut connectors = Map::new();
    while let Some(done) = observed.join_next().await {
        let (id, page) = done.context("an observation was broken off")??;
        connectors.insert(id, page);
    }
    connectors.sort_keys();
    let SendPolicy { max_time, max_attempts, .. } = SendPolicy::default();
    let seen = json!({
        "kinds": kinds::all(&tool).await?,
        "policy": { "attempts": max_attempts, "seconds": max_time.as_secs() },
        "connectors": Value::Object(connectors),
    });
    println!("{seen}");
    Ok(())
}
