//! The text formats of our schemas: what a field's text must be, said once for validation and documentation.

use url::{Host, ParseError, Url};

use crate::Mailbox;

/// Checks a text; the error says what is wrong without showing it.
pub type Check = fn(&str) -> Result<(), String>;

/// The `pattern` of a secret that travels in an HTTP header: what the format `token` is to other fields. A secret's
/// format is `password`, by which form libraries know that it must not show.
pub const TOKEN: &str = "^[!-~]*$";

/// Every format by the name it has in a schema.
pub const FORMATS: [(&str, Check); 9] = [
    ("mailbox", mailbox),
    ("password", secret),
    ("single-line", single_line),
    ("token", token),
    ("host", host),
    ("ehlo-name", ehlo_name),
    ("ip-address", ip_address),
    ("http-url", http_url),
    ("pem", pem),
];

/// The check of the format `name`.
#[must_use]
pub fn check_of(name: &str) -> Option<Check> {
    FORMATS.iter().find(|(known, _)| *known == name).map(|(_, check)| *check)
}

/// Whether a text that the check of `format` refuses was taken by earlier versions, which did not look for what is pasted
/// around a secret.
pub(crate) fn was_taken(format: &str, text: &str) -> bool {
    match format {
        "password" => single_line(text).is_ok(),
        "token" => is_token(text),
        _ => false,
    }
}

fn mailbox(text: &str) -> Result<(), String> {
    Mailbox::parse(text).map(drop).map_err(|fault| fault.to_string())
}

fn single_line(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("cannot hold line breaks or other control characters".to_owned());
    }
    Ok(())
}

/// A secret as it was issued. What is pasted along with it, and never part of it, is refused: the provider would only say
/// that the secret is wrong.
fn secret(text: &str) -> Result<(), String> {
    single_line(text)?;
    if text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) {
        return Err("begins or ends with a blank; was it copied whole, and nothing else?".to_owned());
    }
    if let Some(mark) = text.chars().find(|char| is_mark(*char)) {
        return Err(format!("holds an invisible character, U+{:04X}: paste it as plain text", u32::from(mark)));
    }
    unquoted(text)
}

/// Whether it shows nothing and is part of no script: soft hyphen, zero-width space, direction marks, byte order mark. The
/// joiners of scripts and emojis may be part of a password.
fn is_mark(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(char, '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Refuses the quotation marks of a file or a page that something was copied from.
fn unquoted(text: &str) -> Result<(), String> {
    let mut chars = text.chars();
    let ends = chars.next().zip(chars.next_back());
    match ends {
        Some(('"', '"') | ('\'', '\'') | ('`', '`') | ('“' | '”' | '„', '“' | '”') | ('‘' | '’', '‘' | '’')) => {
            Err("stands in quotation marks: take them off".to_owned())
        }
        _ => Ok(()),
    }
}

/// What is wrong with a text that cannot travel in an HTTP header.
pub(crate) fn no_token(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let scheme = ["Bearer", "Basic", "Token"].into_iter().find(|scheme| scheme.eq_ignore_ascii_case(first));
    match scheme.filter(|_| text.len() > first.len()) {
        Some(scheme) => format!("must be given without `{scheme}` before it"),
        None => "must be visible ASCII characters without spaces or line breaks; was it copied whole?".to_owned(),
    }
}

/// A token that travels in an HTTP header.
fn token(text: &str) -> Result<(), String> {
    if !is_token(text) {
        return Err(no_token(text));
    }
    unquoted(text)
}

fn is_token(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A host name or an IP address, without scheme, port or path.
fn host(text: &str) -> Result<(), String> {
    let literal = text.parse::<std::net::IpAddr>().is_ok();
    if literal || (!text.contains(['/', ':', '@', '?', '#', '%']) && Host::parse(text).is_ok()) {
        return Ok(());
    }
    Err("must be a host name or an IP address, without scheme, port or path".to_owned())
}

/// What a client may call itself in SMTP's EHLO: a host name, or an address in brackets.
fn ehlo_name(text: &str) -> Result<(), String> {
    let literal = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    match literal {
        Some(address) => ip_address(address.trim_start_matches("IPv6:")),
        None => host(text),
    }
}

fn ip_address(text: &str) -> Result<(), String> {
    text.parse::<std::net::IpAddr>().map(drop).map_err(|_| "must be an IP address".to_owned())
}

fn http_url(text: &str) -> Result<(), String> {
    // A URL's parser drops line breaks and tabs without a word.
    single_line(text)?;
    let url = Url::parse(text).map_err(|cause| match cause {
        // The parser's own words are about bases, of which nobody filling in a form has heard.
        ParseError::RelativeUrlWithoutBase => "is not a URL: it must begin with https://".to_owned(),
        other => format!("is not a URL: {other}"),
    })?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err("must be an https:// or http:// URL".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("cannot hold credentials: take user and password out of the URL".to_owned());
    }
    Ok(())
}

fn pem(text: &str) -> Result<(), String> {
    if !text.contains("-----BEGIN ") || !text.contains("-----END ") {
        return Err("must be in PEM form, from -----BEGIN to -----END".to_owned());
    }
    Ok(())
}
