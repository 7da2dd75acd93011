//! From a rendered email to the bytes after DATA.

use connector_kit::{Error, ErrorKind, Mailbox, RenderedEmail};
use email_encoding::headers::{rfc2047, writer::EmailWriter};
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox as LettreMailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue, Headers},
    },
};

use crate::config::OneOrMany;

/// Longest word that goes into a header as it is: RFC 5322 allows lines of 998 octets, name and fold included.
const WORD_MAX: usize = 800;

/// Headers that every message has from elsewhere; a second one would contradict it, or add recipients.
const OURS: [&str; 13] = [
    "from",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "content-id",
];

/// A message, ready to be sent.
pub(crate) struct Mail {
    pub(crate) from: Address,
    pub(crate) to: Address,
    /// Whether an address, in the envelope or in a header, needs a server with SMTPUTF8 (RFC 6531).
    pub(crate) needs_utf8: bool,
    pub(crate) message_id: String,
    pub(crate) content: Vec<u8>,
}

/// A configuration's custom headers, written out once.
///
/// # Errors
/// What is wrong with the first one that cannot be used.
pub(crate) fn custom_headers<'a>(
    headers: impl IntoIterator<Item = (&'a String, &'a OneOrMany)>,
) -> Result<Vec<u8>, String> {
    let mut block = Vec::new();
    for (name, values) in headers {
        for value in values.iter() {
            block.extend_from_slice(custom_header(name, value)?.as_bytes());
        }
    }
    Ok(block)
}

/// One custom header as it stands in a message, its line end included.
///
/// # Errors
/// When the name is none, or is one of ours, or the value holds control characters.
pub(crate) fn custom_header(name: &str, value: &str) -> Result<String, String> {
    let lower = name.to_ascii_lowercase();
    if OURS.contains(&lower.as_str()) || lower.starts_with("resent-") {
        return Err("cannot be set here: the connector writes it, or it would change where the message goes".to_owned());
    }
    let token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let name = HeaderName::new_from_ascii(name.to_owned()).ok().filter(|_| token);
    let name = name.ok_or("is not a header name: letters, digits and hyphens")?;
    if value.chars().any(char::is_control) {
        return Err("cannot hold line breaks or other control characters".to_owned());
    }
    let mut headers = Headers::new();
    headers.insert_raw(unstructured(name, value.to_owned()));
    Ok(headers.to_string())
}

/// Writes the message: `prefix` holds the custom headers.
///
/// # Errors
/// `InvalidMessage` when lettre cannot represent a part of it.
pub(crate) fn write(
    prefix: &[u8],
    from: &Mailbox,
    to: &Mailbox,
    reply_to: Option<&Mailbox>,
    email: RenderedEmail,
) -> Result<Mail, Error> {
    // Unique, not secret.
    let message_id = format!("<{:032x}@{}>", fastrand::u128(..), from.domain());
    let (from, to) = (mailbox(from), mailbox(to));
    let (from_address, to_address) = (from.email.clone(), to.email.clone());
    let mut needs_utf8 = !is_ascii(&from_address) || !is_ascii(&to_address);
    let mut builder = Message::builder().from(from).to(to).message_id(Some(message_id.clone()));
    if !email.subject.is_empty() {
        builder = builder.raw_header(unstructured(HeaderName::new_from_ascii_str("Subject"), email.subject));
    }
    if let Some(reply_to) = reply_to {
        let reply_to = mailbox(reply_to);
        needs_utf8 |= !is_ascii(&reply_to.email);
        builder = builder.reply_to(reply_to);
    }
    let cannot = |cause| Error::invalid_message("", format!("cannot be written as mail: {cause}"));
    // Given, so that lettre does not read it off the headers: it cannot read everything it writes.
    let envelope = Envelope::new(Some(from_address.clone()), vec![to_address.clone()]).map_err(cannot)?;
    builder = builder.envelope(envelope);
    let text = body(email.text);
    let message = match email.html.map(body) {
        Some(html) if text.is_empty() => builder.singlepart(SinglePart::html(html)),
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, html)),
        None => builder.singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(text)),
    };
    let mut content = message.map_err(cannot)?.formatted();
    // The line end before the final dot is lettre's to write.
    if content.ends_with(b"\r\n") {
        content.truncate(content.len() - 2);
    }
    content.splice(..0, prefix.iter().copied());
    Ok(Mail { from: from_address, to: to_address, needs_utf8, message_id, content })
}

/// A mailbox as lettre has it. It was checked when it was parsed; lettre's own check refuses the marks that many scripts
/// write vowels with.
fn mailbox(mailbox: &Mailbox) -> LettreMailbox {
    let address = Address::new_dangerous(mailbox.local_part(), mailbox.domain());
    LettreMailbox::new(mailbox.name().map(str::to_owned), address)
}

/// A text as a body may hold it: lettre ends lines by CRLF, but leaves carriage returns alone, and NUL no mail may have
/// (RFC 5322, 2.3).
fn body(text: String) -> String {
    match text.contains(['\r', '\0']) {
        true => text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', ""),
        false => text,
    }
}

fn is_ascii(address: &Address) -> bool {
    AsRef::<str>::as_ref(address).is_ascii()
}

/// A header of plain text. lettre encodes what is beyond ASCII and folds between words; a word too long for a line,
/// and one that a reader would decode though nobody has encoded it, are left to be encoded here.
fn unstructured(name: HeaderName, value: String) -> HeaderValue {
    if value.split(' ').all(|word| word.len() <= WORD_MAX && !word.contains("=?")) {
        return HeaderValue::new(name, value);
    }
    let mut encoded = String::with_capacity(value.len() * 2);
    let mut writer = EmailWriter::new(&mut encoded, name.len() + 2, 0, false);
    let written = rfc2047::encode(&value, &mut writer);
    drop(writer);
    // Writing into a String does not fail.
    match written {
        Ok(()) => HeaderValue::dangerous_new_pre_encoded(name, value, encoded),
        Err(_) => HeaderValue::new(name, String::new()),
    }
}

/// The error of an address that the server cannot carry.
pub(crate) fn needs_smtputf8(host: &str) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!("{host}: the address has characters beyond ASCII before the @, and the server does not offer SMTPUTF8"),
    )
    .not_sent()
    .with_hint("use a server that offers SMTPUTF8, or an address without such characters")
}
