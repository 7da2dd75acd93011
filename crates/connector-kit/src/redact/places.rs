//! Where in a provider's words a value stands: as words, inside a word, in a link to the provider's pages.

use std::{collections::HashSet, ops::Range};

use super::reading::Reading;

/// Whether a value is nothing but words: a name, a greeting. Digits make it a code, or something else that stands nowhere
/// by chance.
pub(super) fn is_words(text: &str) -> bool {
    let in_words = |char: char| {
        char.is_alphabetic()
            || char.is_whitespace()
            // Marks that go with letters, and whatever else other scripts write words with.
            || (!char.is_ascii() && !char.is_numeric())
            || matches!(char, '-' | '\'' | '.' | '_')
    };
    text.chars().all(in_words) && text.chars().any(char::is_alphabetic)
}

/// Whether no word goes on beyond the edges of what stands `at` in `text`.
pub(super) fn stands_alone(text: &str, at: &Range<usize>) -> bool {
    let (before, value, after) = (&text[..at.start], &text[at.clone()], &text[at.end..]);
    let joined = |left: Option<char>, right: Option<char>| left.is_some_and(is_letter) && right.is_some_and(is_letter);
    let begins_inside = joined(before.chars().next_back(), value.chars().next());
    let ends_inside = joined(value.chars().next_back(), after.chars().next());
    !begins_inside && !ends_inside
}

/// Whether a word in this character's script ends where its letters end. Chinese, Japanese, Thai and others write words
/// without spaces, and Korean puts particles behind them: there a letter beside a name says nothing.
fn is_letter(char: char) -> bool {
    char.is_alphabetic()
        && !matches!(
            char,
            '\u{e00}'..='\u{109f}' // Thai, Lao, Tibetan, Myanmar
            | '\u{1100}'..='\u{11ff}' // Hangul's parts
            | '\u{1780}'..='\u{17ff}' // Khmer
            | '\u{19e0}'..='\u{1aaf}' // Khmer symbols, Tai Tham
            | '\u{2e80}'..='\u{a4cf}' // Han, Kana, Bopomofo, Yi
            | '\u{a960}'..='\u{a97f}'
            | '\u{a9e0}'..='\u{a9ff}'
            | '\u{aa60}'..='\u{aadf}' // Myanmar, Tai Viet
            | '\u{ac00}'..='\u{d7ff}' // Hangul
            | '\u{f900}'..='\u{faff}'
            | '\u{ff66}'..='\u{ffdc}'
            | '\u{1aff0}'..='\u{1b16f}'
            | '\u{20000}'..='\u{3ffff}'
        )
}

/// The links in a provider's words that lead elsewhere than those of the message: to its documentation, its console.
pub(super) struct Urls(Vec<Range<usize>>);

impl Urls {
    /// The links of what is read, but those to a host that `sent` links to.
    pub(super) fn of<'s>(reading: &Reading, sent: impl Iterator<Item = &'s str>) -> Self {
        let text = reading.text();
        let mut links: Vec<Range<usize>> = links(text).collect();
        if !links.is_empty() {
            let own: HashSet<String> =
                sent.flat_map(|text| self::links(text).map(|at| host(&text[at])).collect::<Vec<_>>()).collect();
            links.retain(|at| !own.contains(&host(&text[at.clone()])));
        }
        // A query may repeat what was sent.
        let before_query =
            |at: Range<usize>| at.start..text[at.clone()].find(['?', '#']).map_or(at.end, |query| at.start + query);
        Self(links.into_iter().map(|at| reading.origin(&before_query(at))).collect())
    }

    /// Whether what stands `at` in the provider's words is part of one.
    pub(super) fn lead_elsewhere(&self, at: &Range<usize>) -> bool {
        let after = self.0.partition_point(|link| link.start <= at.start);
        after.checked_sub(1).is_some_and(|index| at.end <= self.0[index].end)
    }
}

/// Where `text` has links.
fn links(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let colon = from + text[from..].find("://")?;
            let head = &text[from..colon];
            let begin =
                colon - ["https", "http"].into_iter().find(|scheme| ends_with(head, scheme)).map_or(0, str::len);
            let rest = &text[colon + 3..];
            let end = rest.find(|char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '<' | '>' | '\\'));
            from = colon + 3 + end.unwrap_or(rest.len());
            if begin < colon {
                return Some(begin..from);
            }
        }
    })
}

fn ends_with(text: &str, scheme: &str) -> bool {
    let from = text.len().checked_sub(scheme.len());
    from.and_then(|from| text.get(from..)).is_some_and(|end| end.eq_ignore_ascii_case(scheme))
}

/// The host of a link, in lower case.
fn host(link: &str) -> String {
    let (_, rest) = link.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    host.split(':').next().unwrap_or_default().trim_end_matches(['.', ',', ')']).to_ascii_lowercase()
}
