//! The suite that every connector runs.

use connector_%snake%::CONNECTOR;
use connector_testkit::{
    Answer,
    conformance::{HttpProvider, Provider, Subject, TemplateText, Templates},
};
use serde_json::{Value, json};

use crate::provider;

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/apiKey"],
        no_destinations: &[],
        sender: Some("/fromEmail"),
        hosts: &[(provider::HOST, 443)],
        templates: Templates::Rendered(set_templates),
        provider: Provider::Http(HttpProvider {
            accepts: |_| provider::accepted(),
            refuses: |says| Answer::status(422).json(json!({ "code": says, "message": says })),
            reads: provider::read,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

fn set_templates(config: &mut Value, templates: &[TemplateText]) {
    let template = |text: &TemplateText| {
        json!({
            "usageType": text.usage_type, "contentType": "text/html", "subject": text.subject, "content": text.content
        })
    };
    config["templates"] = templates.iter().map(template).collect();
}

connector_testkit::conformance!(subject);
