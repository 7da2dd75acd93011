//! A mail taken apart for assertions, by a parser that is not the one under test.

use mail_parser::{Address, HeaderValue, Message, MessageParser, MimeHeaders, PartType};

/// RFC 5322's limit for a line, without its CRLF.
const MAX_LINE: usize = 998;

/// A mail, decoded, and what is on its wire form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedMail {
    /// The mailboxes of From.
    pub from: Vec<ParsedMailbox>,
    /// The mailboxes of To.
    pub to: Vec<ParsedMailbox>,
    /// The mailboxes of Cc.
    pub cc: Vec<ParsedMailbox>,
    /// The mailboxes of Reply-To.
    pub reply_to: Vec<ParsedMailbox>,
    /// The subject, decoded.
    pub subject: Option<String>,
    /// Message-ID without its angle brackets.
    pub message_id: Option<String>,
    /// The first text/plain part that is not an attachment.
    pub text: Option<String>,
    /// The first text/html part that is not an attachment.
    pub html: Option<String>,
    /// All parts in order, multiparts included; the first is the mail itself.
    pub parts: Vec<ParsedPart>,
    /// The mail's own header fields in order: name and value as on the wire, folds kept, without the last line end.
    pub headers: Vec<(String, String)>,
    /// The lines of the mail's own header as on the wire, without line ends.
    pub header_lines: Vec<String>,
    /// The longest line's length in octets, without its line end.
    pub longest_line: usize,
    /// Whether a line feed stands without a carriage return before it.
    pub has_bare_lf: bool,
    /// Whether a carriage return stands without a line feed behind it.
    pub has_bare_cr: bool,
    /// Whether the header has octets beyond ASCII.
    pub has_raw_utf8_header: bool,
}

/// A mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedMailbox {
    /// The display name, decoded.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// A MIME part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ParsedPart {
    /// `text/html`, in lower case; empty without a content type.
    pub content_type: String,
    /// The charset in lower case.
    pub charset: Option<String>,
    /// The content transfer encoding in lower case.
    pub transfer_encoding: Option<String>,
}

impl ParsedMail {
    /// Whether a line is longer than 998 octets.
    #[must_use]
    pub fn has_overlong_line(&self) -> bool {
        self.longest_line > MAX_LINE
    }

    /// The values of all header fields of this name, unfolded, otherwise as on the wire.
    #[must_use]
    pub fn header_values(&self, name: &str) -> Vec<String> {
        self.headers
            .iter()
            .filter(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.replace("\r\n", "").trim().to_owned())
            .collect()
    }

    /// The only header field of this name, unfolded, otherwise as on the wire.
    ///
    /// # Panics
    ///
    /// When it is missing or there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let mut values = self.header_values(name);
        assert_eq!(values.len(), 1, "one {name} expected in {:#?}", self.header_lines);
        values.remove(0)
    }
}

/// Parses a mail.
///
/// # Panics
///
/// When it cannot be read as a mail at all.
#[must_use]
pub fn parse_mail(source: &[u8]) -> ParsedMail {
    let message = MessageParser::default().parse(source).expect("this is not a mail");
    let header = header_of(source);
    let header_lines: Vec<String> = lines(header).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    ParsedMail {
        from: mailboxes(message.from()),
        to: mailboxes(message.to()),
        cc: mailboxes(message.cc()),
        reply_to: mailboxes(message.reply_to()),
        subject: message.subject().map(str::to_owned),
        message_id: message.message_id().map(str::to_owned),
        text: body(&message, false),
        html: body(&message, true),
        parts: message.parts.iter().map(part).collect(),
        headers: fields(&header_lines),
        header_lines,
        longest_line: lines(source).map(<[u8]>::len).max().unwrap_or_default(),
        has_bare_lf: source.iter().enumerate().any(|(at, byte)| *byte == b'\n' && (at == 0 || source[at - 1] != b'\r')),
        has_bare_cr: source.iter().enumerate().any(|(at, byte)| *byte == b'\r' && source.get(at + 1) != Some(&b'\n')),
        has_raw_utf8_header: !header.is_ascii(),
    }
}

fn mailboxes(address: Option<&Address<'_>>) -> Vec<ParsedMailbox> {
    let mailbox = |addr: &mail_parser::Addr<'_>| ParsedMailbox {
        name: addr.name().map(str::to_owned),
        address: addr.address().unwrap_or_default().to_owned(),
    };
    address.map(|address| address.iter().map(mailbox).collect()).unwrap_or_default()
}

/// The first body of this kind that is really there: the parser offers each kind as a stand-in for the other.
fn body(message: &Message<'_>, html: bool) -> Option<String> {
    let candidates = if html { &message.html_body } else { &message.text_body };
    candidates.iter().find_map(|id| match &message.parts.get(usize::try_from(*id).ok()?)?.body {
        PartType::Html(text) if html => Some(text.clone().into_owned()),
        PartType::Text(text) if !html => Some(text.clone().into_owned()),
        _ => None,
    })
}

fn part(part: &mail_parser::MessagePart<'_>) -> ParsedPart {
    let content_type = part.content_type();
    let name = content_type.map(|found| match found.subtype() {
        Some(subtype) => format!("{}/{subtype}", found.ctype()).to_ascii_lowercase(),
        None => found.ctype().to_ascii_lowercase(),
    });
    let transfer_encoding =
        part.headers.iter().find(|header| header.name().eq_ignore_ascii_case("content-transfer-encoding")).and_then(
            |header| match &header.value {
                HeaderValue::Text(value) => Some(value.to_ascii_lowercase()),
                _ => None,
            },
        );
    ParsedPart {
        content_type: name.unwrap_or_default(),
        charset: content_type.and_then(|found| found.attribute("charset")).map(str::to_ascii_lowercase),
        transfer_encoding,
    }
}

/// The mail's own header without the empty line that ends it.
fn header_of(source: &[u8]) -> &[u8] {
    let end = source.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(source.len());
    &source[..end]
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn fields(lines: &[String]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in lines {
        match (line.starts_with([' ', '\t']), fields.last_mut()) {
            (true, Some((_, value))) => {
                value.push_str("\r\n");
                value.push_str(line);
            }
            _ => {
                let (name, value) = line.split_once(':').unwrap_or((line, ""));
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
    }
    fields
}
