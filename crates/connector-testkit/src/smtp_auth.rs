//! What a client says in an SMTP authentication, taken apart for assertions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The challenge of CRAM-MD5, always the same so that answers can be recomputed.
pub(crate) const CRAM_CHALLENGE: &str = "<1896.697170952@smtp.example.com>";

/// What XOAUTH2 servers say before they refuse a token.
pub(crate) const XOAUTH2_REFUSAL: &str = r#"{"status":"401","schemes":"bearer","scope":"https://mail.example.com/"}"#;

/// The credentials of one AUTH exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpCredentials {
    /// The mechanism as the client named it, in capitals.
    pub mechanism: String,
    /// The user name.
    pub user: String,
    /// The password, the bearer token, or CRAM-MD5's digest in hex.
    pub secret: String,
}

impl SmtpCredentials {
    /// Reads the client's messages, each still in base64. What cannot be read is left empty.
    pub(crate) fn read(mechanism: &str, messages: &[String]) -> Self {
        let decoded: Vec<String> = messages.iter().map(|message| decode(message)).collect();
        let first = decoded.first().map(String::as_str).unwrap_or_default();
        let (user, secret) = match mechanism {
            "PLAIN" => {
                let mut fields = first.split('\0').skip(1);
                (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
            }
            "LOGIN" => (first, decoded.get(1).map(String::as_str).unwrap_or_default()),
            "CRAM-MD5" => first.rsplit_once(' ').unwrap_or_default(),
            _ => (bearer_field(first, "user="), bearer_field(first, "auth=Bearer ")),
        };
        Self { mechanism: mechanism.to_owned(), user: user.to_owned(), secret: secret.to_owned() }
    }
}

/// How many messages the client sends, and what the server says before each that did not come with the command.
pub(crate) fn challenges(mechanism: &str) -> Option<&'static [&'static str]> {
    match mechanism {
        "PLAIN" | "XOAUTH2" | "OAUTHBEARER" => Some(&[""]),
        "LOGIN" => Some(&["Username:", "Password:"]),
        "CRAM-MD5" => Some(&[CRAM_CHALLENGE]),
        _ => None,
    }
}

pub(crate) fn encode(text: &str) -> String {
    STANDARD.encode(text)
}

fn decode(message: &str) -> String {
    // "=" is how an empty initial response is written.
    let bytes = if message == "=" { Vec::new() } else { STANDARD.decode(message.trim()).unwrap_or_default() };
    String::from_utf8_lossy(&bytes).into_owned()
}

fn bearer_field<'a>(message: &'a str, name: &str) -> &'a str {
    message.split('\x01').find_map(|field| field.strip_prefix(name)).unwrap_or_default()
}
