//! Text from a provider, made fit for an error or a log.

mod credentials;
mod escapes;
mod forms;
mod names;
mod places;
mod reading;

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use serde_json::Value;

use self::{
    places::Urls,
    reading::{Reading, is_blank, readings},
};
use crate::{Message, RenderedEmail, Secret};

/// Longest text kept, in characters: enough for any provider's sentence, too short for an echoed mail.
const TEXT_MAX: usize = 300;
/// Shorter values than this are everyday words and digits; blanking them would blank the text.
const VALUE_MIN: usize = 3;
/// An ASCII word of this length is treated as a token: too long to match another word by chance.
const LONG_WORD: usize = 16;
/// How much is read of what a provider says, and of each value, in bytes: an echoed mail, and what is said around it.
const READ_MAX: usize = 32 * 1024;
/// Longest text that is searched for as a whole, in bytes. Of a longer one, every stretch of this length is.
const PIECE: usize = 64;
/// How much may be searched for, in bytes. Where values would be more than this, nothing of the provider's words is shown.
const SOUGHT_MAX: usize = 1024 * 1024;
/// How much may be hidden, in bytes; beyond that, as well. A payload and a mail within their limits are less.
const HIDDEN_MAX: usize = 8 * 1024 * 1024;
const BLANK: &str = "[redacted]";

/// Takes secrets and message content out of what a provider says.
///
/// Providers echo what they were sent, escaped for JSON, HTML, URLs or quoted-printable, and at times more than once. So
/// what they say is searched as it is and with its escapes undone, in whatever case and normalization form it is written.
///
/// A value that is nothing but words, such as a person's name or the recipient's local part, is hidden where it stands as
/// words, and not in a URL that leads to somebody else's pages. Anything else is hidden wherever it stands: what has digits,
/// one long word, and what the payload names as a code, a link or a secret. So are the credentials of an `Authorization`
/// header.
///
/// Made on the way of an error only. The time is linear in what is hidden and in what is read: 32 KiB of the provider's
/// words.
#[derive(Default)]
pub struct Redactor {
    /// Every form of what is hidden.
    hidden: Vec<(String, Reach)>,
    secrets: Vec<String>,
    /// Of what is hidden, in bytes.
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
    /// Hides the recipient, name, address and local part, the client's address and every value of the payload.
    #[must_use]
    pub fn of_message(message: &Message) -> Self {
        let mut redactor = Self::default();
        redactor.hide(&message.to);
        if let Ok(recipient) = message.recipient() {
            redactor.hide(recipient.address());
            recipient.name().iter().for_each(|name| redactor.hide(name));
            let local_part = recipient.local_part().trim_matches('"');
            // As a return path of its own for each recipient has it (VERP).
            redactor.hide(&format!("{local_part}={}", recipient.domain()));
            if !names::is_role(local_part) {
                redactor.hide_with(local_part, Reach::Words);
            }
        }
        message.ip.iter().for_each(|ip| redactor.hide(ip));
        for (name, value) in &message.payload {
            redactor.hide_value(value, names::promises_a_code(name));
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
        self.hide_with(text, Reach::of(text));
    }

    fn hide_with(&mut self, text: &str, reach: Reach) {
        let text = start(text, READ_MAX);
        self.size = self.size.saturating_add(text.len());
        if self.size <= HIDDEN_MAX {
            self.hidden.extend(forms::forms(text).into_iter().map(|form| (form, reach)));
        }
    }

    /// Hides a value and all in it. `is_code` says whether its name promises a code.
    fn hide_value(&mut self, value: &Value, is_code: bool) {
        match value {
            Value::String(text) if is_code => self.hide_with(text, Reach::Anywhere),
            Value::String(text) => self.hide(text),
            Value::Number(number) => self.hide(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.hide_value(item, is_code)),
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| {
                    self.hide_value(value, is_code || names::promises_a_code(name));
                });
            }
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
        let exact = readings(&line);
        let folded: Vec<Reading> = exact.iter().map(Reading::folded).collect();
        let urls = Urls::of(&exact[exact.len() - 1], self.hidden.iter().map(|(form, _)| form.as_str()));
        let Some(mut blanks) = self.values_in(&folded, &urls) else { return BLANK.to_owned() };
        for reading in &exact {
            let found = credentials::find(reading.text(), &self.secrets, is_cut);
            blanks.extend(found.iter().filter(|at| !at.is_empty()).map(|at| reading.origin(at)));
        }
        // What begins in the last piece may go on beyond what was read, and was then not found.
        let end = if is_cut { folded.iter().map(last_begins).min().unwrap_or(0) } else { line.len() };
        shortened(&line, merged(blanks), end)
    }

    /// Where hidden values stand, in the line. None where there are too many of them to tell.
    fn values_in(&self, readings: &[Reading], urls: &Urls) -> Option<Vec<Range<usize>>> {
        if self.size > HIDDEN_MAX {
            return None;
        }
        let beginnings = Beginnings::of(readings.iter().map(Reading::text));
        let mut sought: HashMap<String, Sought> = HashMap::new();
        let mut size = 0;
        for (form, reach) in &self.hidden {
            forms::pieces(form, |piece, next| {
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
        let mut found: Vec<Range<usize>> = Vec::new();
        for reading in readings {
            let read = reading.text();
            let mut ranges: Vec<Range<usize>> = Vec::new();
            // At most `PIECE` of them end at one place, as no two are the same.
            for hit in searcher.find_overlapping_iter(read) {
                let Sought { reach, next } = &sought[hit.pattern().as_usize()];
                let mut at = hit.range();
                let shows = || !places::stands_alone(read, &at) || urls.lead_elsewhere(&reading.origin(&at));
                if *reach == Reach::Words && shows() {
                    continue;
                }
                // A quoted text may be truncated, so that only the beginning of its last piece is there.
                at.end += common_start(&read[at.end..], next);
                add(&mut ranges, at);
            }
            found.extend(ranges.iter().map(|at| reading.origin(at)));
        }
        Some(found)
    }
}

impl Reach {
    /// A text with digits or signs stands nowhere by chance, and neither does a long word.
    fn of(text: &str) -> Self {
        let is_long_word = text.len() >= LONG_WORD && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_long_word || !places::is_words(text) { Self::Anywhere } else { Self::Words }
    }
}

/// Where in the line the last two pieces of a reading begin.
fn last_begins(reading: &Reading) -> usize {
    let text = reading.text();
    let last = start(text, text.len().saturating_sub(2 * PIECE)).len()..text.len();
    if last.is_empty() { 0 } else { reading.origin(&last).start }
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

/// The beginnings of everything that stands in some texts: what begins with none of them is in none.
struct Beginnings<'t> {
    long: HashSet<&'t [u8]>,
    short: HashSet<&'t [u8]>,
}

impl<'t> Beginnings<'t> {
    const LONG: usize = 8;
    const SHORT: usize = VALUE_MIN;

    fn of(texts: impl Iterator<Item = &'t str> + Clone) -> Self {
        let every = |length| texts.clone().flat_map(|text| text.as_bytes().windows(length)).collect();
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

/// `text` without line breaks and other control characters.
fn on_one_line(text: &str) -> String {
    text.split(is_blank).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
