//! The suite that every connector runs.

use connector_http_email::CONNECTOR;
use connector_testkit::{
    Answer,
    conformance::{HttpProvider, Provider, Subject, Templates},
};
use serde_json::json;

use crate::provider;

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/authorization", "/signingSecrets/0", "/signingSecrets/1"],
        no_destinations: &[],
        sender: None,
        hosts: &[(provider::HOST, 443)],
        templates: Templates::ByProvider,
        provider: Provider::Http(HttpProvider {
            accepts: |_| provider::accepted(),
            refuses: |says| {
                Answer::status(422).header("x-request-id", "refused").json(json!({ "message": says, "code": says }))
            },
            reads: provider::read,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

connector_testkit::conformance!(subject);
