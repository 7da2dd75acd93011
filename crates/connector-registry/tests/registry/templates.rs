//! Which of a tenant's templates a message gets.

use connector_kit::{EmailTemplate, Message, Payload, UsageType};
use connector_registry::{
    Action, Change, ConnectorStore, Edit, Entry, Error, Expects, ExportedSecrets, LanguageTag, LocalizedTemplate,
};
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

#[tokio::test]
async fn a_template_is_compiled_once_for_all_messages_until_it_changes() {
    let registry = registry();
    set_up(&registry, labelled("tells")).await;
    registry.put_template(TENANT, template("en", "SignIn"), &by()).await.unwrap();
    let compiled = async || {
        let message = message(UsageType::SignIn, Some("en"));
        registry.send(TENANT, &message).await.unwrap().message_id.unwrap()
    };
    let first = compiled().await;
    assert_eq!(compiled().await, first);
    // A clone of the registry is the same registry.
    let again = registry.clone().send(TENANT, &message(UsageType::SignIn, Some("en"))).await.unwrap();
    assert_eq!(again.message_id.unwrap(), first);
}

#[tokio::test]
async fn a_template_that_is_too_long_is_refused_by_every_door() {
    let registry = registry();
    set_up(&registry, labelled("own")).await;
    let mut long = template("en", "SignIn");
    long.template.content = "x".repeat(256 * 1024 + 1);
    long.template.subject = "x".repeat(5000);
    let refused = registry.put_template(TENANT, long.clone(), &by()).await.unwrap_err();
    let says = "tenant `acme`, the template for SignIn in `en` is not valid: \
        /subject: is too long: at most 4 KiB are allowed; /content: is too long: at most 256 KiB are allowed";
    assert_eq!(refused.to_string(), says);
    let mut export = registry.export(&[TENANT.to_owned()], ExportedSecrets::Omitted).await.unwrap();
    export.tenants[0].templates = vec![long.clone()];
    assert_eq!(registry.import(export, &by()).await.unwrap_err().to_string(), says);
    let endless = registry.put_template(TENANT, template("en", &"T".repeat(1000)), &by()).await.unwrap_err();
    assert!(endless.to_string().ends_with("/usageType: is too long: at most 128 bytes are allowed"), "{endless}");

    // One that an earlier version has stored stays where it is; the message that needs it says what is wrong.
    let entry =
        Entry { by: by(), action: Action::PutTemplate, configuration: None, connector: None, details: json!({}) };
    let change = Change {
        creates: false,
        expects: Expects::Anything,
        edits: vec![Edit::PutTemplate(long)],
        entry,
        at: std::time::UNIX_EPOCH,
    };
    registry.store().commit(TENANT, change).await.unwrap();
    registry.refresh(TENANT).await.unwrap();
    let failed = registry.send(TENANT, &message(UsageType::SignIn, Some("en"))).await.unwrap_err();
    let Error::Send(failed) = failed else { panic!("{failed}") };
    assert_eq!(failed.problems()[1].to_string(), "/template/content: is too long: at most 256 KiB are allowed");
    assert!(failed.hint().unwrap().contains("put a shorter one"));
    let other = registry.send(TENANT, &message(UsageType::Register, Some("en"))).await.unwrap();
    assert_eq!(other.message_id.unwrap(), "own");
}

#[tokio::test]
async fn a_tenant_has_at_most_a_thousand_templates_and_16_mib_of_them() {
    let registry = registry();
    set_up(&registry, labelled("own")).await;
    let mut export = registry.export(&[TENANT.to_owned()], ExportedSecrets::Omitted).await.unwrap();
    let numbered = |count: usize| (0..count).map(|n| template("en", &format!("Type{n}"))).collect::<Vec<_>>();
    let says = "tenant `acme` can have at most 1000 templates of its own, and 16 MiB of them: remove some first";
    for count in [1001, 10_000] {
        export.tenants[0].templates = numbered(count);
        assert_eq!(registry.import(export.clone(), &by()).await.unwrap_err().to_string(), says);
    }
    export.tenants[0].templates = numbered(70);
    for template in &mut export.tenants[0].templates {
        template.template.content = "x".repeat(250 * 1024);
    }
    assert_eq!(registry.import(export.clone(), &by()).await.unwrap_err().to_string(), says);
    export.tenants[0].templates = numbered(1000);
    registry.import(export, &by()).await.unwrap();
    let refused = registry.put_template(TENANT, template("en", "Type1000"), &by()).await.unwrap_err();
    assert_eq!(refused.to_string(), says);
    // One that is there already can be replaced.
    registry.put_template(TENANT, template("en", "Type999"), &by()).await.unwrap();
}
