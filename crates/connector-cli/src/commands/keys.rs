//! `keys`: the master keys that secrets are encrypted under.

use std::path::PathBuf;

use clap::Subcommand;
use connector_store::{KeyRing, Rotation, generate_key};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{self, Style, paint},
    stored::{Needs, StoreArgs},
};

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors keys generate --output master.key
  email-connectors keys rotate

To rotate keys, put a new one in front of the current one, in the key file (a key a line) or wherever the keys are, have \
every process of this store read it, then run `keys rotate`: every secret is encrypted again under the first key, while \
the store stays in use. After that the former one can be left out. Keep a copy of the keys: without them no stored secret \
can be read.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new master key: to standard output, or into a file that only its owner can read.
    Generate {
        /// The file; there must be none of that name.
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Encrypt every secret in the store again, under the first of the master keys.
    Rotate {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        store: StoreArgs,
    },
}

impl Args {
    /// Whether a program is listening.
    pub fn json(&self) -> bool {
        match &self.command {
            Command::Generate { json, .. } | Command::Rotate { json, .. } => *json,
        }
    }
}

#[derive(Serialize)]
struct Generated<'a> {
    key: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    file: String,
    key_id: String,
}

/// Makes or rotates.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    match &args.command {
        Command::Generate { output: None, json } => {
            let key = generate_key()?;
            if *json {
                output::json(&Generated { key: key.expose() })?;
            } else {
                output::result(&format!("{}\n", key.expose()))?;
            }
            Ok(Exit::Ok)
        }
        Command::Generate { output: Some(file), json } => {
            let ring = super::block_on(async { Ok(KeyRing::create_file(file).await?) })?;
            let (file, key_id) = (file.display().to_string(), ring.current().to_string());
            Ok(output::done(if *json {
                output::json(&Created { file, key_id })
            } else {
                output::result(&format!("made the key {key_id} in {file}: keep a copy\n"))
            }))
        }
        Command::Rotate { json, store } => rotate(store, *json),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rotated {
    status: &'static str,
    key_id: String,
    configurations: u64,
}

fn rotate(store: &StoreArgs, as_json: bool) -> Result<Exit, Failure> {
    let rotation = store.with(Needs::Content, async |registry, _| {
        let progress =
            |Rotation { done, total, .. }| tracing::info!("{done} of {total} configurations encrypted again");
        Ok(registry.store().rotate_keys(progress).await?)
    })?;
    let Rotation { key, done, .. } = rotation;
    Ok(output::done(if as_json {
        output::json(&Rotated { status: "rotated", key_id: key.to_string(), configurations: done })
    } else {
        let rotated = paint("rotated", Style::Success, output::colours_on_stdout());
        output::result(&format!("{rotated} to the key {key}: {done} configurations were encrypted again\n"))
    }))
}
