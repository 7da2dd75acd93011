//! One mailbox: an address and perhaps a display name, parsed and never pasted.

mod address;
mod local_part;

use std::{borrow::Cow, fmt, str::FromStr};

use email_encoding::headers::{rfc2047, writer::EmailWriter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest display name taken, in characters. Longer ones are a mistake or an attack: no client shows them.
const NAME_MAX: usize = 255;

/// One mailbox of RFC 5322: an address and perhaps a display name.
///
/// The address may be in any script: its domain is kept in the ASCII form (UTS #46) that every provider and server takes,
/// its local part, where that is beyond ASCII, in Unicode's NFC. An address that mail servers or other services may take
/// for one at another host (`user%host.example@example.com`) is refused. No part ever holds a control character, so nothing
/// made from a mailbox can start a second header or command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    name: Option<String>,
    address: String,
    at: usize,
}

/// Why a text is not one mailbox. Never shows the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxFault(&'static str);

impl fmt::Display for MailboxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for MailboxFault {}

fn fault<T>(text: &'static str) -> Result<T, MailboxFault> {
    Err(MailboxFault(text))
}

impl Mailbox {
    /// Reads `user@example.com`, `<user@example.com>`, `Name <user@example.com>` or `"Name" <user@example.com>`. Blanks and
    /// invisible marks around each part, such as those that set a direction, are left out.
    ///
    /// # Errors
    /// When the text holds a control character, no address, a bad one, or more than one.
    pub fn parse(text: &str) -> Result<Self, MailboxFault> {
        let text = trim(text);
        if text.is_empty() {
            return fault("an email address is missing");
        }
        if text.chars().any(char::is_control) {
            return fault("a mailbox cannot hold line breaks or other control characters");
        }
        match text.strip_suffix('>') {
            None => Self::from_parts(None, text),
            Some(head) => {
                let Some((name, address)) = head.rsplit_once('<') else {
                    return fault("the address ends with '>' but has no '<'");
                };
                Self::from_parts(display_name(trim(name))?, trim(address))
            }
        }
    }

    /// A mailbox of a display name, as a person writes it, and a bare address.
    ///
    /// # Errors
    /// As [`Mailbox::parse`].
    pub fn with_name(name: &str, address: &str) -> Result<Self, MailboxFault> {
        if name.chars().any(char::is_control) {
            return fault("a display name cannot hold line breaks or other control characters");
        }
        let name = trim(name);
        if name.chars().count() > NAME_MAX {
            return fault("the display name is longer than 255 characters");
        }
        Self::from_parts((!name.is_empty()).then(|| name.to_owned()), trim(address))
    }

    fn from_parts(name: Option<String>, address: &str) -> Result<Self, MailboxFault> {
        let (address, at) = address::parse(address)?;
        Ok(Self { name, address, at })
    }

    /// The display name, not encoded.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// `local@domain`, the domain in ASCII.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The part before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        &self.address[..self.at]
    }

    /// The domain, in ASCII (punycode).
    #[must_use]
    pub fn domain(&self) -> &str {
        &self.address[self.at + 1..]
    }

    /// The same address under another display name.
    #[must_use]
    pub fn renamed(&self, name: Option<&str>) -> Self {
        Self { name: name.map(str::to_owned), address: self.address.clone(), at: self.at }
    }

    /// The mailbox as an RFC 5322 header value in ASCII: the name quoted, or encoded by RFC 2047 where it must be.
    /// A local part beyond ASCII stays as it is.
    #[must_use]
    pub fn to_header(&self) -> String {
        let Some(name) = &self.name else { return self.address.clone() };
        if name.is_ascii() {
            return self.to_string();
        }
        let mut out = String::with_capacity(name.len() + self.address.len() + 16);
        let mut writer = EmailWriter::new(&mut out, 0, 0, false);
        let written = rfc2047::encode(name, &mut writer);
        drop(writer);
        // Writing into a String does not fail; should it ever, the address alone is still a valid header.
        if written.is_err() {
            return self.address.clone();
        }
        // Providers' APIs take one line: the folding that a mail header would want has no place here.
        let one_line = out.replace("\r\n", "");
        format!("{one_line} <{}>", self.address)
    }
}

/// Without blanks and the invisible marks that come along when a text is pasted. Line breaks stay: they are refused wherever
/// they stand.
fn trim(text: &str) -> &str {
    text.trim_matches(|char: char| (char.is_whitespace() && !char.is_control()) || is_pasted_mark(char))
}

/// Whether a character only says how the text around it is laid out or encoded: directions, where lines break or do not, the
/// byte order mark. Joiners are part of words.
fn is_pasted_mark(char: char) -> bool {
    matches!(
        char,
        '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// The display name in front of `<`: empty, quoted, or plain words.
fn display_name(text: &str) -> Result<Option<String>, MailboxFault> {
    if text.is_empty() {
        return Ok(None);
    }
    let name = match text.strip_prefix('"') {
        Some(rest) => unquote(rest)?,
        None if text.contains(['<', '>', ',', ';', ':', '"', '\\']) => {
            return fault("a display name with punctuation must be in double quotes");
        }
        None => text.to_owned(),
    };
    if name.chars().count() > NAME_MAX {
        return fault("the display name is longer than 255 characters");
    }
    let name = trim(&name);
    Ok((!name.is_empty()).then(|| name.to_owned()))
}

/// Reads a quoted string after its opening quote.
fn unquote(rest: &str) -> Result<String, MailboxFault> {
    let mut name = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    loop {
        match chars.next() {
            Some('\\') => name.extend(chars.next()),
            Some('"') => break,
            Some(other) => name.push(other),
            None => return fault("the display name's closing quote is missing"),
        }
    }
    if chars.as_str().trim().is_empty() {
        Ok(name)
    } else {
        fault("there is text between the display name and the '<'")
    }
}

/// Whether a display name must be quoted to be read as one (RFC 5322, 3.2.3).
fn needs_quotes(name: &str) -> bool {
    name.contains(['<', '>', ',', ';', ':', '"', '\\', '(', ')', '[', ']', '@'])
}

/// `Name <address>` with the name quoted where it needs to be, for people to read.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            None => f.write_str(&self.address),
            Some(name) if needs_quotes(name) => {
                write!(f, "\"{}\" <{}>", name.replace('\\', "\\\\").replace('"', "\\\""), self.address)
            }
            Some(name) => write!(f, "{name} <{}>", self.address),
        }
    }
}

impl FromStr for Mailbox {
    type Err = MailboxFault;

    fn from_str(text: &str) -> Result<Self, MailboxFault> {
        Self::parse(text)
    }
}

impl Serialize for Mailbox {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mailbox {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for Mailbox {
    fn schema_name() -> Cow<'static, str> {
        "Mailbox".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "mailbox" })
    }
}
