//! Standard Webhooks: the headers by which an endpoint knows a message, and whose it is.
//! <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use connector_kit::http::{HeaderMap, HeaderName, HeaderValue};
use ring::{digest, hmac};

const PREFIX: &str = "whsec_";
/// What the specification asks of a secret, in bytes.
const KEY_LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;
/// Longest idempotency id that is taken as it is.
const ID_MAX: usize = 255;

/// A key to sign with.
pub(crate) struct SigningKey(hmac::Key);

impl SigningKey {
    /// Reads `whsec_` and base64. The error never shows the secret.
    pub(crate) fn parse(secret: &str) -> Result<Self, String> {
        let Some(encoded) = secret.strip_prefix(PREFIX) else {
            return Err("must be `whsec_` followed by base64, as Standard Webhooks writes a secret".to_owned());
        };
        let key = STANDARD.decode(encoded).map_err(|_| "what follows `whsec_` must be base64".to_owned())?;
        if !KEY_LENGTHS.contains(&key.len()) {
            return Err(format!("must be 24 to 64 bytes in base64, and is {}", key.len()));
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut content = hmac::Context::with_key(&self.0);
        content.update(format!("{id}.{timestamp}.").as_bytes());
        content.update(body);
        format!("v1,{}", STANDARD.encode(content.sign()))
    }
}

/// The `webhook-id` of the send with this idempotency id.
pub(crate) fn webhook_id(id: &str) -> String {
    match is_plain(id) {
        true => id.to_owned(),
        // The same id gives the same header, and none a way out of it or of the signature's content.
        false => URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, id.as_bytes())),
    }
}

/// Whether an id may stand in the header as it is. A full stop would end the id in what is signed.
fn is_plain(id: &str) -> bool {
    id.len() <= ID_MAX && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// Adds the headers of Standard Webhooks: the id, and timestamp and signatures where there are keys to sign with.
pub(crate) fn add_headers(headers: &mut HeaderMap, id: &str, keys: &[SigningKey], body: &[u8]) {
    let mut add = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    add("webhook-id", id);
    if keys.is_empty() {
        return;
    }
    let timestamp = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let signatures: Vec<String> = keys.iter().map(|key| key.sign(id, timestamp, body)).collect();
    add("webhook-timestamp", &timestamp.to_string());
    add("webhook-signature", &signatures.join(" "));
}
