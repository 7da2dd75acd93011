//! From a rendered email to the bytes after DATA.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_kit::{Error, ErrorKind, Mailbox, RenderedEmail};
use lettre::{
    Address, Message,
    address::Envelope,
    message::{
        Mailbox as LettreMailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use crate::{config::OneOrMany, header};

/// The last second that a date may name here: the next has a year of five digits, which lettre does not write.
const LAST_DATE: Duration = Duration::from_secs(253_402_300_799);

const SUBJECT: &str = "Subject";

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
            block.extend_from_slice(header::custom(name, value)?.as_bytes());
        }
    }
    Ok(block)
}

/// Writes the message as of `now`: `prefix` holds the custom headers.
///
/// # Errors
/// `InvalidMessage` when lettre cannot represent a part of it.
pub(crate) fn write(
    prefix: &[u8],
    from: &Mailbox,
    to: &Mailbox,
    reply_to: Option<&Mailbox>,
    email: RenderedEmail,
    now: SystemTime,
) -> Result<Mail, Error> {
    // Unique, not secret.
    let message_id = format!("<{:032x}@{}>", fastrand::u128(..), from.domain());
    let (from, to) = (mailbox(from), mailbox(to));
    let (from_address, to_address) = (from.email.clone(), to.email.clone());
    let mut needs_utf8 = !is_ascii(&from_address) || !is_ascii(&to_address);
    let mut builder = Message::builder().from(from).to(to).message_id(Some(message_id.clone())).date(date(now));
    if !email.subject.is_empty() {
        let encoded = header::free_text(SUBJECT, &email.subject);
        let name = HeaderName::new_from_ascii_str(SUBJECT);
        builder = builder.raw_header(HeaderValue::dangerous_new_pre_encoded(name, email.subject, encoded));
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

/// `now` as far as a Date header can say it. A clock that stands elsewhere is wrong, and no reason to lose a message.
fn date(now: SystemTime) -> SystemTime {
    now.clamp(UNIX_EPOCH, UNIX_EPOCH + LAST_DATE)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

    use std::time::{Duration, UNIX_EPOCH};

    use connector_kit::{CompiledTemplate, ContentType, Mailbox, Payload};

    use super::write;

    /// A host's clock may stand anywhere, and a mail library's dates end.
    #[test]
    fn a_message_is_dated_wherever_the_clock_stands() {
        let mailbox = Mailbox::parse("user@example.com").unwrap();
        let days = |days: u64| Duration::from_secs(days * 86_400);
        for (now, date) in [
            (UNIX_EPOCH - days(1), "Thu, 01 Jan 1970 00:00:00 +0000"),
            (UNIX_EPOCH - days(700_000), "Thu, 01 Jan 1970 00:00:00 +0000"),
            (UNIX_EPOCH, "Thu, 01 Jan 1970 00:00:00 +0000"),
            (UNIX_EPOCH + Duration::from_secs(253_402_300_799), "Fri, 31 Dec 9999 23:59:59 +0000"),
            (UNIX_EPOCH + Duration::from_secs(253_402_300_800), "Fri, 31 Dec 9999 23:59:59 +0000"),
            (UNIX_EPOCH + days(100_000_000), "Fri, 31 Dec 9999 23:59:59 +0000"),
        ] {
            let email = CompiledTemplate::new("s", "c", ContentType::Plain).render(&Payload::new()).unwrap();
            let mail = write(&[], &mailbox, &mailbox, None, email, now).unwrap();
            let content = String::from_utf8(mail.content).unwrap();
            assert!(content.contains(&format!("\r\nDate: {date}\r\n")), "{content}");
        }
    }
}
