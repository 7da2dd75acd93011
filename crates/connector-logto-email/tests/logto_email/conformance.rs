//! The suite that every connector runs.

use connector_logto_email::CONNECTOR;
use connector_testkit::conformance::{HttpProvider, Provider, Subject, Templates};

use crate::provider;

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/appSecret"],
        no_destinations: &[("/appLogo", "recipients' mail programs fetch it; the connector never connects to it")],
        sender: None,
        hosts: &[(provider::HOST, 443), (provider::TOKEN_HOST, 443)],
        templates: Templates::ByProvider,
        provider: Provider::Http(HttpProvider {
            accepts: |request| {
                let for_token = provider::asks_for_a_token(request);
                if for_token { provider::granted(provider::ACCESS_TOKEN) } else { provider::accepted() }
            },
            refuses: |says| provider::refused(422, says, says),
            reads: provider::read,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

connector_testkit::conformance!(subject);
