//! Signing requests as Alibaba Cloud's RPC-style APIs want it (version 1.0): HMAC-SHA1 over the sorted parameters.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use connector_kit::Secret;
use hmac::{Hmac, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
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
    pub fn now(nonces: &Nonces) -> Self {
        Self { nonce: nonces.next(), time: SystemTime::now() }
    }
}

/// Numbers that nobody else uses: counted from a random one, so that a request does not cost a call for randomness.
pub(crate) struct Nonces {
    first: u128,
    used: AtomicU64,
}

impl Nonces {
    pub fn new() -> Self {
        Self { first: Uuid::new_v4().as_u128(), used: AtomicU64::new(0) }
    }

    fn next(&self) -> String {
        let used = self.used.fetch_add(1, Ordering::Relaxed);
        Uuid::from_u128(self.first.wrapping_add(u128::from(used))).to_string()
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
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut query = String::with_capacity(2048);
    for (name, value) in sorted {
        let parted = if query.is_empty() { "" } else { "&" };
        query.extend([parted, *name, "="]);
        query.extend(encode(value));
    }
    let mut text = String::with_capacity(2 * query.len());
    text.push_str("POST&%2F&");
    text.extend(encode(&query));
    let mut hmac = Hmac::<Sha1>::new_from_slice(format!("{}&", secret.expose()).as_bytes())
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of every length"));
    hmac.update(text.as_bytes());
    STANDARD.encode(hmac.finalize().into_bytes())
}

/// What is not encoded (RFC 3986, 2.3): letters, digits and these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, ENCODED)
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
