//! The suite that every connector runs.

use connector_postmark::CONNECTOR;
use connector_testkit::conformance::{HttpProvider, Provider, Subject, Templates};
use serde_json::{Value, json};

use crate::provider;

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/serverToken"],
        no_destinations: &[],
        sender: Some("/fromEmail"),
        hosts: &[(provider::HOST, 443)],
        templates: Templates::Named(set_templates),
        provider: Provider::Http(HttpProvider {
            accepts: |_| provider::accepted(),
            refuses: |says| provider::refused(422, 300, says),
            reads: provider::read,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

fn set_templates(config: &mut Value, templates: &[(&str, &str)]) {
    let template = |(usage, alias): &(&str, &str)| json!({ "usageType": usage, "templateAlias": alias });
    config["templates"] = templates.iter().map(template).collect();
}

connector_testkit::conformance!(subject);
