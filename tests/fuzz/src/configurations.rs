//! Configurations: any JSON is either refused with pointers that exist, or makes a connector.

use connector_kit::{ErrorKind, Problem};
use serde_json::Value;

use crate::offline;

/// Reads `data` as the number of a connector and the JSON of its configuration.
pub fn run(data: &[u8]) {
    let Some((number, json)) = data.split_first() else { return };
    let Ok(config) = serde_json::from_slice::<Value>(json) else { return };
    let factory = offline::factory(*number);
    let report = factory.validate(&config);
    match factory.build(&config, &offline::context(offline::NoAnswer)) {
        Ok(_) => assert!(report.is_valid(), "what is built is valid"),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidConfig);
            assert!(!error.problems().is_empty(), "every refusal names a place");
            error.problems().iter().for_each(pointer_is_one);
        }
    }
    report.problems.iter().chain(&report.warnings).for_each(pointer_is_one);
}

fn pointer_is_one(Problem { pointer, message, .. }: &Problem) {
    assert!(pointer.is_empty() || pointer.starts_with('/'), "{pointer:?} is a JSON pointer");
    assert!(!message.is_empty());
}
