//! Which of a tenant's templates a message gets.

use connector_kit::{EmailTemplate, Message, Payload, UsageType};
use connector_registry::{Error, LanguageTag, LocalizedTemplate};
use serde_json::json;

use crate::{TENANT, by, labelled, registry, set_up};

fn template(language: &str, usage_type: &str) -> LocalizedTemplate {
    let subject = format!("{language} {usage_type}");
    let template = json!({ "language": language, "usageType": usage_type, "subject": subject, "content": "{{code}}" });
    serde_json::from_value(template).unwrap()
}

fn message(usage_type: UsageType, locale: Option<&str>) -> Message {
    let locale = locale.map(|locale| ("locale".to_owned(), locale.into()));
    Message::new("user@example.com", usage_type, Payload::from_iter(locale))
}

#[tokio::test]
async fn the_nearest_language_then_generic_then_the_connectors_own() {
    let registry = registry();
    set_up(&registry, labelled("own")).await;
    for (language, usage_type) in [
        ("pt", "SignIn"),
        ("pt-BR", "Generic"),
        ("en", "SignIn"),
        ("en", "Register"),
        ("en", "Generic"),
        ("zh-Hant", "SignIn"),
    ] {
        registry.put_template(TENANT, template(language, usage_type), &by()).await.unwrap();
    }
    let chosen = async |usage_type: UsageType, locale: Option<&str>| {
        registry.send(TENANT, &message(usage_type, locale)).await.unwrap().message_id.unwrap()
    };
    // Without a fallback language only the message's own counts.
    assert_eq!(chosen(UsageType::SignIn, None).await, "own");
    assert_eq!(chosen(UsageType::SignIn, Some("pt-BR")).await, "own: pt SignIn");
    assert_eq!(chosen(UsageType::SignIn, Some("PT-br")).await, "own: pt SignIn");
    assert_eq!(chosen(UsageType::Register, Some("pt-BR")).await, "own: pt-BR Generic");
    assert_eq!(chosen(UsageType::Register, Some("pt")).await, "own: pt-BR Generic");
    assert_eq!(chosen(UsageType::Register, Some("ja")).await, "own");
    assert_eq!(chosen(UsageType::SignIn, Some("zh-Hant-TW-x-private")).await, "own: zh-Hant SignIn");
    assert_eq!(chosen(UsageType::SignIn, Some("no language")).await, "own");

    registry.set_fallback_language(TENANT, Some("EN-us"), &by()).await.unwrap();
    assert_eq!(chosen(UsageType::SignIn, None).await, "own: en SignIn");
    assert_eq!(chosen(UsageType::SignIn, Some("pt-BR")).await, "own: pt SignIn");
    // The usage type goes before the language.
    assert_eq!(chosen(UsageType::Register, Some("pt-BR")).await, "own: en Register");
    assert_eq!(chosen(UsageType::ForgotPassword, Some("de")).await, "own: en Generic");

    // The message's own goes before all.
    let own = EmailTemplate {
        subject: "mine".to_owned(),
        content: String::new(),
        content_type: Default::default(),
        reply_to: None,
        send_from: None,
    };
    let sent = registry
        .send(TENANT, &message(UsageType::SignIn, Some("pt")).with_template(own.compile().unwrap()))
        .await
        .unwrap();
    assert_eq!(sent.message_id.unwrap(), "own: mine");
}

#[tokio::test]
async fn a_template_is_replaced_and_removed_with_immediate_effect_and_no_new_connector() {
    let registry = registry();
    set_up(&registry, labelled("own")).await;
    let before = registry.active(TENANT).await.unwrap();
    assert_eq!(registry.put_template(TENANT, template("PT-br", "SignIn"), &by()).await.unwrap(), "pt-BR");
    let mut other = template("pt-BR", "SignIn");
    other.template.subject = "another".to_owned();
    registry.put_template(TENANT, other, &by()).await.unwrap();
    let sent = registry.send(TENANT, &message(UsageType::SignIn, Some("pt-BR"))).await.unwrap();
    assert_eq!(sent.message_id.unwrap(), "own: another");
    assert_eq!(registry.tenant(TENANT).await.unwrap().settings.templates.len(), 1);

    registry.remove_template(TENANT, "pt-br", &UsageType::SignIn, &by()).await.unwrap();
    let sent = registry.send(TENANT, &message(UsageType::SignIn, Some("pt-BR"))).await.unwrap();
    assert_eq!(sent.message_id.unwrap(), "own");
    assert!(std::sync::Arc::ptr_eq(&before, &registry.active(TENANT).await.unwrap()));

    let unknown = registry.remove_template(TENANT, "pt-BR", &UsageType::SignIn, &by()).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownTemplate { .. }), "{unknown}");
    let unknown = registry.remove_template("nobody", "pt-BR", &UsageType::SignIn, &by()).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownTenant { .. }), "{unknown}");
    for wrong in ["", "x", "pt--BR", "português", "C"] {
        assert!(LanguageTag::parse(wrong).is_err(), "{wrong}");
        let refused = registry.put_template(TENANT, template(wrong, "SignIn"), &by()).await.unwrap_err();
        assert!(matches!(refused, Error::InvalidLanguage(_)), "{refused}");
    }
}
