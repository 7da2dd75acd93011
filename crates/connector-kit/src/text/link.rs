//! Where a link leads, as a reader of text needs it.

use super::marks::Marks;

/// Schemes that lead a reader of text nowhere.
const NOWHERE: [&str; 8] = ["about", "blob", "cid", "data", "file", "javascript", "mhtml", "vbscript"];

/// What to write for a link's `href`; nothing, where it leads only in a browser.
///
/// Of `mailto:` and `tel:` it is the address or number. Paths and fragments lead nowhere from a mail.
pub(super) fn target(href: &str) -> Option<String> {
    // As browsers read it: without blanks around it, and without line breaks and tabs anywhere.
    let href = without_controls(href.trim_matches(|char: char| char <= ' '));
    let is_relative = href.starts_with(['#', '?', '.']) || (href.starts_with('/') && !href.starts_with("//"));
    if href.is_empty() || is_relative {
        return None;
    }
    match scheme(&href).map(str::to_ascii_lowercase).as_deref() {
        Some(scheme) if NOWHERE.contains(&scheme) => None,
        Some(scheme @ ("mailto" | "tel" | "sms")) => {
            let rest = &href[scheme.len() + 1..];
            let address = rest.split('?').next().unwrap_or_default();
            let decoded = percent_encoding::percent_decode_str(address).decode_utf8().ok()?;
            // No address has a character of marks, and a mark that was not put there is none.
            if Marks::count(&decoded) != Marks::count(address) {
                return None;
            }
            let address = without_controls(&decoded);
            let address = address.split(char::is_whitespace).collect::<Vec<_>>().join(" ");
            (!address.is_empty()).then_some(address)
        }
        _ => Some(href.replace(' ', "%20")),
    }
}

fn without_controls(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).collect()
}

/// Whether `text` says where the link leads, so that its target need not follow.
pub(super) fn says(text: &str, target: &str) -> bool {
    text == target || {
        let (text, target) = (bare(text), bare(target));
        text.eq_ignore_ascii_case(target) || (is_number(target) && digits(text).eq(digits(target)))
    }
}

/// A link without what people leave out when they write it.
fn bare(link: &str) -> &str {
    let mut link = link.trim();
    for prefix in ["mailto:", "https://", "http://", "//", "www."] {
        if let Some(start) = link.get(..prefix.len())
            && start.eq_ignore_ascii_case(prefix)
        {
            link = &link[prefix.len()..];
        }
    }
    link.strip_suffix('/').unwrap_or(link)
}

fn is_number(target: &str) -> bool {
    !target.is_empty() && target.chars().all(|char| char.is_ascii_digit() || "+-(). ".contains(char))
}

fn digits(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|char| !"+-(). \u{a0}".contains(*char))
}

/// The scheme of a URL, if it has one.
fn scheme(href: &str) -> Option<&str> {
    let (scheme, _) = href.split_once(':')?;
    let is_one = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    is_one.then_some(scheme)
}
