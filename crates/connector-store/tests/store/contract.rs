//! What the trait promises, over both databases; the store in memory is held to the same.

use connector_registry::{
    Action, Change, Committed, ConnectorStore, Draft, Edit, Entry, Expects, Identifier, LocalizedTemplate, MemoryStore,
    SignInSettings, StoreError, TenantSettings, TenantState,
};
use serde_json::json;

use crate::places::{Place, assert_consistent, change, config, id, moment, on_both, save};

on_both!(keeps_to_the_contract);

async fn keeps_to_the_contract(place: &Place) {
    contract(&place.open().await).await;
    // Another process finds what the first has stored.
    let again = place.open().await;
    assert_consistent(&again, "lifecycle").await;
    assert_eq!(again.tenant("settings").await.unwrap().unwrap().settings.templates.len(), 2);
}

/// Names are in byte order in a database that sorts like people do, too.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_language_keeps_to_the_contract() {
    let mut place = Place::postgres().await;
    let server = place.server.as_ref().unwrap();
    server.sql(
        "CREATE DATABASE people TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
    );
    place.url = place.url.replace("/postgres?", "/people?");
    contract(&place.open().await).await;
}

#[tokio::test]
async fn memory_keeps_to_the_contract() {
    contract(&MemoryStore::new()).await;
}

async fn contract(store: &impl ConnectorStore) {
    lifecycle(store).await;
    refusals_change_nothing(store).await;
    settings(store).await;
    templates_are_in_byte_order(store).await;
    kept_in_order(store).await;
    history(store).await;
    tenants(store).await;
    any_text(store).await;
}

/// What the tenant is after a change.
async fn committed(store: &impl ConnectorStore, tenant: &str, change: Change) -> TenantState {
    let Committed { revision, state } = store.commit(tenant, change).await.unwrap();
    let state = state.unwrap();
    assert_eq!(state.revision, revision);
    assert_eq!(store.settings(tenant).await.unwrap().as_ref(), Some(&state.settings));
    state
}

async fn lifecycle(store: &impl ConnectorStore) {
    assert_eq!(store.tenant("lifecycle").await.unwrap(), None);
    assert_eq!(store.status("lifecycle").await.unwrap(), None);
    assert_eq!(store.configuration("lifecycle", id(1)).await.unwrap(), None);

    let state = committed(store, "lifecycle", change([save(1), Edit::Activate(id(1))])).await;
    assert_eq!(state.revision, 1);
    let active = state.active.clone().unwrap();
    assert_eq!((active.saved.id, active.saved.connector.as_str(), active.saved.revision), (id(1), "http-email", 1));
    assert_eq!((active.saved.saved_at, active.saved.activated_at), (moment(1), Some(moment(1_000))));
    assert_eq!((active.saved.tested_at, &active.config), (None, &config(1)));
    assert_eq!(store.tenant("lifecycle").await.unwrap(), Some(state));

    // The one that was active is kept, and comes back.
    store.commit("lifecycle", change([save(2), Edit::Tested(id(2)), Edit::Activate(id(2))])).await.unwrap();
    let status = store.status("lifecycle").await.unwrap().unwrap();
    assert_eq!(status.active.as_ref().map(|saved| (saved.id, saved.tested_at)), Some((id(2), Some(moment(1_000)))));
    assert_eq!(status.kept.iter().map(|saved| saved.id).collect::<Vec<_>>(), [id(1)]);
    let mut back = change([Edit::Activate(id(1))]);
    back.at = moment(2_000);
    let state = committed(store, "lifecycle", back).await;
    let saved = state.active.unwrap().saved;
    assert_eq!((saved.id, saved.revision, saved.activated_at), (id(1), 3, Some(moment(2_000))));

    // What is active already stays as it is.
    let mut again = change([Edit::Activate(id(1))]);
    again.at = moment(3_000);
    let state = committed(store, "lifecycle", again).await;
    let saved = state.active.unwrap().saved;
    assert_eq!((state.revision, saved.revision, saved.activated_at), (4, 3, Some(moment(2_000))));

    let state = committed(store, "lifecycle", change([Edit::Remove(id(1))])).await;
    assert_eq!((state.revision, state.active), (5, None));
    assert_eq!(store.configuration("lifecycle", id(1)).await.unwrap(), None);
    store.commit("lifecycle", change([Edit::Activate(id(2)), Edit::Remove(id(2)), save(3)])).await.unwrap();
    let status = store.status("lifecycle").await.unwrap().unwrap();
    assert_eq!((status.active, status.kept.len()), (None, 1));
    assert_consistent(store, "lifecycle").await;
}

async fn refusals_change_nothing(store: &impl ConnectorStore) {
    let mut missing = change([]);
    missing.creates = false;
    assert!(matches!(store.commit("refusals", missing).await, Err(StoreError::UnknownTenant)));

    let expecting = |expects, edits: Vec<Edit>| {
        let mut change = change(edits);
        change.expects = expects;
        change
    };
    // A tenant that is refused does not come into being.
    let refused = store.commit("refusals", expecting(Expects::OneActive, vec![save(1)])).await;
    assert!(matches!(refused, Err(StoreError::NoneActive)));
    let refused = store.commit("refusals", expecting(Expects::Revision(3), vec![save(1)])).await;
    assert!(matches!(refused, Err(StoreError::Outdated { revision: 0 })));
    let refused = store.commit("refusals", expecting(Expects::Active(id(1)), vec![save(1)])).await;
    assert!(matches!(refused, Err(StoreError::Outdated { revision: 0 })));
    let refused = store.commit("refusals", change([save(1), Edit::Activate(id(9))])).await;
    assert!(matches!(refused, Err(StoreError::UnknownConfiguration { id }) if id == crate::places::id(9)));
    assert_eq!(store.tenant("refusals").await.unwrap(), None);
    assert!(store.tenants(None, 1_000).await.unwrap().iter().all(|name| name != "refusals"));

    let first = expecting(Expects::Revision(0), vec![save(1), Edit::Activate(id(1))]);
    let state = committed(store, "refusals", first).await;
    assert_eq!(state.settings, TenantSettings::default());
    let unknown_template = Edit::RemoveTemplate { language: "de".to_owned(), usage_type: "SignIn".to_owned() };
    for (refused, expected) in [
        (expecting(Expects::NoneActive, vec![save(2)]), "AlreadyActive"),
        (expecting(Expects::Revision(0), vec![save(2)]), "Outdated"),
        (expecting(Expects::Active(id(9)), vec![save(2)]), "Outdated"),
        (change([save(2), Edit::Remove(id(1)), Edit::Tested(id(9))]), "UnknownConfiguration"),
        (change([Edit::Remove(id(9))]), "UnknownConfiguration"),
        (change([Edit::FallbackLanguage(Some("de".to_owned())), save(2), unknown_template]), "UnknownTemplate"),
    ] {
        let error = store.commit("refusals", refused).await.unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
        assert_eq!(store.tenant("refusals").await.unwrap().as_ref(), Some(&state));
        assert_eq!(store.status("refusals").await.unwrap().unwrap().kept, []);
    }
    assert_consistent(store, "refusals").await;
}

async fn settings(store: &impl ConnectorStore) {
    let mut sign_in = SignInSettings::default();
    sign_in.sign_up.identifiers.push(Identifier::Email);
    let template = |language: &str, usage: &str, subject: &str| -> LocalizedTemplate {
        let value = json!({
            "language": language, "usageType": usage, "subject": subject, "content": "<p>{{code}} é\u{1f980}</p>",
        });
        serde_json::from_value(value).unwrap()
    };
    let edits = [
        Edit::SignIn(Box::new(sign_in.clone())),
        Edit::FallbackLanguage(Some("pt-BR".to_owned())),
        Edit::PutTemplate(template("pt-BR", "SignIn", "one")),
        Edit::PutTemplate(template("pt", "Generic", "two")),
        Edit::PutTemplate(template("pt-BR", "SignIn", "three")),
    ];
    let state = committed(store, "settings", change(edits)).await;
    assert_eq!((state.settings.sign_in, state.settings.fallback_language.as_deref()), (sign_in, Some("pt-BR")));
    assert_eq!(state.settings.templates, [template("pt", "Generic", "two"), template("pt-BR", "SignIn", "three")]);

    let gone = Edit::RemoveTemplate { language: "pt".to_owned(), usage_type: "Generic".to_owned() };
    let state = committed(store, "settings", change([gone, Edit::FallbackLanguage(None)])).await;
    assert_eq!((state.settings.templates.len(), state.settings.fallback_language), (1, None));
    store.commit("settings", change([Edit::PutTemplate(template("de", "SignIn", "four"))])).await.unwrap();
}

async fn templates_are_in_byte_order(store: &impl ConnectorStore) {
    let put = |language: &str| {
        let value = json!({ "language": language, "usageType": "SignIn", "subject": "s", "content": "c" });
        Edit::PutTemplate(serde_json::from_value(value).unwrap())
    };
    let state = committed(store, "order", change(["pt", "en", "zh-Hans", "en-GB"].map(put))).await;
    let languages: Vec<&str> = state.settings.templates.iter().map(|template| template.language.as_str()).collect();
    assert_eq!(languages, ["en", "en-GB", "pt", "zh-Hans"]);
}

async fn kept_in_order(store: &impl ConnectorStore) {
    // By the time they were saved at 1, 2, 3 and 3; the last of them was saved after the one before.
    for n in [1, 2, 3, 10] {
        store.commit("kept", change([save(n)])).await.unwrap();
    }
    for n in [2, 1, 2] {
        store.commit("kept", change([Edit::Activate(id(n))])).await.unwrap();
    }
    let status = store.status("kept").await.unwrap().unwrap();
    assert_eq!(status.active.unwrap().id, id(2));
    assert_eq!(status.kept.iter().map(|saved| saved.id.as_u128()).collect::<Vec<_>>(), [1, 10, 3]);
}

async fn history(store: &impl ConnectorStore) {
    for (n, action) in (1..).zip(Action::ALL) {
        let mut change = change([save(n)]);
        let entry = Entry {
            action,
            configuration: Some(id(n)),
            connector: Some("http-email".to_owned()),
            details: json!({ "step": n.to_string(), "ratio": 1.0 }),
            ..change.entry
        };
        change.entry = entry.clone();
        store.commit("history", change).await.unwrap();
        let last = store.history("history", None, 1).await.unwrap();
        assert_eq!((last[0].revision, last[0].at, &last[0].entry), (u64::try_from(n).unwrap(), moment(1_000), &entry));
    }
    let revisions = async |before, limit| -> Vec<u64> {
        store.history("history", before, limit).await.unwrap().iter().map(|entry| entry.revision).collect()
    };
    assert_eq!(revisions(None, 3).await, [12, 11, 10]);
    assert_eq!(revisions(Some(3), 100).await, [2, 1]);
    assert_eq!(revisions(Some(u64::MAX), 1).await, [12]);
    assert_eq!(revisions(None, 0).await, [0_u64; 0]);
    assert_eq!(store.history("nobody", None, 10).await.unwrap(), []);
}

async fn tenants(store: &impl ConnectorStore) {
    for name in ["t/b", "t/B", "t/ä", "t/a b", "t/-"] {
        store.commit(name, change([])).await.unwrap();
    }
    let names = store.tenants(Some("t"), 3).await.unwrap();
    assert_eq!(names, ["t/-", "t/B", "t/a b"]);
    assert_eq!(store.tenants(Some("t/a b"), 2).await.unwrap(), ["t/b", "t/ä"]);
    assert_eq!(store.tenants(Some("t/ä"), 2).await.unwrap(), [""; 0]);
    store.commit("t/b", change([])).await.unwrap();
    let asked = ["t/b", "nobody", "t/ä"].map(str::to_owned);
    let mut revisions = store.revisions(&asked).await.unwrap();
    revisions.sort();
    assert_eq!(revisions, [("t/b".to_owned(), 2), ("t/ä".to_owned(), 1)]);
    assert_eq!(store.revisions(&[]).await.unwrap(), []);
}

/// JSON can hold what databases do not like as text.
async fn any_text(store: &impl ConnectorStore) {
    let config = json!({
        "endpoint": "null \u{0}, \u{7f}, \\ and \" '; DROP TABLE tenants",
        "authorization": "\u{0}",
        "z": 1e300,
        "a": [18446744073709551615_u64, -0.0, null],
    });
    let draft = Draft { id: id(1), connector: "http-email".to_owned(), config: config.clone(), saved_at: moment(0) };
    let mut change = change([Edit::Save(draft), Edit::Activate(id(1))]);
    change.entry.by.who = "\u{0}'\"é".to_owned();
    change.entry.details = json!({ "\u{0}": "\u{0}" });
    let state = committed(store, "'; DROP TABLE tenants; --", change.clone()).await;
    let read = state.active.unwrap().config;
    assert_eq!(read.to_string(), config.to_string(), "the order of fields, too");
    let history = store.history("'; DROP TABLE tenants; --", None, 1).await.unwrap();
    assert_eq!(history[0].entry, change.entry);
}
