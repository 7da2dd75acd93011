//! What PostgreSQL's errors mean for the store.

use connector_registry::StoreError;
use sqlx::Error;

/// Whether the server had closed the connection, as it does when it stops. Nobody knows then what it has done of a statement.
pub(super) fn is_lost(error: &Error) -> bool {
    match error {
        Error::Io(_) => true,
        Error::Database(error) => error.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

/// What `error` of the server `server` means. What the server itself says holds no password, and neither do its statements'
/// parameters.
pub(super) fn store_error(server: &str, error: &Error) -> StoreError {
    let unusable = |what: String| StoreError::Unusable(what.into());
    let unavailable = |what: String| StoreError::Unavailable(what.into());
    let code = match error {
        Error::Database(error) => error.code().unwrap_or_default().into_owned(),
        Error::Io(cause) => {
            return unavailable(format!(
                "PostgreSQL at {server} cannot be reached, or the connection was lost: try again ({cause})"
            ));
        }
        Error::PoolTimedOut => {
            return unavailable(format!("PostgreSQL at {server} cannot be reached, or is too busy: try again"));
        }
        Error::PoolClosed | Error::WorkerCrashed | Error::Protocol(_) => {
            return unavailable(format!("the connection to PostgreSQL at {server} was lost: try again ({error})"));
        }
        Error::Tls(cause) => {
            return unusable(format!(
                "no TLS connection to PostgreSQL at {server} ({cause}): check its certificate, and sslmode and sslrootcert in \
                 the URL"
            ));
        }
        _ => return unusable(format!("PostgreSQL at {server} did not do as it was asked: {error}")),
    };
    match code.as_str() {
        // Connections, a server that starts or stops, too many connections, not enough memory.
        code if code.starts_with("08") || code.starts_with("57P") || code == "53300" || code == "53200" => {
            unavailable(format!("PostgreSQL at {server} is not available: try again ({error})"))
        }
        // Another transaction was in the way, or it took too long.
        "40001" | "40P01" | "55P03" | "57014" => {
            unavailable(format!("PostgreSQL at {server} is busy with other changes: try again ({error})"))
        }
        "53100" => unusable(format!("the disk of PostgreSQL at {server} is full: make room on it")),
        "25006" => unusable(format!(
            "PostgreSQL at {server} only reads: give the URL of the primary server, or turn default_transaction_read_only off"
        )),
        code if code.starts_with("28") => unusable(format!(
            "PostgreSQL at {server} lets nobody in with this user and password: check the URL ({error})"
        )),
        "3D000" => unusable(format!("PostgreSQL at {server} has no such database: create it first ({error})")),
        "42501" => unusable(format!(
            "the user may not do this in PostgreSQL at {server}: grant it the schema email_connectors, or CREATE on the \
             database for the first time ({error})"
        )),
        "XX001" | "XX002" => unusable(format!("PostgreSQL at {server} is damaged: restore it from a copy ({error})")),
        _ => unusable(format!("PostgreSQL at {server} did not do as it was asked: {error}")),
    }
}
