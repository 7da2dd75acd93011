//! `export`: what tenants have set up, as JSON.

use std::path::PathBuf;

use clap::ValueEnum;
use connector_registry::{ConnectorStore, ExportedSecrets};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output, private_file,
    stored::{Needs, Registry, TenantArgs},
};

/// Tenants listed at once.
const BATCH: u32 = 1_000;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors export --output acme.json --tenant acme
  email-connectors export --all --secrets sealed > backup.json

`import` reads it in. Where secrets are omitted, ****** stands in their place: fill them in, or import into a tenant whose \
active configuration has them. Sealed ones can be read by a store with the same master key alone.")]
pub struct Args {
    /// Every tenant; not together with --tenant.
    #[arg(long)]
    all: bool,
    /// What becomes of secrets.
    #[arg(long, value_enum, default_value = "omit")]
    secrets: Secrets,
    /// Write to this file, which only its owner can read, and not to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print one JSON object: an export always is, so this says what was written with --output.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Secrets {
    /// Left out.
    Omit,
    /// Encrypted under the store's master key, as they are stored.
    Sealed,
}

#[derive(Serialize)]
struct Written {
    status: &'static str,
    file: String,
    tenants: usize,
}

/// Exports.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let secrets = match args.secrets {
        Secrets::Omit => ExportedSecrets::Omitted,
        Secrets::Sealed => ExportedSecrets::Sealed,
    };
    let export = args.stored.with(Needs::Content, async |registry, _| {
        let tenants = if args.all { every(registry).await? } else { vec![args.stored.tenant.clone()] };
        Ok(registry.export(&tenants, secrets).await?)
    })?;
    let Some(file) = &args.output else {
        output::pretty_json(&export)?;
        return Ok(Exit::Ok);
    };
    private_file::write_json(file, &export)?;
    let (file, tenants) = (file.display().to_string(), export.tenants.len());
    let printed = if args.json {
        output::json(&Written { status: "exported", file, tenants })
    } else {
        output::result(&format!("exported to {file}, tenants {tenants}\n"))
    };
    Ok(output::done(printed))
}

async fn every(registry: &Registry) -> Result<Vec<String>, Failure> {
    let mut tenants: Vec<String> = Vec::new();
    loop {
        let last = tenants.last().cloned();
        let more = registry.store().tenants(last.as_deref(), BATCH).await?;
        if more.is_empty() {
            return Ok(tenants);
        }
        tenants.extend(more);
    }
}
