//! One mailbox: an address and perhaps a display name, parsed and never pasted.

use std::{borrow::Cow, fmt, str::FromStr};

use email_address::{EmailAddress, Options};
use email_encoding::headers::{rfc2047, writer::EmailWriter};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Longest display name taken, in characters. Longer ones are a mistake or an attack: no client shows them.
const NAME_MAX: usize = 255;
/// Longest local part (RFC 5321, 4.5.3.1.1), domain and label of a domain (RFC 1035, 2.3.4), in bytes.
const LOCAL_PART_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;
const LABEL_MAX: usize = 63;
/// What means something in a list of addresses, or to SMTP (RFC 5322, 3.2.3). A local part holds it only in quotes, which
/// not everybody reads: `"x@evil.example y"@example.com` went to evil.example in nodemailer (GHSA-mm7p-fcc7-pg87).
const SPECIAL: [char; 14] = ['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '"', ' ', '\t'];

/// One mailbox of RFC 5322: an address and perhaps a display name.
///
/// A domain beyond ASCII is kept in its punycode form, which every provider and server takes. No part ever holds a
/// control character, so nothing made from a mailbox can start a second header or command.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    name: Option<String>,
    address: String,
    at: usize,
}

/// Why a text is not one mailbox. Never shows the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxFault(Cow<'static, str>);

impl fmt::Display for MailboxFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MailboxFault {}

fn fault<T>(text: &'static str) -> Result<T, MailboxFault> {
    Err(MailboxFault(text.into()))
}

impl Mailbox {
    /// Reads `user@example.com`, `<user@example.com>`, `Name <user@example.com>` or `"Name" <user@example.com>`.
    ///
    /// # Errors
    /// When the text holds a control character, no address, a bad one, or more than one.
    pub fn parse(text: &str) -> Result<Self, MailboxFault> {
        let text = text.trim_matches(' ');
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
                Self::from_parts(display_name(name.trim())?, address.trim())
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
        let name = name.trim();
        if name.chars().count() > NAME_MAX {
            return fault("the display name is longer than 255 characters");
        }
        Self::from_parts((!name.is_empty()).then(|| name.to_owned()), address)
    }

    fn from_parts(name: Option<String>, address: &str) -> Result<Self, MailboxFault> {
        if let Some(at) = plain(address) {
            return Ok(Self { name, address: address.to_owned(), at });
        }
        let address = &*with_loose_dots_quoted(address);
        let options = Options::default().with_no_minimum_sub_domains().without_display_text().without_domain_literal();
        EmailAddress::parse_with_options(address, options).map_err(|cause| {
            let cause = if address.contains([',', ';']) {
                "one address is expected, not a list".to_owned()
            } else {
                cause.to_string()
            };
            MailboxFault(format!("not an email address: {cause}").into())
        })?;
        let Some(at) = address.rfind('@') else { return fault("not an email address: '@' is missing") };
        let (local, domain) = (&address[..at], &address[at + 1..]);
        let inside = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        if inside.is_some_and(|inside| inside.contains(SPECIAL)) {
            return fault(
                "not an email address that can be sent to: a quoted part before the '@' that holds punctuation or spaces \
                 is read as several addresses by some services",
            );
        }
        // RFC 5322 allows more characters in a domain than DNS has names for: `example.com?x=1` is one, to its grammar.
        // Two hyphens side by side are in the names of real hosts, wherever they stand (as in WHATWG's URLs).
        let (allowed, length) = (AsciiDenyList::STD3, DnsLength::Verify);
        let Ok(in_ascii) = Uts46::new().to_ascii(domain.as_bytes(), allowed, Hyphens::Allow, length) else {
            return fault("not an email address: the domain is not a valid domain name");
        };
        if domain.split('.').any(|label| label.starts_with('-') || label.ends_with('-')) {
            return fault("not an email address: a part of the domain begins or ends with a hyphen");
        }
        // One mailbox has one form: `"user"` is `user` (RFC 5321, 4.1.2).
        let local = inside.filter(|inside| inside.split('.').all(|atom| !atom.is_empty())).unwrap_or(local);
        let domain = if domain.is_ascii() { domain } else { &in_ascii };
        Ok(Self { name, address: format!("{local}@{domain}"), at: local.len() })
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

/// Where the `@` stands in an address of letters, digits, dots, hyphens, underscores and plus signs alone: what nearly all
/// are. Such a one keeps to RFC 5322 and to IDNA whoever looks; the rest takes their parsers, at ten times the time.
fn plain(address: &str) -> Option<usize> {
    let (local, domain) = address.split_once('@')?;
    let dotted = |text: &str, part: fn(&[u8]) -> bool| text.as_bytes().split(|byte| *byte == b'.').all(part);
    let is_word = |part: &[u8]| {
        !part.is_empty() && part.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+'))
    };
    // A label with two hyphens in it may be punycode.
    let is_label = |part: &[u8]| {
        let inside = part.len() <= LABEL_MAX && !part.starts_with(b"-") && !part.ends_with(b"-");
        let bytes_fit = part.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
        inside && !part.is_empty() && bytes_fit && !part.windows(2).any(|pair| pair == b"--")
    };
    let fits = local.len() <= LOCAL_PART_MAX && domain.len() <= DOMAIN_MAX;
    (fits && dotted(local, is_word) && dotted(domain, is_label)).then_some(local.len())
}

/// The address with its local part in quotes, where it has dots in places that RFC 5322 allows only so: `a..b@example.com`
/// and `a.@example.com`, as Japanese mobile carriers gave them out for years.
fn with_loose_dots_quoted(address: &str) -> Cow<'_, str> {
    let Some((local, domain)) = address.rsplit_once('@') else { return address.into() };
    let loose = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    let plain = |char: char| char.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(char);
    match loose && local.chars().all(plain) && local.contains(|char| char != '.') {
        true => format!("\"{local}\"@{domain}").into(),
        false => address.into(),
    }
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
    Ok((!name.trim().is_empty()).then(|| name.trim().to_owned()))
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
