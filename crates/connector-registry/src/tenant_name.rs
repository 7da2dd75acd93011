//! What a tenant may be called.

use crate::Error;

/// Longest name, in bytes.
const LONGEST: usize = 128;

/// Whether a tenant may be called that: 1 to 128 bytes, no control characters, no white space at either end.
///
/// # Errors
/// [`Error::InvalidTenant`] with what is wrong.
pub fn tenant_name(name: &str) -> Result<(), Error> {
    let fault = if name.is_empty() {
        "cannot be empty"
    } else if name.len() > LONGEST {
        "can be at most 128 bytes long"
    } else if name.contains(char::is_control) {
        "cannot hold control characters"
    } else if name.trim() != name {
        "cannot begin or end with white space"
    } else {
        return Ok(());
    };
    Err(Error::InvalidTenant { fault })
}
