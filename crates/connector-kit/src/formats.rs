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
    ("password", single_line),
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

fn mailbox(text: &str) -> Result<(), String> {
    Mailbox::parse(text).map(drop).map_err(|fault| fault.to_string())
}

fn single_line(text: &str) -> Result<(), String> {
    if text.chars().any(char::is_control) {
        return Err("cannot hold line breaks or other control characters".to_owned());
    }
    Ok(())
}

/// What is wrong with a text that cannot travel in an HTTP header.
pub(crate) const NO_TOKEN: &str =
    "must be visible ASCII characters without spaces or line breaks; was it copied whole?";

/// A token that travels in an HTTP header.
fn token(text: &str) -> Result<(), String> {
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(NO_TOKEN.to_owned());
    }
    Ok(())
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
