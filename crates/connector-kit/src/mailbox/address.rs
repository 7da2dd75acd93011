//! A bare address: its two parts, its limits, its one form.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{MailboxFault, fault, is_pasted_mark, local_part};

/// Longest local part (RFC 5321, 4.5.3.1.1), domain and label of a domain (RFC 1035, 2.3.4), in octets, as they are sent.
pub(super) const LOCAL_PART_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;
const LABEL_MAX: usize = 63;
/// Longest domain that is looked at, in octets. In Unicode a domain within the limits of DNS takes more than its ASCII form
/// does, but nowhere near this.
const DOMAIN_GIVEN_MAX: usize = 4096;

/// The address in the form that it is sent in, and where its `@` stands.
pub(super) fn parse(given: &str) -> Result<(String, usize), MailboxFault> {
    if let Some(at) = ordinary(given) {
        return Ok((given.to_owned(), at));
    }
    let Some((local, host)) = given.rsplit_once('@') else {
        return fault(if given.contains(['\u{ff20}', '\u{fe6b}']) {
            "not an email address: its '@' is not the one on a Latin keyboard"
        } else {
            "not an email address: '@' is missing"
        });
    };
    local_part::check_quotes(local)?;
    if given.contains([',', ';']) {
        return fault("not an email address: one address is expected, not a list");
    }
    let local = local_part::parse(local)?;
    let host = domain(host)?;
    Ok((format!("{local}@{host}"), local.len()))
}

/// Where the `@` stands in an address of letters, digits, dots, hyphens, underscores and plus signs alone: what nearly all
/// are. Such an address is already in its one form; any other takes longer to check.
fn ordinary(address: &str) -> Option<usize> {
    let bytes = address.as_bytes();
    let at = bytes.iter().position(|byte| *byte == b'@')?;
    let (local, domain) = (bytes.get(..at)?, bytes.get(at + 1..)?);
    if at > LOCAL_PART_MAX || domain.len() > DOMAIN_MAX {
        return None;
    }
    // In both parts no dot stands first, last or beside another.
    let mut before = b'.';
    for &byte in local {
        let fits =
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+') || (byte == b'.' && before != b'.');
        if !fits {
            return None;
        }
        before = byte;
    }
    if before == b'.' {
        return None;
    }
    let (mut before, mut length, mut has_letter) = (b'.', 0, false);
    for &byte in domain {
        match byte {
            b'.' if !matches!(before, b'.' | b'-') => (length, has_letter) = (0, false),
            // Two hyphens side by side may mark punycode.
            b'-' if !matches!(before, b'.' | b'-') => length += 1,
            byte if byte.is_ascii_alphanumeric() => {
                length += 1;
                has_letter |= byte.is_ascii_alphabetic();
            }
            _ => return None,
        }
        if length > LABEL_MAX {
            return None;
        }
        before = byte;
    }
    // A top-level domain is no number.
    (has_letter && !matches!(before, b'.' | b'-')).then_some(at)
}

/// The domain in ASCII: UTS #46 first, nontransitional, then what a host name must be (RFC 5321, 4.1.2) of its A-labels.
fn domain(given: &str) -> Result<Cow<'_, str>, MailboxFault> {
    if given.is_empty() {
        return fault("not an email address: the domain is missing");
    }
    const TOO_LONG: &str = "not an email address: the domain is longer than 253 octets in its ASCII form";
    if given.len() > DOMAIN_GIVEN_MAX {
        return fault(TOO_LONG);
    }
    if given.starts_with('[') && given.ends_with(']') {
        return fault("not an email address that can be sent to: it has an IP address in place of a domain");
    }
    // Two hyphens side by side are in the names of real hosts, wherever they stand (as in WHATWG's URLs).
    let (allowed, length) = (AsciiDenyList::STD3, DnsLength::Ignore);
    let Ok(ascii) = Uts46::new().to_ascii(given.as_bytes(), allowed, Hyphens::Allow, length) else {
        return fault(if given.contains(is_pasted_mark) {
            "not an email address: the domain holds an invisible character"
        } else {
            "not an email address: the domain is not a valid domain name"
        });
    };
    if ascii.len() > DOMAIN_MAX {
        return fault(TOO_LONG);
    }
    for label in ascii.split('.') {
        if label.is_empty() {
            return fault("not an email address: the domain has a dot at an end, or two side by side");
        }
        if label.len() > LABEL_MAX {
            return fault("not an email address: a part of the domain is longer than 63 octets in its ASCII form");
        }
        if label.starts_with('-') || label.ends_with('-') {
            return fault("not an email address: a part of the domain begins or ends with a hyphen");
        }
    }
    // No top-level domain is a number (RFC 3696, 2): what ends in one is an IP address, or a slip.
    if ascii.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit())) {
        return fault("not an email address: the domain ends in a number");
    }
    // The case of ASCII stays as it is written.
    Ok(if given.is_ascii() { given.into() } else { ascii.into_owned().into() })
}
