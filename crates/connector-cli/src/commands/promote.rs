//! `promote`: one tenant's active configuration taken over by another.

use std::io::{self, IsTerminal};

use connector_registry::{Actor, Difference, FieldDifference, Promotion};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    failure::Failure,
    output::{self, Style, paint},
    prompt,
    saved::Became,
    stored::{Needs, Registry, StoreArgs},
    table::{printable, table},
};

/// Longest answer read from the terminal.
const ANSWER_MAX: u64 = 64;
/// Longest value shown; a template can be longer.
const VALUE_MAX: usize = 60;

/// Arguments of `promote`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  email-connectors promote --from dev --to production         shows the difference, then asks
  email-connectors promote --from dev --to production --yes

The one that was active there is kept: `rollback --tenant production` goes back to it. Without a terminal to ask at, \
nothing is changed without --yes.")]
pub struct Args {
    /// The tenant whose active configuration is taken over.
    #[arg(long, value_name = "TENANT")]
    from: String,
    /// The tenant that gets it.
    #[arg(long, value_name = "TENANT")]
    to: String,
    /// Ask nothing: do it.
    #[arg(long)]
    yes: bool,
    /// Print one JSON object, and ask nothing.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Serialize)]
struct Promoted<'a> {
    #[serde(flatten)]
    became: Became<'a>,
    from: &'a str,
    differences: &'a [FieldDifference],
}

/// Promotes.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    args.store.with(Needs::Content, async |registry, by| promote(args, registry, by).await)
}

async fn promote(args: &Args, registry: &Registry, by: &Actor) -> Result<Exit, Failure> {
    let plan = registry.plan_promotion(&args.from, &args.to).await?;
    if !args.json {
        output::result(&explain(&plan, output::colours_on_stdout()))?;
    }
    let there = plan.replaced.as_ref().filter(|_| plan.changes_nothing());
    if let Some(there) = there {
        if args.json {
            let became = Became::new("unchanged", &args.to, there);
            output::json(&Promoted { became, from: &args.from, differences: &plan.differences })?;
        }
        return Ok(Exit::Ok);
    }
    if !args.yes {
        agreed(args, &plan).await?;
    }
    let saved = registry.promote(&plan, by).await?;
    let printed = if args.json {
        let became = Became::new("active", &args.to, &saved);
        output::json(&Promoted { became, from: &args.from, differences: &plan.differences })
    } else {
        let active = paint("active", Style::Success, output::colours_on_stdout());
        let to = printable(&args.to);
        output::result(&format!("{active}: {} ({}) for tenant {to}\n", saved.connector, saved.id))
    };
    Ok(output::done(printed))
}

/// Whether whoever sits there wants it.
async fn agreed(args: &Args, plan: &Promotion) -> Result<(), Failure> {
    if args.json || !io::stdin().is_terminal() {
        let failure = Failure::usage("nothing was changed: --yes is needed where nobody can be asked");
        return Err(failure.with("differences", json!(plan.differences)));
    }
    let question = format!("Make it active for tenant {}? [y/N] ", printable(&args.to));
    // No answer is no yes.
    let answer = prompt::ask(&question, ANSWER_MAX).await.unwrap_or_default();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::usage("nothing was changed, as the answer was not yes")),
    }
}

fn explain(plan: &Promotion, colours: bool) -> String {
    let Promotion { from, to, promoted, replaced, differences, .. } = plan;
    let strong = |text: &str| paint(&printable(text), Style::Strong, colours);
    let mut text = format!("from {}: {} ({})\n", strong(from), promoted.connector, promoted.id);
    match replaced {
        Some(replaced) => text.push_str(&format!("to   {}: {} ({})\n", strong(to), replaced.connector, replaced.id)),
        None => text.push_str(&format!("to   {}: none is active there\n", strong(to))),
    }
    if promoted.tested_at.is_none() {
        text.push_str("It was never tested: email-connectors test does that.\n");
    }
    text.push('\n');
    if plan.changes_nothing() {
        text.push_str("Nothing differs: it is active there already.\n");
    }
    if !differences.is_empty() {
        text.push_str(&table(["", "FIELD", "VALUE"], differences.iter().map(row)));
    }
    text
}

fn row(FieldDifference { pointer, difference, from, to }: &FieldDifference) -> [String; 3] {
    let word = match difference {
        Difference::Added => "added",
        Difference::Removed => "removed",
        Difference::Changed => "changed",
        Difference::Unchanged => "unchanged",
    };
    let (from, to) = (shown(from.as_ref()), shown(to.as_ref()));
    let value = match difference {
        Difference::Removed => from,
        // A secret that changed is masked before and after.
        Difference::Changed if from != to => format!("{from} -> {to}"),
        _ => to,
    };
    [word.to_owned(), pointer.clone(), value]
}

/// A value as JSON, shortened: `--json` has it in full.
fn shown(value: Option<&Value>) -> String {
    let json = value.map(Value::to_string).unwrap_or_default();
    match json.char_indices().nth(VALUE_MAX) {
        Some((at, _)) => format!("{}…", &json[..at]),
        None => json,
    }
}
