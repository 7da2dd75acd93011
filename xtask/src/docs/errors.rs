//! The table of a connector's errors: what the provider answers, and what becomes of it.

use super::cell;
use super::wire::{Observed, Row};

/// The longest answer shown in a table, in characters.
const LONGEST: usize = 110;

/// The order of the rows: what a person has to mend first, what passes by itself last.
const ORDER: [&str; 7] =
    ["Unauthorized", "Rejected", "QuotaExceeded", "RateLimited", "Unavailable", "InvalidResponse", ""];

/// The table's section of the page.
pub fn section(observed: &Observed) -> String {
    let before = match observed.answers.iter().any(|row| row.at.is_some()) {
        true => {
            " A word before an answer says what it answers, unless that is the message: the request for an access token, or a step of SMTP."
        }
        false => "",
    };
    let mut section = format!(
        "## Errors\n\n\
        Each answer was given to the connector when this page was made, and this is what became of it.{before} Where nothing \
        stands under *what to do*, [what holds for its kind](../errors.md) does.\n\n\
        | Answer | What it means | Error | Outcome | Tried again | What to do |\n|---|---|---|---|---|---|\n"
    );
    let mut rows: Vec<&Row> = observed.answers.iter().collect();
    rows.sort_by_key(|row| {
        let kind = row.error.as_ref().map_or("", |error| &error.kind);
        ORDER.iter().position(|known| *known == kind).unwrap_or(ORDER.len())
    });
    section.extend(rows.into_iter().map(line));
    section
}

fn line(row: &Row) -> String {
    let Some(error) = &row.error else {
        return format!("| {} | {} | | sent | | |\n", answer(row, None), means(row));
    };
    let again = match (error.retryable, error.retry_after_seconds) {
        (true, Some(seconds)) => format!("after {seconds} s"),
        (true, None) => "yes".to_owned(),
        (false, Some(seconds)) => format!("no; wait {seconds} s"),
        (false, None) => "no".to_owned(),
    };
    format!(
        "| {} | {} | {} `{}` | {} | {again} | {} |\n",
        answer(row, error.provider.as_ref().and_then(|provider| provider.code.as_deref())),
        means(row),
        error.kind,
        error.code,
        if error.delivery == "unknown" { "**unknown**" } else { "not sent" },
        cell(&error.hint.as_deref().unwrap_or_default().replace('<', "\\<")),
    )
}

/// Status, code and words, with what they answer unless that is the message.
fn answer(row: &Row, code: Option<&str>) -> String {
    let (status, words) = row.answer.split_once(' ').unwrap_or((&row.answer, ""));
    let code = code.filter(|code| !words.contains(code)).map(|code| format!("{code}: "));
    let said = format!("{status} {}{words}", code.unwrap_or_default());
    let said = said.trim_end_matches([' ', ':']);
    let said = match said.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", said[..at].trim_end()),
        None => said.to_owned(),
    };
    let at = row.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
    // Two marks, so that one inside does not end it; a space keeps one at the end apart.
    let said = if said.contains('`') { format!("``{said} ``") } else { format!("`{said}`") };
    cell(&format!("{at}{said}"))
}

/// What it means, with its source.
fn means(row: &Row) -> String {
    let means = cell(&row.means);
    if row.source.starts_with("https://") { format!("[{means}]({})", row.source) } else { means }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize as _;
    use serde_json::json;

    #[test]
    fn a_row_says_what_to_do() {
        let error = |kind: &str, retryable: bool, wait: Option<u64>| {
            json!({
                "code": "general", "kind": kind, "delivery": if retryable { "not_sent" } else { "unknown" },
                "retryable": retryable, "retryAfterSeconds": wait, "provider": { "code": "E1" }, "hint": "do <this> | that",
            })
        };
        let row = |answer: &str, exit: i32, error: serde_json::Value| json!({ "means": "It says no", "source": "https://x.example", "at": null, "answer": answer, "exit": exit, "error": error });
        let observed = json!({
            "language": "http", "sent": [], "answer": null,
            "answers": [
                row("202", 0, json!(null)),
                row("503 E1 later", 75, error("Unavailable", true, Some(30))),
                row("403 no `entry`", 69, error("Rejected", false, None)),
            ],
        });
        let observed = Observed::deserialize(observed).unwrap();
        let section = section(&observed);
        let rows: Vec<&str> = section.lines().skip_while(|line| !line.starts_with("|---")).skip(1).collect();
        assert_eq!(
            rows,
            [
                "| ``403 E1: no `entry` `` | [It says no](https://x.example) | Rejected `general` | **unknown** | no | do \\<this> \\| that |",
                "| `503 E1 later` | [It says no](https://x.example) | Unavailable `general` | not sent | after 30 s | do \\<this> \\| that |",
                "| `202` | [It says no](https://x.example) | | sent | | |",
            ]
        );
    }
}
