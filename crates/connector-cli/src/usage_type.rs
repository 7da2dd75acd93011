//! Usage types on the command line.

use std::convert::Infallible;

use connector_kit::UsageType;

/// The usage type that a person means by `name`: a known one whatever its case, or one that this version does not know.
pub fn parse(name: &str) -> Result<UsageType, Infallible> {
    let known = UsageType::KNOWN.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
    Ok(known.unwrap_or_else(|| UsageType::from(name)))
}

/// Warns of a type that this version does not know, as it may be a slip: it gets Generic's template, where there is one.
pub fn warn_of_unknown(usage_type: &UsageType) {
    if let Some(unknown) = usage_type.unknown() {
        tracing::warn!("{unknown}");
    }
}
