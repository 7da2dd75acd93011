//! Signing requests as Alibaba Cloud's RPC-style APIs want it (version 1.0): HMAC-SHA1 over the sorted parameters.

use std::{
    borrow::Cow,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::Secret;
use hmac::{Hmac, Mac};
use sha1::Sha1;
use uuid::Uuid;

/// Parameters of a request, in order.
pub(crate) type Parameters<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// What makes one request unlike every other. It is passed in, so that a signature can be computed again.
pub(crate) struct Moment {
    /// Never used before: a second request with the same nonce is refused.
    pub nonce: String,
    /// When the request is made: one that is off by more than 15 minutes is refused.
    pub time: SystemTime,
}

impl Moment {
    /// Now, with a nonce of its own.
    pub fn now() -> Self {
        Self { nonce: Uuid::new_v4().to_string(), time: SystemTime::now() }
    }
}

/// Adds nonce, timestamp and signature to `parameters`.
pub(crate) fn sign(parameters: &mut Parameters<'_>, moment: Moment, secret: &Secret) {
    parameters.push(("SignatureNonce", moment.nonce.into()));
    parameters.push(("Timestamp", timestamp(moment.time).into()));
    parameters.push(("Signature", signature(parameters, secret).into()));
}

/// The signature of a POST with these parameters.
fn signature(parameters: &Parameters<'_>, secret: &Secret) -> String {
    let mut pairs: Vec<String> =
        parameters.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    // `=` sorts before every letter, so that sorting pairs sorts names.
    pairs.sort_unstable();
    let text = format!("POST&%2F&{}", encode(&pairs.join("&")));
    let mut hmac = Hmac::<Sha1>::new_from_slice(format!("{}&", secret.expose()).as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of every length"));
    hmac.update(text.as_bytes());
    STANDARD.encode(hmac.finalize().into_bytes())
}

/// Percent-encoding as in RFC 3986: everything but letters, digits and `-._~`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// UTC in whole seconds: `2026-01-02T03:04:05Z`.
fn timestamp(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // The Gregorian calendar repeats every 146097 days. A year that begins in March has its leap day last.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + next;
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
