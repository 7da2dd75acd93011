//! Master keys as text.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use connector_registry::Secret;
use zeroize::{Zeroize as _, Zeroizing};

use super::{KEY_BYTES, KeyBytes, KeyError, Keys, MasterKey};

/// Base64 with its padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes as text.
pub(super) fn of_bytes(mut bytes: Zeroizing<Vec<u8>>, origin: &str) -> Result<Zeroizing<String>, KeyError> {
    String::from_utf8(std::mem::take(&mut *bytes)).map(Zeroizing::new).map_err(|refused| {
        refused.into_bytes().zeroize();
        KeyError::NotEncoded { origin: origin.to_owned(), position: 1 }
    })
}

/// The keys in `text`. `origin` says in errors where it came from.
pub(super) fn parse(text: &str, origin: &str) -> Result<Keys, KeyError> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let keys = lines.flat_map(|line| line.split(',')).map(str::trim).filter(|key| !key.is_empty());
    let mut found: Vec<MasterKey> = Vec::new();
    for (index, key) in keys.enumerate() {
        let key = MasterKey::from(decode(key, origin, index + 1)?);
        // A key that is current again may still stand among the former ones.
        if found.iter().all(|known| known.id != key.id) {
            found.push(key);
        }
    }
    let mut found = found.into_iter();
    let current = found.next().ok_or_else(|| KeyError::Empty { origin: origin.to_owned() })?;
    Ok(Keys { current, former: found.collect() })
}

fn decode(text: &str, origin: &str, position: usize) -> Result<KeyBytes, KeyError> {
    let not_encoded = || KeyError::NotEncoded { origin: origin.to_owned(), position };
    // 32 bytes are 43 or 44 characters in base64, and these are never all hex digits in practice.
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let decoded = if is_hex {
        hex::decode(text).map_err(|_| not_encoded())
    } else {
        let standard = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
        BASE64.decode(standard.as_bytes()).map_err(|_| not_encoded())
    };
    let decoded = Zeroizing::new(decoded?);
    let mut key = KeyBytes(Zeroizing::new([0; KEY_BYTES]));
    if decoded.len() != KEY_BYTES {
        return Err(KeyError::WrongLength { origin: origin.to_owned(), position, bytes: decoded.len() });
    }
    key.0.copy_from_slice(&decoded);
    Ok(key)
}

pub(super) fn encode(key: &KeyBytes) -> Secret {
    Secret::new(STANDARD.encode(key.0.as_ref()))
}
