//! What a page must not show: secrets, and what differs from send to send.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// The access token that the token endpoint grants.
pub const TOKEN: &str = "granted-access-token";

/// Values that differ from send to send, by the name of their header or form field, and what stands in their place.
const CHANGING: [(&str, &str); 9] = [
    ("date", "<time>"),
    ("message-id", "<id>"),
    ("signature", "<signature>"),
    ("signaturenonce", "<nonce>"),
    ("timestamp", "<time>"),
    ("webhook-id", "<id>"),
    ("webhook-signature", "<signature>"),
    ("webhook-timestamp", "<time>"),
    ("x-amz-date", "<time>"),
];

/// What to put in place of a connector's secrets.
pub struct Mask(Vec<(String, String)>);

impl Mask {
    /// Hides the values that `config` has at these keys of the form (`auth.pass`) behind the keys.
    pub fn new<'k>(config: &Value, keys: impl IntoIterator<Item = &'k str>) -> Self {
        let mut hidden = vec![(TOKEN.to_owned(), "<access token>".to_owned())];
        for key in keys {
            let found = config.pointer(&format!("/{}", key.replace('.', "/")));
            let values = match found {
                Some(Value::Array(values)) => values.as_slice(),
                Some(value) => std::slice::from_ref(value),
                None => &[],
            };
            hidden.extend(values.iter().filter_map(Value::as_str).map(|value| (value.to_owned(), format!("<{key}>"))));
        }
        Self(hidden)
    }

    /// The text without secrets.
    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (secret, shown)| text.replace(secret, shown))
    }

    /// A header's or form field's value, without secrets and without what changes.
    pub fn value(&self, name: &str, value: &str) -> String {
        let lower = name.to_ascii_lowercase();
        if let Some((_, shown)) = CHANGING.iter().find(|(known, _)| *known == lower) {
            return (*shown).to_owned();
        }
        match value.split_once(' ') {
            Some(("Basic", encoded)) if lower == "authorization" => {
                self.base64(encoded).map_or_else(|| "Basic …".to_owned(), |shown| format!("Basic {shown}"))
            }
            Some(("AWS4-HMAC-SHA256", fields)) => format!("AWS4-HMAC-SHA256 {}", self.text(&without_day(fields))),
            _ => self.text(value),
        }
    }

    /// What is encoded, and that it is encoded.
    pub fn base64(&self, encoded: &str) -> Option<String> {
        let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        Some(format!("<base64 of {}>", self.text(&decoded.replace('\0', "\\0"))))
    }
}

/// The fields of a signature of AWS (version 4) without the signature, and without the day in the key's scope.
fn without_day(fields: &str) -> String {
    let field = |field: &str| match field.split_once('=') {
        Some(("Signature", _)) => "Signature=<signature>".to_owned(),
        Some(("Credential", scope)) => {
            let mut parts: Vec<&str> = scope.split('/').collect();
            if let Some(day) = parts.get_mut(1) {
                *day = "<day>";
            }
            format!("Credential={}", parts.join("/"))
        }
        _ => field.to_owned(),
    };
    fields.split(", ").map(field).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mask() -> Mask {
        let config =
            json!({ "auth": { "pass": "app-password" }, "signingSecrets": ["whsec_a", "whsec_b"], "from": "x" });
        Mask::new(&config, ["auth.pass", "signingSecrets", "apiKey"])
    }

    #[test]
    fn secrets_are_hidden_wherever_they_are() {
        assert_eq!(
            mask().text("app-password, whsec_a and whsec_b"),
            "<auth.pass>, <signingSecrets> and <signingSecrets>"
        );
        assert_eq!(mask().value("Authorization", "Bearer app-password"), "Bearer <auth.pass>");
        let basic = format!("Basic {}", STANDARD.encode("api:app-password"));
        assert_eq!(mask().value("authorization", &basic), "Basic <base64 of api:<auth.pass>>");
        assert_eq!(mask().value("authorization", "Basic *"), "Basic …");
    }

    #[test]
    fn what_changes_is_hidden() {
        assert_eq!(mask().value("X-Amz-Date", "20260102T030405Z"), "<time>");
        let signed =
            "AWS4-HMAC-SHA256 Credential=AKIA/20260102/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=ab";
        let shown = "AWS4-HMAC-SHA256 Credential=AKIA/<day>/us-east-1/ses/aws4_request, SignedHeaders=host, Signature=<signature>";
        assert_eq!(mask().value("Authorization", signed), shown);
    }
}
