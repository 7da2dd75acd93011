//! Credentials in a provider's words: whatever looks like those of an HTTP request, and secrets inside Base64.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// As lenient as whoever quotes: with padding or without, and cut where it was cut.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// What stands before the credentials in an `Authorization` header (RFC 9110, 11.6.2).
const SCHEMES: [&str; 10] =
    ["apikey", "aws4-hmac-sha256", "basic", "bearer", "digest", "hmac", "key", "negotiate", "ntlm", "token"];
/// No word that stands behind `Bearer` or `Authorization` in a sentence is as long as this.
const TOKEN_MIN: usize = 16;
/// As much of a token tells whether it is user and password. A multiple of four characters, which is whole bytes of Base64.
const TOKEN_HEAD: usize = 256;
/// Shorter stretches of Base64 hold no secret.
const BASE64_MIN: usize = 6;

/// User and password of an `Authorization` header's value, as `user:password`, where its scheme is Basic.
pub(super) fn of_basic(value: &str) -> Option<String> {
    let (scheme, credentials) = value.trim().split_once(' ')?;
    let decoded = decode(credentials.trim()).filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    String::from_utf8(decoded).ok().filter(|pair| pair.contains(':'))
}

/// Where credentials stand in `text`. `is_cut` says whether it goes on.
pub(super) fn find(text: &str, secrets: &[String], is_cut: bool) -> Vec<Range<usize>> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for name in ["basic", "bearer"] {
        let mut done = 0;
        for at in words(&lower, name) {
            let begin = after_space(&lower, at.end);
            if at.start < done || begin == at.end {
                continue;
            }
            let head = token_at(text, begin, TOKEN_HEAD);
            let tells = if name == "basic" { is_basic(&text[head.clone()]) } else { head.len() >= TOKEN_MIN };
            if tells {
                let token = token_at(text, begin, text.len());
                done = token.end;
                found.push(token);
            }
        }
    }
    let mut done = 0;
    for at in words(&lower, "authorization") {
        if at.start >= done {
            done = of_header(text, &lower, at.end, &mut found);
        }
    }
    found.extend(secrets_in(text, secrets, is_cut));
    found
}

/// The credentials of a header whose name ends at `end`. Returns where they end.
fn of_header(text: &str, lower: &str, end: usize, found: &mut Vec<Range<usize>>) -> usize {
    let skip = |from: usize, what: &[char]| lower.len() - lower[from..].trim_start_matches(what).len();
    let colon = skip(end, &['"', '\'', '\\', ' ']);
    let Some(sign) = [":", "=", "%3a"].into_iter().find(|sign| lower[colon..].starts_with(sign)) else { return colon };
    let value = skip(after_space(lower, colon + sign.len()), &['"', '\'', '\\', ' ']);
    let scheme = SCHEMES.into_iter().find(|scheme| {
        let rest = lower[value..].strip_prefix(scheme);
        rest.is_some_and(|rest| rest.starts_with([' ', '+', '%']))
    });
    let mut from = scheme.map_or(value, |scheme| after_space(lower, value + scheme.len()));
    loop {
        let length = text[from..].find([' ', '"', '\'', '<', '>', '\\']).unwrap_or(text.len() - from);
        let token = from..from + length;
        let word = &text[token.clone()];
        let is_parameter = word.contains('=');
        let tells =
            is_parameter || word.len() >= TOKEN_MIN || word.bytes().any(|byte| byte.is_ascii_digit()) || is_basic(word);
        if !tells {
            return from;
        }
        from = skip(token.end, &[' ', '"', '\\']);
        found.push(token);
        // Digest and AWS's signatures go on.
        if scheme.is_none() || !is_parameter || from == text.len() {
            return from;
        }
    }
}

/// Where `word` stands in `text` and no longer word ends with it.
fn words<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = Range<usize>> {
    let begins = |at: &usize| !text[..*at].ends_with(|char: char| char.is_ascii_alphanumeric());
    text.match_indices(word).map(|(at, _)| at).filter(begins).map(|at| at..at + word.len())
}

/// Where the token behind a scheme begins: a space separates them, encoded or not.
fn after_space(lower: &str, mut at: usize) -> usize {
    while let Some(rest) = ["%20", " ", "+"].into_iter().find_map(|space| lower[at..].strip_prefix(space)) {
        at = lower.len() - rest.len();
    }
    at
}

/// The token that begins at `from`, or as much of it as is not longer than `longest`.
fn token_at(text: &str, from: usize, longest: usize) -> Range<usize> {
    let in_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(byte);
    let length = text.as_bytes()[from..].iter().take(longest).take_while(|byte| in_token(byte)).count();
    from..from + length
}

/// Whether a token begins with a user and a password.
fn is_basic(token: &str) -> bool {
    let is_pair = |decoded: Vec<u8>| decoded.contains(&b':') && !decoded.iter().any(u8::is_ascii_control);
    token.len() >= BASE64_MIN && decode(token).is_some_and(is_pair)
}

/// The stretches of Base64 in `text` that one of the secrets is in. So is, maybe, the one that goes on beyond a cut.
fn secrets_in(text: &str, secrets: &[String], is_cut: bool) -> Vec<Range<usize>> {
    let Some(shortest) = secrets.iter().map(String::len).min() else { return Vec::new() };
    let goes_on = |run: &Range<usize>| is_cut && run.end == text.len() && run.len() >= TOKEN_MIN;
    let long_enough = |run: &Range<usize>| goes_on(run) || run.len() >= BASE64_MIN.max(shortest);
    let mut runs = runs(text).filter(long_enough).peekable();
    if runs.peek().is_none() {
        return Vec::new();
    }
    let Ok(searcher) = AhoCorasick::builder().kind(Some(AhoCorasickKind::NoncontiguousNFA)).build(secrets) else {
        return runs.collect();
    };
    // Wherever it begins in what stands before it.
    let holds_secret =
        |run: &str| (0..4).filter_map(|from| run.get(from..).and_then(decode)).any(|bytes| searcher.is_match(&bytes));
    runs.filter(|run| goes_on(run) || holds_secret(&text[run.clone()])).collect()
}

/// The stretches of `text` that may be Base64, of either alphabet.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
    let bytes = text.as_bytes();
    let mut from = 0;
    std::iter::from_fn(move || {
        from += bytes[from..].iter().position(is_base64)?;
        let letters = bytes[from..].iter().take_while(|byte| is_base64(byte)).count();
        let padding = bytes[from + letters..].iter().take(2).take_while(|byte| **byte == b'=').count();
        let run = from..from + letters + padding;
        from = run.end;
        Some(run)
    })
}

/// Base64 of either alphabet.
fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() {
        return None;
    }
    let text = text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    // One character alone at the end is six bits of nothing.
    let whole = if text.len() % 4 == 1 { &text[..text.len() - 1] } else { &text };
    BASE64.decode(whole).ok()
}
