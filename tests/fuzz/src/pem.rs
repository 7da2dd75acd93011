//! PEM: certificates given as text make roots or a sentence that does not quote what was given.

use connector_kit::root_certificates;
use connector_registry::Catalog;
use serde_json::json;

use crate::offline;

/// Reads `data` as a PEM file of certificates, and as what is pasted into a configuration.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match root_certificates(data) {
        Ok(roots) => assert!(!roots.is_empty()),
        Err(said) => is_our_own(&said, &text),
    }
    let catalog = Catalog::builtin();
    let factory = catalog.iter().find(|factory| factory.target() == "smtp").expect("SMTP is built in");
    let mut config = offline::config(factory);
    config["tls"] = json!({ "ca": text });
    if let Err(error) = factory.build(&config, &offline::dialing()) {
        error.problems().iter().for_each(|problem| is_our_own(&problem.message, &text));
    }
}

fn is_our_own(said: &str, given: &str) {
    assert!(!said.is_empty() && said.len() < 1_000, "a sentence of ours");
    let quoted = given.split_whitespace().filter(|word| word.len() >= 24).any(|word| said.contains(word));
    assert!(!quoted, "what was given is quoted");
}
