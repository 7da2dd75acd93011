//! The suite that every connector runs.

use connector_mailgun::CONNECTOR;
use connector_testkit::{
    Answer,
    conformance::{HttpProvider, Provider, Subject, TemplateText, Templates},
};
use serde_json::{Map, Value, json};

use crate::provider;

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/apiKey"],
        no_destinations: &[],
        sender: Some("/from"),
        hosts: &[("api.eu.mailgun.net", 443)],
        templates: Templates::Rendered(set_templates),
        provider: Provider::Http(HttpProvider {
            accepts: |_| provider::accepted(),
            refuses: |says| Answer::status(400).json(json!({ "message": says })),
            reads: provider::read,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

fn set_templates(config: &mut Value, templates: &[TemplateText]) {
    let delivery =
        |text: &TemplateText| (text.usage_type.to_owned(), json!({ "subject": text.subject, "html": text.content }));
    config["deliveries"] = Value::Object(templates.iter().map(delivery).collect::<Map<_, _>>());
}

connector_testkit::conformance!(subject);
