//! Promotion from tenant to tenant, export and import.

use std::{
    sync::atomic::Ordering,
    time::{Duration, UNIX_EPOCH},
};

use connector_registry::{
    Action, Candidate, Change, ConnectorStore, Difference, Draft, Edit, Entry, Error, Expects, Export, ExportedSecrets,
    Proposal, Uuid,
};
use serde_json::{Value, json};

use crate::{
    Gate, TENANT, by, labelled, message, proposal, registry, registry_over, sent_by, set_up, stubborn::Stubborn,
};

#[tokio::test]
async fn a_promotion_shows_the_difference_and_takes_the_configuration_over() {
    let registry = registry();
    let dev = json!({ "label": "new", "token": "s3cret-dev", "host": "mail.example" });
    registry.set_up("dev", proposal(dev), &by()).await.unwrap();
    set_up(&registry, json!({ "label": "old", "token": "s3cret-live", "refused": false })).await;
    registry.test("dev", Candidate::Active, &message(), &by()).await.unwrap();

    let plan = registry.plan_promotion("dev", TENANT).await.unwrap();
    assert!(!format!("{plan:?}").contains("s3cret"));
    assert!(plan.promoted.tested_at.is_some());
    let fields: Vec<_> = plan.differences.iter().map(|field| (field.pointer.as_str(), field.difference)).collect();
    assert_eq!(
        fields,
        [
            ("/label", Difference::Changed),
            ("/token", Difference::Changed),
            ("/host", Difference::Added),
            ("/refused", Difference::Removed),
        ]
    );
    // Looking changes nothing.
    assert_eq!(sent_by(&registry).await, "old");

    let promoted = registry.promote(&plan, &by()).await.unwrap();
    assert_eq!(sent_by(&registry).await, "new");
    // No message has gone through it here.
    assert_eq!(promoted.tested_at, None);
    assert_ne!(promoted.id, plan.promoted.id);
    assert_eq!(registry.configuration(TENANT, promoted.id).await.unwrap().config["token"], "s3cret-dev");
    assert_eq!(registry.status(TENANT).await.unwrap().kept.len(), 1);
    assert_eq!(registry.history(TENANT, None, 1).await.unwrap()[0].entry.action, Action::Promote);

    let again = registry.plan_promotion("dev", TENANT).await.unwrap();
    assert!(again.changes_nothing());
    assert_eq!(again.differences.len(), 1, "secrets are listed even when they are the same");
    assert_eq!(again.differences[0].difference, Difference::Unchanged);
}

#[tokio::test]
async fn a_promotion_of_what_has_changed_since_is_refused() {
    let registry = registry();
    registry.set_up("dev", proposal(labelled("new")), &by()).await.unwrap();
    let plan = registry.plan_promotion("dev", TENANT).await.unwrap();
    set_up(&registry, labelled("old")).await;
    let refused = registry.promote(&plan, &by()).await.unwrap_err();
    assert!(matches!(&refused, Error::ChangedMeanwhile { tenant } if tenant == TENANT), "{refused}");

    let plan = registry.plan_promotion("dev", TENANT).await.unwrap();
    registry.change("dev", proposal(labelled("newer")), &by()).await.unwrap();
    let refused = registry.promote(&plan, &by()).await.unwrap_err();
    assert!(matches!(&refused, Error::ChangedMeanwhile { tenant } if tenant == "dev"), "{refused}");
    assert_eq!(sent_by(&registry).await, "old");
    assert!(matches!(registry.plan_promotion("nobody", TENANT).await, Err(Error::UnknownTenant { .. })));
}

#[tokio::test]
async fn an_export_without_secrets_is_imported_where_they_are_given() {
    let registry = registry();
    set_up(&registry, json!({ "label": "one", "token": "s3cret" })).await;
    registry.change(TENANT, proposal(labelled("two")), &by()).await.unwrap();
    let template = json!({ "language": "de", "usageType": "SignIn", "subject": "Hallo", "content": "{{code}}" });
    registry.put_template(TENANT, serde_json::from_value(template).unwrap(), &by()).await.unwrap();
    registry.set_fallback_language(TENANT, Some("de"), &by()).await.unwrap();
    let relies = json!({ "signUp": { "identifiers": ["email"] } });
    registry.put_sign_in(TENANT, serde_json::from_value(relies).unwrap(), &by()).await.unwrap();

    let exported = registry.export(&[TENANT.to_owned()], ExportedSecrets::Omitted).await.unwrap();
    let json = serde_json::to_string_pretty(&exported).unwrap();
    assert!(!json.contains("s3cret") && json.contains("******"), "{json}");

    // Elsewhere the secret is missing, and nothing is imported.
    let elsewhere = crate::registry();
    let refused = elsewhere.import(serde_json::from_str(&json).unwrap(), &by()).await.unwrap_err();
    assert!(refused.to_string().contains("/token"), "{refused}");
    assert!(matches!(elsewhere.tenant(TENANT).await, Err(Error::UnknownTenant { .. })));

    let completed: Export = serde_json::from_str(&json.replace("******", "s3cret")).unwrap();
    let imported = elsewhere.import(completed.clone(), &by()).await.unwrap().remove(0);
    assert_eq!((imported.saved.len(), imported.kept.len(), imported.templates), (2, 0, 1));
    assert_eq!(sent_by(&elsewhere).await, "two: Hallo");
    let (here, there) = (registry.tenant(TENANT).await.unwrap(), elsewhere.tenant(TENANT).await.unwrap());
    assert_eq!(here.settings.sign_in, there.settings.sign_in);
    assert_eq!(here.settings.templates, there.settings.templates);
    // What is there already stays.
    let again = elsewhere.import(completed, &by()).await.unwrap().remove(0);
    assert_eq!((again.saved.len(), again.kept.len()), (0, 2));
}

/// Of two, the last was once taken without a word.
#[tokio::test]
async fn two_templates_for_one_language_and_usage_type_are_refused() {
    let registry = registry();
    let template = |language: &str, usage: &str| json!({ "language": language, "usageType": usage, "subject": language, "content": "c" });
    let import = async |templates: Vec<serde_json::Value>| {
        let export =
            json!({ "format": 1, "tenants": [{ "tenant": "a" }, { "tenant": TENANT, "templates": templates }] });
        registry.import(serde_json::from_value(export).unwrap(), &by()).await
    };
    for (first, second) in [("pt-BR", "pt_BR"), ("pt_br.UTF-8", "pt-BR"), ("he", "iw"), ("de", "de")] {
        let templates = [
            template(first, "Generic"),
            template(first, "SignIn"),
            template("fr", "SignIn"),
            template(second, "SignIn"),
        ];
        let refused = import(templates.to_vec()).await.unwrap_err();
        let Error::InvalidTemplate { tenant, language, usage_type, problems } = &refused else { panic!("{refused}") };
        assert_eq!((tenant.as_str(), language.as_str(), usage_type.as_str()), (TENANT, second, "SignIn"));
        assert_eq!(problems.len(), 1);
        assert!(problems[0].pointer == "/language" && problems[0].message.contains(first), "{}", problems[0]);
        assert!(matches!(registry.tenant("a").await, Err(Error::UnknownTenant { .. })), "nothing is imported");
    }
    let imported = import(vec![template("pt-BR", "SignIn"), template("pt_PT", "SignIn"), template("pt_BR", "Generic")]);
    assert_eq!(imported.await.unwrap()[1].templates, 3);
}

#[tokio::test]
async fn an_import_that_cannot_work_changes_nothing() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let before = registry.tenant(TENANT).await.unwrap();
    let id = "00000000-0000-4000-8000-000000000001";
    let configuration = |connector: &str, config: serde_json::Value| json!({ "id": id, "connector": connector, "savedAt": "2026-01-02T03:04:05.678Z", "config": config });
    let good = json!({ "tenant": TENANT, "configurations": [configuration("labelled", labelled("two"))] });
    for (tenants, fault) in [
        (json!([good, { "tenant": "b", "configurations": [configuration("nowhere", json!({}))] }]), "nowhere"),
        (
            json!([good, { "tenant": "b", "configurations": [configuration("labelled", json!({ "label": "" }))] }]),
            "/label",
        ),
        (json!([good, { "tenant": "b", "active": id }]), id),
        (json!([good, { "tenant": " ", }]), "white space"),
        (json!([good, { "tenant": "b" }, good]), "tenant `acme` twice"),
        (json!([good, { "tenant": "b", "fallbackLanguage": "no language" }]), "no language"),
        (json!([good, { "tenant": "b", "signIn": { "signUp": { "identifiers": ["email"] } } }]), "no active connector"),
    ] {
        let export = serde_json::from_value(json!({ "format": 1, "tenants": tenants })).unwrap();
        let refused = registry.import(export, &by()).await.unwrap_err();
        assert!(refused.to_string().contains(fault), "{refused}");
    }
    let newer: Export = serde_json::from_value(json!({ "format": 2, "tenants": [] })).unwrap();
    assert!(matches!(registry.import(newer, &by()).await, Err(Error::UnknownFormat { format: 2 })));
    assert_eq!(registry.tenant(TENANT).await.unwrap(), before);
    let sealed = registry.export(&[TENANT.to_owned()], ExportedSecrets::Sealed).await.unwrap_err();
    assert!(matches!(sealed, Error::StoreUnusable(_)), "a store in memory seals nothing");
    let unknown = registry.export(&["nobody".to_owned()], ExportedSecrets::Omitted).await.unwrap_err();
    assert!(matches!(unknown, Error::UnknownTenant { .. }));
    // A configuration for another connector is refused as any other would be.
    let refused = registry.change(TENANT, Proposal::new("labelled", json!({ "host": 1 })), &by()).await.unwrap_err();
    assert!(matches!(refused, Error::InvalidConfig(_)));
}

#[tokio::test]
async fn a_time_that_no_text_can_show_is_exported_as_the_nearest_one() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let far = Duration::from_secs(300_000_000_000);
    for (number, saved_at) in [(1, UNIX_EPOCH - Duration::from_secs(1)), (2, UNIX_EPOCH + far)] {
        let draft =
            Draft { id: Uuid::from_u128(number), connector: "labelled".to_owned(), config: labelled("kept"), saved_at };
        let entry = Entry { by: by(), action: Action::Save, configuration: None, connector: None, details: json!({}) };
        let (expects, edits) = (Expects::Anything, vec![Edit::Save(draft)]);
        let change = Change { creates: false, expects, edits, entry, at: saved_at };
        registry.store().commit(TENANT, change).await.unwrap();
    }
    let exported = registry.export(&[TENANT.to_owned()], ExportedSecrets::Omitted).await.unwrap();
    let json = serde_json::to_string(&exported).unwrap();
    assert!(json.contains("1970-01-01T00:00:00.000Z") && json.contains("9999-12-31T23:59:59.000Z"), "{json}");
    serde_json::from_str::<Export>(&json).unwrap();
}

fn export(tenants: Value) -> Export {
    serde_json::from_value(json!({ "format": 1, "tenants": tenants })).unwrap()
}

/// A tenant with one active configuration.
fn tenant(name: &str, label: &str) -> Value {
    let id = Uuid::new_v4();
    let configuration = json!({
        "id": id, "connector": "labelled", "savedAt": "2026-01-02T03:04:05.678Z", "config": labelled(label),
    });
    json!({ "tenant": name, "active": id, "configurations": [configuration] })
}

#[tokio::test]
async fn an_import_that_stops_half_way_says_which_tenants_were_imported() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    let whole = export(json!([tenant("a", "first"), tenant("b", "second"), tenant("c", "third")]));
    let import = || {
        let (registry, whole) = (registry.clone(), whole.clone());
        tokio::spawn(async move { registry.import(whole, &by()).await })
    };

    // Somebody changes the second one while the first is being imported.
    let gate = store.hold_change_to("first");
    let importing = import();
    gate.arrival().await;
    registry.set_up("b", proposal(labelled("faster")), &by()).await.unwrap();
    gate.open.add_permits(1);
    let partly = importing.await.unwrap().unwrap_err();
    let said = partly.to_string();
    assert!(matches!(&partly, Error::PartlyImported { tenant, left, .. } if tenant == "b" && left == &["c"]), "{said}");
    for part in ["`a`", "`b` was changed by others", "not imported either: `c`", "Import it again"] {
        assert!(said.contains(part), "{part} is missing in {said}");
    }
    assert!(!said.contains("nothing"), "{said}");
    assert!(registry.status("a").await.unwrap().active.is_some());
    assert_eq!(registry.status("c").await.unwrap().revision, 0);

    // The store's answer is lost: nobody knows.
    let gate = store.hold_change_to("second");
    let importing = import();
    gate.arrival().await;
    store.loses_answers.store(true, Ordering::Release);
    gate.open.add_permits(1);
    let partly = importing.await.unwrap().unwrap_err().to_string();
    assert!(partly.contains("`b`, which may be imported or not (connection reset)"), "{partly}");
    store.loses_answers.store(false, Ordering::Release);

    let imported = registry.import(whole, &by()).await.unwrap();
    assert_eq!(imported.iter().map(|imported| imported.saved.len()).collect::<Vec<_>>(), [0, 0, 1]);
}

#[tokio::test]
async fn an_import_activates_nothing_that_cannot_be_used() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let kept = registry.change(TENANT, proposal(labelled("two")), &by()).await.unwrap().saved;
    let id = Uuid::new_v4();
    let draft = Draft { id, connector: "of a newer version".to_owned(), config: json!({}), saved_at: kept.saved_at };
    let entry = Entry { by: by(), action: Action::Save, configuration: None, connector: None, details: json!({}) };
    let edits = vec![Edit::Save(draft)];
    let change = Change { creates: false, expects: Expects::Anything, edits, entry, at: kept.saved_at };
    registry.store().commit(TENANT, change).await.unwrap();
    let before = registry.tenant(TENANT).await.unwrap();

    let refused = registry.import(export(json!([{ "tenant": TENANT, "active": id }])), &by()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Import { id: of, cause, .. }
        if *of == id && matches!(**cause, Error::UnknownConnector(_))),
        "{refused}"
    );
    assert_eq!(registry.tenant(TENANT).await.unwrap(), before);
    assert_eq!(sent_by(&registry).await, "two");

    let first = registry.status(TENANT).await.unwrap().kept.into_iter().find(|saved| saved.activated_at.is_some());
    registry.import(export(json!([{ "tenant": TENANT, "active": first.unwrap().id }])), &by()).await.unwrap();
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn the_templates_become_those_of_the_export_and_what_is_active_stays_where_it_names_none() {
    let registry = registry();
    set_up(&registry, labelled("one")).await;
    let put = async |language: &str, subject: &str| {
        let template =
            json!({ "language": language, "usageType": "SignIn", "subject": subject, "content": "{{code}}" });
        registry.put_template(TENANT, serde_json::from_value(template).unwrap(), &by()).await.unwrap();
    };
    put("de", "Hallo").await;
    let mut exported = registry.export(&[TENANT.to_owned()], ExportedSecrets::Omitted).await.unwrap();
    let templates = registry.settings(TENANT).await.unwrap().templates;
    put("fr", "Salut").await;
    put("de", "Guten Tag").await;

    exported.tenants[0].active = None;
    let imported = registry.import(exported, &by()).await.unwrap().remove(0);
    assert_eq!((imported.templates, imported.templates_removed), (1, 1));
    assert_eq!(registry.settings(TENANT).await.unwrap().templates, templates);
    assert_eq!(sent_by(&registry).await, "one");
}

#[tokio::test]
async fn an_export_is_of_one_moment() {
    let store = Stubborn::default();
    let registry = registry_over(store.clone());
    let kept = set_up(&registry, labelled("one")).await;
    let active = registry.change(TENANT, proposal(labelled("two")), &by()).await.unwrap().saved;
    for (removed, left) in [(kept.id, Some(active.id)), (active.id, None)] {
        let gate = Gate::new();
        *store.after_read.lock().unwrap() = Some(gate.clone());
        let exporting = tokio::spawn({
            let registry = registry.clone();
            async move { registry.export(&[TENANT.to_owned()], ExportedSecrets::Omitted).await }
        });
        gate.arrival().await;
        registry.remove(TENANT, Some(removed), false, &by()).await.unwrap();
        gate.open.add_permits(1);
        let exported = exporting.await.unwrap().unwrap();
        let of_tenant = &exported.tenants[0];
        assert_eq!(of_tenant.active, left);
        assert_eq!(of_tenant.configurations.iter().map(|of| of.id).collect::<Vec<_>>(), Vec::from_iter(left));
        crate::registry().import(exported, &by()).await.unwrap();
    }
}
