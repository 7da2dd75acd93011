//! From a rendered email to the bytes after DATA.

use connector_kit::{Error, ErrorKind, Mailbox, RenderedEmail};
use lettre::{
    Address, Message,
    message::{
        Mailbox as LettreMailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue, Headers},
    },
};

use crate::config::OneOrMany;

/// Headers that every message has from elsewhere; a second one would contradict it, or add recipients.
const OURS: [&str; 12] = [
    "from",
    "sender",
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
];

/// A message, ready to be sent.
pub(crate) struct Mail {
    pub(crate) from: Address,
    pub(crate) to: Address,
    pub(crate) message_id: String,
    pub(crate) content: Vec<u8>,
}

impl Mail {
    /// Whether an address needs a server with SMTPUTF8 (RFC 6531).
    pub(crate) fn needs_utf8(&self) -> bool {
        !AsRef::<str>::as_ref(&self.from).is_ascii() || !AsRef::<str>::as_ref(&self.to).is_ascii()
    }
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
    if OURS.contains(&lower.as_str()) || lower.starts_with("content-") || lower.starts_with("resent-") {
        return Err("is a header that every message has already; it cannot be set here".to_owned());
    }
    let token = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let name = HeaderName::new_from_ascii(name.to_owned()).ok().filter(|_| token);
    let name = name.ok_or("is not a header name: letters, digits and hyphens")?;
    if value.chars().any(char::is_control) {
        return Err("cannot hold line breaks or other control characters".to_owned());
    }
    let mut headers = Headers::new();
    headers.insert_raw(HeaderValue::new(name, value.to_owned()));
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
    let message_id = format!("<{}@{}>", uuid::Uuid::new_v4().simple(), from.domain());
    let (from, to) = (mailbox(from, "/from")?, mailbox(to, "/to")?);
    let (from_address, to_address) = (from.email.clone(), to.email.clone());
    let mut builder = Message::builder().from(from).to(to).subject(email.subject).message_id(Some(message_id.clone()));
    if let Some(reply_to) = reply_to {
        builder = builder.reply_to(mailbox(reply_to, "/template/replyTo")?);
    }
    let message = match email.html {
        Some(html) if email.text.is_empty() => builder.singlepart(SinglePart::html(html)),
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(email.text, html)),
        None => builder.singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(email.text)),
    };
    let message = message.map_err(|cause| Error::invalid_message("", format!("cannot be written as mail: {cause}")))?;
    let mut content = prefix.to_vec();
    content.extend_from_slice(&message.formatted());
    Ok(Mail { from: from_address, to: to_address, message_id, content })
}

fn mailbox(mailbox: &Mailbox, pointer: &str) -> Result<LettreMailbox, Error> {
    let address = Address::new(mailbox.local_part(), mailbox.domain())
        .map_err(|cause| Error::invalid_message(pointer, format!("not an address that mail can carry: {cause}")))?;
    Ok(LettreMailbox::new(mailbox.name().map(str::to_owned), address))
}

/// The error of an address that the server cannot carry.
pub(crate) fn needs_smtputf8(host: &str) -> Error {
    Error::new(
        ErrorKind::Rejected,
        format!("{host}: the address has characters beyond ASCII before the @, and the server does not offer SMTPUTF8"),
    )
    .with_hint("use a server that offers SMTPUTF8, or an address without such characters")
}
