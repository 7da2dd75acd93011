//! The suite that every connector runs.

use connector_aliyun_dm::CONNECTOR;
use connector_testkit::conformance::{HttpProvider, Provider, Subject, TemplateText, Templates};
use serde_json::{Value, json};

use crate::provider;

fn subject() -> Subject {
    Subject {
        factory: &CONNECTOR,
        config: provider::config(),
        secrets: &["/accessKeySecret"],
        no_destinations: &[],
        sender: Some("/accountName"),
        hosts: &[("dm.ap-southeast-1.aliyuncs.com", 443)],
        templates: Templates::Rendered(set_templates),
        provider: Provider::Http(HttpProvider {
            accepts: |_| provider::accepted(),
            refuses: |says| provider::refusal(400, says, says),
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
