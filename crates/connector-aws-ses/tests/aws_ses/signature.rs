//! Signature Version 4, computed anew from what was recorded: written after AWS's description
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>), apart from the SDK.

use std::collections::BTreeMap;

use ring::{digest, hmac};

/// A request as it was signed.
pub struct Signed<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// Its headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: &'a [u8],
}

impl Signed<'_> {
    /// The `Authorization` that a request with these headers must have.
    pub fn authorization(&self, key_id: &str, secret: &str, region: &str, service: &str, signed: &str) -> String {
        let mut canonical = format!("{}\n{}\n\n", self.method, self.path);
        for name in signed.split(';') {
            let value = self.headers.get(name).unwrap_or_else(|| panic!("{name} is signed and not there"));
            canonical.push_str(&format!("{name}:{}\n", value.trim()));
        }
        canonical.push_str(&format!("\n{signed}\n{}", hash(self.body)));

        let time = &self.headers["x-amz-date"];
        let scope = format!("{}/{region}/{service}/aws4_request", &time[..8]);
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash(canonical.as_bytes()));
        let mut key = format!("AWS4{secret}").into_bytes();
        for part in [&time[..8], region, service, "aws4_request"] {
            key = mac(&key, part);
        }
        let signature = hex(&mac(&key, &to_sign));
        format!("AWS4-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={signed}, Signature={signature}")
    }
}

/// The names of an `Authorization`'s signed headers.
pub fn signed_headers(authorization: &str) -> &str {
    let (_, rest) = authorization.split_once("SignedHeaders=").unwrap();
    rest.split_once(',').unwrap().0
}

pub fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
