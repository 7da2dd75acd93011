//! The message the suite sends, and what of it nobody but the provider may ever see.

use std::sync::Arc;

use connector_kit::{CompiledTemplate, EmailTemplate, Message, Payload, UsageType};
use serde_json::{Value, json};

use super::{Subject, TemplateText, Templates};

/// Whom the suite writes to.
pub(super) const RECIPIENT: &str = "ann.recipient@example.org";
/// The recipient with a name.
pub(super) const NAMED_RECIPIENT: &str = "Ann Recipient <ann.recipient@example.org>";
/// The code in the message. The hyphen keeps it from being found where it is not: in a time, or in random bytes written in
/// hexadecimal digits, which logs are full of.
pub(super) const CODE: &str = "739-126";
/// A value that is written differently in HTML, in JSON and in a form.
pub(super) const AWKWARD: &str = "<b>\"Beeblebrox\"</b> & 'Sons'";
/// What [`AWKWARD`] is in HTML.
pub(super) const AWKWARD_IN_HTML: &str = "&lt;b&gt;&quot;Beeblebrox&quot;&lt;/b&gt; &amp; &#39;Sons&#39;";

/// Pieces of recipient, payload and content that stay as they are however a request writes them.
pub(super) const TRACES: [&str; 6] = ["ann.recipient", "Ann Recipient", CODE, "Beeblebrox", "k9w2", "sphinx of quartz"];

/// The templates the suite works with.
pub(super) const TEMPLATES: [TemplateText; 4] = [
    TemplateText {
        usage_type: "SignIn",
        subject: "SignIn for {{name}}: {{code}}",
        content: "<p>A sphinx of quartz says {{code}} to {{name}}.</p><p>See <a href=\"{{link}}\">here</a>.</p>",
    },
    TemplateText { usage_type: "Register", subject: "Register {{code}}", content: "<p>Register {{code}}</p>" },
    TemplateText { usage_type: "ForgotPassword", subject: "Forgot {{code}}", content: "<p>Forgot {{code}}</p>" },
    TemplateText { usage_type: "Generic", subject: "Generic {{code}}", content: "<p>Generic {{code}}</p>" },
];

/// The variables of the suite's message.
pub(super) fn payload() -> Payload {
    let payload = json!({
        "code": CODE,
        "name": AWKWARD,
        "link": "https://example.com/invite/k9w2?a=1&b=2",
        "nested": { "note": "sphinx of quartz\nin two lines" },
    });
    payload.as_object().unwrap().clone()
}

/// The suite's message to [`NAMED_RECIPIENT`].
pub(super) fn message(usage_type: &str) -> Message {
    let mut message = Message::new(NAMED_RECIPIENT, UsageType::from(usage_type), payload());
    message.ip = Some("203.0.113.77".to_owned());
    message
}

/// The same message to somebody else.
pub(super) fn message_to(to: &str) -> Message {
    Message { to: to.to_owned(), ..message("SignIn") }
}

/// The subject's configuration with the suite's templates in it, where they are in the configuration.
pub(super) fn config(subject: &Subject) -> Value {
    let mut config = subject.config.clone();
    match subject.templates {
        Templates::Rendered(set) => set(&mut config, &TEMPLATES),
        Templates::Named(set) => {
            let names = TEMPLATES.map(|template| (template.usage_type, template.usage_type));
            set(&mut config, &names);
        }
        Templates::ByProvider => {}
    }
    config
}

/// A localized template, from JSON in the words of Logto.
pub(super) fn localized(template: Value) -> Arc<CompiledTemplate> {
    Arc::new(serde_json::from_value::<EmailTemplate>(template).unwrap().compile().unwrap())
}
