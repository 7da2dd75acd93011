//! A server's URL.

use std::str::FromStr as _;

use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::OpenStoreError;

/// The parameters that are known: libpq's, by its names.
const PARAMETERS: [&str; 12] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// How to connect.
///
/// # Errors
/// A part of the URL cannot be read, or is not known: a misspelt `sslmode` must not go unnoticed.
pub(super) fn options(text: &str) -> Result<PgConnectOptions, OpenStoreError> {
    let invalid = |fault: &str| OpenStoreError::InvalidUrl { fault: fault.to_owned() };
    // What the parsers say may hold parts of the URL.
    let url = Url::parse(text).map_err(|_| invalid("it is no URL: characters with a meaning need %-encoding"))?;
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| !PARAMETERS.contains(&name.as_ref())) {
        return Err(invalid(&format!("its parameter `{}` is not known", name.escape_debug())));
    }
    PgConnectOptions::from_str(text).map_err(|_| invalid("a parameter has a value that is not known"))
}
