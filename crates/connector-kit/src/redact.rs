//! Text from a provider, made fit for an error or a log.

mod credentials;
mod forms;
mod places;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde_json::Value;

use self::{forms::pieces, places::Urls};
use crate::{Message, RenderedEmail, Secret};

/// Longest text kept, in characters: enough for any provider's sentence, too short for an echoed mail.
const TEXT_MAX: usize = 300;
/// Shorter values than this are everyday words and digits; blanking them would blank the text.
const VALUE_MIN: usize = 3;
/// How much is read of what a provider says, and of each value, in bytes: an echoed mail, and what is said around it.
const READ_MAX: usize = 32 * 1024;
/// Longest text that is searched for as a whole, in bytes. Of a longer one, every stretch of this length is.
const PIECE: usize = 64;
/// How much may be searched for, in bytes. Where values would be more than this, nothing of the provider's words is shown.
const SOUGHT_MAX: usize = 1024 * 1024;
/// How much may be hidden, in bytes; beyond that, as well. A payload and a mail within their limits are less.
const HIDDEN_MAX: usize = 4 * 1024 * 1024;
const BLANK: &str = "[redacted]";

/// Takes secrets and message content out of what a provider says.
///
/// Providers echo what they were sent, as it stood in the request: escaped for HTML, as JSON, as a form. All of it is
/// hidden, in whatever case it is written. A value that is nothing but words, such as a person's name, is hidden where it
/// stands as words, and not in a URL that leads to somebody else's pages; anything else is hidden wherever it stands. So are
/// the credentials of an `Authorization` header.
///
/// Made on the way of an error only. The time is linear in what is hidden and in what is read: 32 KiB of the provider's
/// words.
#[derive(Default)]
pub struct Redactor {
    hidden: Vec<(String, Reach)>,
    secrets: Vec<String>,
    /// In bytes.
    size: usize,
}

/// Where a value is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Where it stands as words.
    Words,
    /// Wherever it stands.
    Anywhere,
}

impl Redactor {
    /// Hides the recipient, name and address, the client's address and every value of the payload.
    #[must_use]
    pub fn of_message(message: &Message) -> Self {
        let mut redactor = Self::default();
        redactor.hide(&message.to);
        if let Ok(recipient) = message.recipient() {
            redactor.hide(recipient.address());
            recipient.name().iter().for_each(|name| redactor.hide(name));
        }
        message.ip.iter().for_each(|ip| redactor.hide(ip));
        for (name, value) in &message.payload {
            match value {
                // It may be all letters.
                Value::String(code) if name == "code" => redactor.hide_with(code, Reach::Anywhere),
                value => redactor.hide_value(value),
            }
        }
        redactor
    }

    /// Hides a secret as well: wherever it stands, encoded in Base64 with something around it, too. Of the value of an
    /// `Authorization` header, user and password are hidden besides.
    #[must_use]
    pub fn and_secret(mut self, secret: &Secret) -> Self {
        self.hide_secret(secret.expose());
        if let Some(credentials) = credentials::of_basic(secret.expose()) {
            self.hide_secret(&credentials);
            if let Some((user, password)) = credentials.split_once(':') {
                self.hide(user);
                self.hide_secret(password);
            }
        }
        self
    }

    /// Hides a text as well.
    #[must_use]
    pub fn and_text(mut self, text: &str) -> Self {
        self.hide(text);
        self
    }

    /// Hides rendered mail as well: subject and content.
    #[must_use]
    pub fn and_mail(mut self, mail: &RenderedEmail) -> Self {
        self.hide(&mail.subject);
        self.hide(&mail.text);
        mail.html.iter().for_each(|html| self.hide(html));
        self
    }

    fn hide_secret(&mut self, text: &str) {
        self.hide_with(text, Reach::Anywhere);
        if text.len() >= VALUE_MIN {
            self.secrets.push(start(text, READ_MAX).to_owned());
        }
    }

    fn hide(&mut self, text: &str) {
        let reach = if places::is_words(text) { Reach::Words } else { Reach::Anywhere };
        self.hide_with(text, reach);
    }

    fn hide_with(&mut self, text: &str, reach: Reach) {
        let text = start(text, READ_MAX);
        if text.trim().chars().nth(VALUE_MIN - 1).is_none() {
            return;
        }
        self.size = self.size.saturating_add(text.len());
        if self.size <= HIDDEN_MAX {
            self.hidden.push((text.to_owned(), reach));
        }
    }

    fn hide_value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.hide(text),
            Value::Number(number) => self.hide(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.hide_value(item)),
            Value::Object(members) => members.values().for_each(|member| self.hide_value(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// `text` on one line, shortened, with everything hidden blanked out in whatever case it is written.
    #[must_use]
    pub fn clean(&self, text: &str) -> String {
        let read = start(text, READ_MAX);
        let is_cut = read.len() < text.len();
        let line = on_one_line(read);
        if line.is_empty() {
            return line;
        }
        let lower = line.to_ascii_lowercase();
        let Some(mut blanks) = self.values_in(&lower) else { return BLANK.to_owned() };
        blanks.extend(credentials::find(&line, &lower, &self.secrets, is_cut));
        // What begins in the last piece may go on beyond what was read, and was then not found.
        let end = if is_cut { start(&line, line.len().saturating_sub(2 * PIECE)).len() } else { line.len() };
        shortened(&line, merged(blanks), end)
    }

    /// Where hidden values stand in `lower`. None where there are too many of them to tell.
    fn values_in(&self, lower: &str) -> Option<Vec<Range<usize>>> {
        if self.size > HIDDEN_MAX {
            return None;
        }
        let beginnings = Beginnings::of(lower);
        let mut sought: HashMap<String, Sought> = HashMap::new();
        let mut size = 0;
        for (text, reach) in &self.hidden {
            if !forms::unchanging(text).is_none_or(|part| beginnings.have(&part)) {
                continue;
            }
            pieces(text, |piece, next| {
                if !beginnings.have(piece) {
                    return;
                }
                let reach = if next.is_none() { *reach } else { Reach::Anywhere };
                match sought.get_mut(piece) {
                    Some(known) => known.reach = reach.max(known.reach),
                    None => {
                        let next = next.unwrap_or_default().to_owned();
                        size += piece.len() + next.len();
                        sought.insert(piece.to_owned(), Sought { reach, next });
                    }
                }
            });
            if size > SOUGHT_MAX {
                return None;
            }
        }
        let (pieces, sought): (Vec<String>, Vec<Sought>) = sought.into_iter().unzip();
        let searcher = AhoCorasick::builder().kind(Some(AhoCorasickKind::NoncontiguousNFA)).build(pieces).ok()?;
        let urls = Urls::of(lower, self.hidden.iter().map(|(text, _)| text.as_str()));
        let mut found: Vec<Range<usize>> = Vec::new();
        // At most `PIECE` of them end at one place, as no two are the same.
        for hit in searcher.find_overlapping_iter(lower) {
            let Sought { reach, next } = &sought[hit.pattern().as_usize()];
            let mut at = hit.range();
            if *reach == Reach::Words && (!places::stands_alone(lower, &at) || urls.lead_elsewhere(&at)) {
                continue;
            }
            // Of a text that whoever quotes it has cut, the last piece is not whole.
            at.end += common_start(&lower[at.end..], next);
            add(&mut found, at);
        }
        Some(found)
    }
}

/// A piece of what is hidden.
struct Sought {
    reach: Reach,
    /// What follows it in the text that it is a piece of.
    next: String,
}

/// How many bytes two texts begin with in common.
fn common_start(one: &str, other: &str) -> usize {
    let same = one.chars().zip(other.chars()).take_while(|(one, other)| one == other);
    same.map(|(char, _)| char.len_utf8()).sum()
}

/// The beginnings of everything that stands in a text: what begins with none of them is not in it.
struct Beginnings<'t> {
    long: HashSet<&'t [u8]>,
    short: HashSet<&'t [u8]>,
}

impl<'t> Beginnings<'t> {
    const LONG: usize = 8;
    const SHORT: usize = VALUE_MIN;

    fn of(text: &'t str) -> Self {
        let every = |length| text.as_bytes().windows(length).collect();
        Self { long: every(Self::LONG), short: every(Self::SHORT) }
    }

    fn have(&self, piece: &str) -> bool {
        let begins = |length| piece.as_bytes().get(..length);
        match (begins(Self::LONG), begins(Self::SHORT)) {
            (Some(beginning), _) => self.long.contains(beginning),
            (None, Some(beginning)) => self.short.contains(beginning),
            (None, None) => false,
        }
    }
}

/// Adds a range to those found so far, which begin in their order, as one with those that it touches.
fn add(ranges: &mut Vec<Range<usize>>, mut range: Range<usize>) {
    while let Some(last) = ranges.pop_if(|last| last.end >= range.start) {
        range.start = range.start.min(last.start);
        range.end = range.end.max(last.end);
    }
    ranges.push(range);
}

/// Ranges in their order, those that touch as one.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_unstable_by_key(|range| range.end);
    let mut merged = Vec::new();
    ranges.into_iter().for_each(|range| add(&mut merged, range));
    merged
}

/// The first `TEXT_MAX` characters of `line` up to `end`, with `blanks` blanked out.
fn shortened(line: &str, blanks: Vec<Range<usize>>, end: usize) -> String {
    let mut clean = String::new();
    let mut left = TEXT_MAX;
    let mut push = |text: &str| {
        let fits = text.char_indices().nth(left).map_or(text, |(at, _)| &text[..at]);
        left -= fits.chars().count();
        clean.push_str(fits);
        fits.len() == text.len()
    };
    let mut from = 0;
    let mut is_whole = true;
    for blank in blanks {
        is_whole = is_whole && blank.start < end && push(&line[from..blank.start]) && push(BLANK);
        from = blank.end;
    }
    is_whole = is_whole && (from >= end || push(&line[from..end])) && end == line.len();
    if !is_whole {
        clean.push('…');
    }
    clean
}

/// The first `length` bytes of `text`, or as many as there are whole characters in them.
fn start(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// `text` without line breaks and other control characters. What is hidden goes through it as well, so that a text of
/// several lines is found whatever line ends the provider gives it.
fn on_one_line(text: &str) -> String {
    text.split(|c: char| c.is_control() || c.is_whitespace())
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
