//! A connector's configuration, read from a file.

use connector_kit::{ConnectorFactory, Error, Problem};
use serde_json::Value;

use crate::{failure::Failure, input::Source};

/// The configuration in `file`, for the connector of `factory`. What is worth knowing of it is logged; what is wrong with
/// it, whoever builds the connector says.
///
/// # Errors
/// When it cannot be read.
pub fn read(file: &Source, factory: &ConnectorFactory) -> Result<Value, Failure> {
    let config = file.json().map_err(|fault| Error::invalid_config(vec![Problem::new("", fault)]))?;
    // What stands for a stored secret is not one that could be worth a warning.
    let masked = factory.masked_pointers(&config);
    for warning in factory.validate(&config).warnings.iter().filter(|warning| !masked.contains(&warning.pointer)) {
        tracing::warn!("{file}: {warning}");
    }
    Ok(config)
}
