//! Addresses: what is taken for a mailbox is one mailbox, whoever reads it next.

use connector_kit::Mailbox;

/// Reads `data` as a mailbox.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(mailbox) = Mailbox::parse(text) else { return };
    let address = mailbox.address();
    assert_eq!(address, format!("{}@{}", mailbox.local_part(), mailbox.domain()), "the parts make the address");
    assert!(mailbox.domain().is_ascii(), "the domain is in its ASCII form");
    assert!(mailbox.local_part().len() <= 64 && mailbox.domain().len() <= 253, "SMTP's limits and DNS's hold");
    let leaves = mailbox.local_part().contains(['%', '!', '\u{ff05}', '\u{ff01}']) || address.contains("=?");
    assert!(!leaves, "the mailbox is at the host that it names");
    assert!(!address.chars().any(|char| char.is_control() || char.is_whitespace()), "nothing can start a header");
    let outside_quotes = address.strip_prefix('"').is_none();
    assert!(!outside_quotes || address.matches('@').count() == 1, "one @ outside of quotes");

    let again = Mailbox::parse(address).expect("an address that was read is read again");
    assert_eq!(again.address(), address, "an address has one form");
    let shown = Mailbox::parse(&mailbox.to_string()).expect("what is shown can be read");
    assert_eq!(shown, mailbox, "what is shown is the same mailbox");

    let header = mailbox.to_header();
    assert!(!header.chars().any(char::is_control), "a header value is one line");
    assert!(header.is_ascii() || !mailbox.local_part().is_ascii(), "names are encoded");
}
