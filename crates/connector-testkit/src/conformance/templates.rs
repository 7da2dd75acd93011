//! Which template a message gets, and what becomes of the values in it.

use connector_kit::{Delivery, ErrorKind, SendContext};
use serde_json::json;

use super::{
    Arrived, Behaviour, Peer, Subject, TemplateText, Templates,
    sample::{AWKWARD, AWKWARD_IN_HTML, CODE, config, localized, message, payload},
};

/// Sends a message of this type, with the localized template if there is one, and returns what arrived.
async fn send(peer: &Peer, subject: &Subject, usage_type: &str, template: Option<serde_json::Value>) -> Arrived {
    let connector = peer.connector_of(subject, &config(subject));
    let mut message = message(usage_type);
    message.template = template.map(localized);
    connector.send(&message, &SendContext::new()).await.unwrap_or_else(|error| panic!("{usage_type}: {error}"));
    peer.last()
}

fn renders(subject: &Subject) -> bool {
    matches!(subject.templates, Templates::Rendered(_))
}

/// Types that Logto will add one day fall back like those that have no template.
pub async fn a_type_has_its_own_template_or_generics(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    for (usage_type, template) in
        [("Register", "Register"), ("Generic", "Generic"), ("BindMfa", "Generic"), ("SomethingNew", "Generic")]
    {
        let arrived = send(&peer, subject, usage_type, None).await;
        match subject.templates {
            Templates::Rendered(_) => {
                assert_eq!(arrived.subject, Some(format!("{template} {CODE}")), "{usage_type}");
                assert_eq!(arrived.html, Some(format!("<p>{template} {CODE}</p>")), "{usage_type}");
            }
            Templates::Named(_) => assert_eq!(arrived.template.as_deref(), Some(template), "{usage_type}"),
            Templates::ByProvider => assert_eq!(arrived.usage_type.as_deref(), Some(usage_type)),
        }
    }
}

/// Where Generic is missing, either the configuration is refused, or the message that needs it.
pub async fn without_any_template_nothing_is_sent(subject: &Subject) {
    let mut config = subject.config.clone();
    let text = |usage_type| TemplateText { usage_type, subject: "s", content: "c" };
    match subject.templates {
        Templates::Rendered(set) => set(&mut config, &["SignIn", "Register", "ForgotPassword"].map(text)),
        Templates::Named(set) => set(&mut config, &[("SignIn", "a"), ("Register", "b"), ("ForgotPassword", "c")]),
        Templates::ByProvider => return,
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let report = subject.factory.validate(&config);
    if report.is_valid() {
        let error =
            peer.connector_of(subject, &config).send(&message("BindMfa"), &SendContext::new()).await.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::TemplateNotFound, Delivery::NotSent), "{error}");
        assert_eq!(error.kind().code(), "template_not_found");
        assert!(error.to_string().contains("BindMfa"), "{error}");
    } else {
        let all: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        assert!(all.iter().any(|problem| problem.contains("Generic")), "{all:?}");
    }
    assert_eq!(peer.connections(), 0);
}

/// The host has chosen it by the recipient's language.
pub async fn a_localized_template_goes_first(subject: &Subject) {
    if !renders(subject) {
        return;
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let template = json!({ "subject": "Votre code {{code}}", "content": "<p>Voici {{code}}, {{missing}}</p>" });
    let arrived = send(&peer, subject, "SignIn", Some(template)).await;
    assert_eq!(arrived.subject, Some(format!("Votre code {CODE}")));
    assert_eq!(
        arrived.html,
        Some(format!("<p>Voici {CODE}, {{{{missing}}}}</p>")),
        "a missing variable is left as it is"
    );
    assert_eq!(arrived.text, Some(format!("Voici {CODE}, {{{{missing}}}}")));
}

/// A name with a tag in it is text to whoever reads the mail.
pub async fn values_are_escaped_in_html_and_nowhere_else(subject: &Subject) {
    if !renders(subject) {
        return;
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let arrived = send(&peer, subject, "SignIn", None).await;
    assert_eq!(arrived.subject, Some(format!("SignIn for {AWKWARD}: {CODE}")));
    let html = arrived.html.expect("no HTML content arrived");
    assert!(html.contains(&format!("says {CODE} to {AWKWARD_IN_HTML}.")), "{html}");
    assert!(html.contains("href=\"https://example.com/invite/k9w2?a=1&amp;b=2\""), "{html}");
    let text = arrived.text.expect("HTML mail without a text alternative");
    assert!(text.contains(&format!("says {CODE} to {AWKWARD}.")), "{text}");
    assert!(text.contains("https://example.com/invite/k9w2?a=1&b=2"), "{text}");
}

/// Plain content is sent as plain content, with nothing escaped and no HTML beside it.
pub async fn plain_content_is_text_alone(subject: &Subject) {
    if !renders(subject) {
        return;
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let template = json!({ "subject": "s", "content": "<i>{{code}}</i> for {{name}}", "contentType": "text/plain" });
    let arrived = send(&peer, subject, "SignIn", Some(template)).await;
    assert_eq!(arrived.text.as_deref().map(str::trim_end), Some(format!("<i>{CODE}</i> for {AWKWARD}").as_str()));
    assert_eq!(arrived.html, None);
}

/// A value cannot end the subject and begin another header.
pub async fn a_subject_stays_one_line(subject: &Subject) {
    if !renders(subject) {
        return;
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let connector = peer.connector_of(subject, &config(subject));
    for end in ["\r\n", "\n", "\r", "\0", "\u{85}"] {
        let mut message = message("Register");
        message.payload.insert("code".to_owned(), json!(format!("1{end}Bcc: bob@example.net{end}{end}2")));
        connector.send(&message, &SendContext::new()).await.unwrap_or_else(|error| panic!("{end:?}: {error}"));
        let arrived = peer.last();
        assert_eq!(arrived.subject.as_deref(), Some("Register 1 Bcc: bob@example.net 2"), "{end:?}");
        assert!(arrived.others.is_empty(), "{end:?}: {:?}", arrived.others);
    }
}

/// A display name in the template goes with the configured address. A value that looks like a mailbox is still a name.
pub async fn the_sender_is_named_by_the_template_and_never_by_a_value(subject: &Subject) {
    let (true, Some(configured)) = (renders(subject), subject.sender_mailbox()) else { return };
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let arrived = send(&peer, subject, "Register", None).await;
    assert_eq!(arrived.from.expect("no sender arrived").address, configured.address);

    let template = |send_from: &str| json!({ "subject": "s", "content": "c", "sendFrom": send_from });
    let arrived = send(&peer, subject, "SignIn", Some(template("Team {{code}}"))).await;
    let from = arrived.from.unwrap();
    assert_eq!((from.name, from.address), (Some(format!("Team {CODE}")), configured.address.clone()));

    let connector = peer.connector_of(subject, &config(subject));
    let mut forged = message("SignIn").with_template(localized(template("{{code}}")));
    forged.payload.insert("code".to_owned(), json!("Evil <evil@example.net>\r\nBcc: bob@example.net"));
    connector.send(&forged, &SendContext::new()).await.unwrap();
    let arrived = peer.last();
    assert_eq!(arrived.from.unwrap().address, configured.address);
    assert!(arrived.others.is_empty(), "{:?}", arrived.others);
}

/// Reply-To is rendered, and is one mailbox or the message is refused.
pub async fn replies_go_where_the_template_says(subject: &Subject) {
    if !renders(subject) {
        return;
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let template = json!({ "subject": "s", "content": "c", "replyTo": "help-{{code}}@example.com" });
    let arrived = send(&peer, subject, "SignIn", Some(template.clone())).await;
    assert_eq!(arrived.reply_to.expect("no Reply-To arrived").address, format!("help-{CODE}@example.com"));

    let before = peer.arrived().len();
    let connector = peer.connector_of(subject, &config(subject));
    let mut forged = message("SignIn").with_template(localized(template));
    forged.payload.insert("code".to_owned(), json!("x@example.com\r\nBcc: bob@example.net"));
    let error = connector.send(&forged, &SendContext::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMessage);
    assert_eq!(error.problems()[0].pointer, "/template/replyTo");
    assert_eq!(peer.arrived().len(), before);
}

/// A provider that renders gets what the host gave.
pub async fn type_and_payload_are_passed_on_whole(subject: &Subject) {
    if renders(subject) {
        return;
    }
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    let arrived = send(&peer, subject, "SignIn", None).await;
    let given = payload();
    let passed = arrived.payload.expect("no payload arrived");
    for (name, value) in &given {
        assert_eq!(passed.get(name), Some(value), "{name}");
    }
    if matches!(subject.templates, Templates::ByProvider) {
        assert_eq!(arrived.usage_type.as_deref(), Some("SignIn"));
    }
}
