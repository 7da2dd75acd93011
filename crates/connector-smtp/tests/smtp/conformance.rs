//! The suite that every connector runs.

use connector_smtp::CONNECTOR;
use connector_testkit::conformance::{Provider, SmtpProvider, Subject, TemplateText, Templates};
use serde_json::{Value, json};

use crate::support::{HOST, with};

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: with(json!({ "requireTLS": true, "maxMessages": 1000 })),
        secrets: &["/auth/pass"],
        no_destinations: &[],
        sender: Some("/fromEmail"),
        hosts: &[(HOST, 587)],
        templates: Templates::Rendered(set_templates),
        provider: Provider::Smtp(SmtpProvider {
            capabilities: &["STARTTLS", "AUTH PLAIN LOGIN", "SMTPUTF8"],
            implicit_tls: false,
        }),
        faults: include_str!("../faults.json"),
        answers: include_str!("../answers.json"),
    }
}

fn set_templates(config: &mut Value, templates: &[TemplateText]) {
    let template = |text: &TemplateText| {
        json!({
            "usageType": text.usage_type,
            "contentType": "text/html",
            "subject": text.subject,
            "content": text.content,
        })
    };
    config["templates"] = templates.iter().map(template).collect();
}

connector_testkit::conformance!(subject, smtp);
