//! Usage types on the command line.

use std::convert::Infallible;

use connector_kit::UsageType;

/// The usage type that a person means by `name`: a known one whatever its case, or one that this version does not know.
pub fn parse(name: &str) -> Result<UsageType, Infallible> {
    let known = UsageType::KNOWN.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(name));
    Ok(known.unwrap_or_else(|| UsageType::from(name)))
}
