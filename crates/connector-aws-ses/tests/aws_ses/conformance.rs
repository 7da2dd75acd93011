//! The suite that every connector runs: with a key, and once more with a role that the key assumes.

use connector_aws_ses::CONNECTOR;
use connector_testkit::{
    Answer,
    conformance::{self, HttpProvider, Provider, Subject, TemplateText, Templates},
};
use serde_json::{Value, json};

use crate::provider::{self, HOST, STS};

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/accessKeySecret"],
        no_destinations: &[],
        // It may be left out, and then a blank one is none: what the suite asks of a sender is asked below.
        sender: None,
        hosts: &[(HOST, 443)],
        templates: Templates::Rendered(set_templates),
        provider: Provider::Http(HttpProvider {
            accepts: provider::usual,
            refuses: |says| {
                Answer::status(400)
                    .header("x-amzn-errortype", "MessageRejected")
                    .header("x-amzn-requestid", "refused")
                    .json(json!({ "message": says }))
            },
            reads: provider::read,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

fn set_templates(config: &mut Value, templates: &[TemplateText]) {
    let template =
        |text: &TemplateText| json!({ "usageType": text.usage_type, "subject": text.subject, "content": text.content });
    config["templates"] = templates.iter().map(template).collect();
}

connector_testkit::conformance!(subject);

/// What STS is asked is not the message, and must count neither as it nor against it.
mod with_a_role {
    use super::*;

    fn subject() -> Subject {
        let hosts: &[(&str, u16)] = &[(HOST, 443), (STS, 443)];
        Subject { config: provider::config_with_role(), hosts, ..super::subject() }
    }

    connector_testkit::conformance!(subject);
}

fn subject_with_sender() -> Subject {
    Subject { sender: Some("/emailAddress"), ..subject() }
}

#[tokio::test]
async fn the_sender_is_named_by_the_template_and_never_by_a_value() {
    conformance::templates::the_sender_is_named_by_the_template_and_never_by_a_value(&subject_with_sender()).await;
}
