//! `history`: what was done, when, by whom and from where.

use connector_registry::{Entry, HistoryEntry, rfc3339};
use serde::Serialize;
use serde_json::Value;

use crate::{
    exit::Exit,
    failure::Failure,
    output,
    stored::{Needs, TenantArgs},
    table::{printable, table},
};

/// Arguments of `history`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors history
  email-connectors history --limit 1000 --json | jq '.entries[] | select(.action == \"change\")'")]
pub struct Args {
    /// How many entries, the latest first.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Only entries before this revision: the `next` of a shorter answer.
    #[arg(long, value_name = "REVISION")]
    before: Option<u64>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    stored: TenantArgs,
}

#[derive(Serialize)]
struct Shown<'a> {
    tenant: &'a str,
    entries: Vec<Done<'a>>,
    /// What `--before` must be to see earlier entries.
    next: Option<u64>,
}

#[derive(Serialize)]
struct Done<'a> {
    revision: u64,
    at: String,
    who: &'a str,
    origin: &'a str,
    action: &'static str,
    configuration: Option<String>,
    connector: Option<&'a str>,
    details: &'a Value,
}

impl<'a> Done<'a> {
    fn of(entry: &'a HistoryEntry) -> Self {
        let HistoryEntry { revision, at, entry: Entry { by, action, configuration, connector, details } } = entry;
        Self {
            revision: *revision,
            at: rfc3339(*at),
            who: &by.who,
            origin: &by.origin,
            action: action.as_str(),
            configuration: configuration.map(|id| id.to_string()),
            connector: connector.as_deref(),
            details,
        }
    }
}

/// Shows.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let tenant = &args.stored.tenant;
    let entries = args
        .stored
        .with(Needs::Content, async |registry, _| Ok(registry.history(tenant, args.before, args.limit).await?))?;
    // The first entry is that of revision 1.
    let next = entries.last().map(|entry| entry.revision).filter(|earliest| *earliest > 1);
    let shown = Shown { tenant, entries: entries.iter().map(Done::of).collect(), next };
    if args.json {
        output::json(&shown)?;
    } else {
        output::result(&explain(&shown))?;
    }
    Ok(Exit::Ok)
}

fn explain(shown: &Shown<'_>) -> String {
    let tenant = printable(shown.tenant);
    if shown.entries.is_empty() {
        return format!("tenant {tenant}\n\nNothing was done yet.\n");
    }
    let rows = shown.entries.iter().map(|done| {
        let text = |text: Option<&str>| text.unwrap_or("").to_owned();
        [
            done.revision.to_string(),
            done.at.clone(),
            done.who.to_owned(),
            done.origin.to_owned(),
            done.action.to_owned(),
            text(done.connector),
            text(done.configuration.as_deref()),
            details(done.details),
        ]
    });
    let heading = ["REVISION", "WHEN", "WHO", "FROM", "WHAT", "CONNECTOR", "CONFIGURATION", "DETAILS"];
    let mut text = format!("tenant {tenant}\n\n{}", table(heading, rows));
    if let Some(next) = shown.next {
        text.push_str(&format!("\nearlier ones: email-connectors history --before {next}\n"));
    }
    text
}

/// The details in one line, without those that say nothing.
fn details(details: &Value) -> String {
    let says_something = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(list) => !list.is_empty(),
        _ => true,
    };
    let members = details.as_object().into_iter().flatten().filter(|(_, value)| says_something(value));
    let shown = members.map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name} {text}"),
        None => format!("{name} {value}"),
    });
    shown.collect::<Vec<_>>().join(", ")
}
