//! Whoever edits a row, or an export, cannot have a stored secret sent to a server of their own.

use connector_registry::{ConnectorStore, Draft, Edit, SealedConfig, StoreError};
use serde_json::{Value, json};

use crate::{
    key,
    places::{Place, change, id, moment, on_both},
    ring,
};

on_both!(an_edited_row_opens_only_while_its_secrets_go_where_they_went, an_edited_export_does_not_either);

const SMTP: &str = "simple-mail-transfer-protocol";

fn config() -> Value {
    json!({
        "host": "mail.example.com", "port": 587, "auth": { "user": "u", "pass": "hidden-4711" },
        "fromEmail": "a@example.com", "templates": [{ "usageType": "Generic", "subject": "the subject", "content": "" }],
    })
}

fn activated() -> [Edit; 2] {
    let draft = Draft { id: id(1), connector: SMTP.to_owned(), config: config(), saved_at: moment(1) };
    [Edit::Save(draft), Edit::Activate(id(1))]
}

fn assert_refused<T: std::fmt::Debug>(refused: Result<T, StoreError>) {
    let error = refused.unwrap_err();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    let words = error.to_string();
    assert!(words.contains(&id(1).to_string()) && words.contains("/auth/pass"), "{words}");
    assert!(words.contains("decides where it is sent") && !words.contains("hidden"), "{words}");
}

async fn an_edited_row_opens_only_while_its_secrets_go_where_they_went(place: &Place) {
    let store = place.open().await;
    store.commit("acme", change(activated())).await.unwrap();
    place.sql("UPDATE configurations SET config = replace(config, 'the subject', 'another')").await.unwrap();
    let read = store.configuration("acme", id(1)).await.unwrap().unwrap().config;
    assert_eq!((&read["templates"][0]["subject"], &read["auth"]["pass"]), (&json!("another"), &json!("hidden-4711")));

    for (altered, back) in [
        (
            "UPDATE configurations SET config = replace(config, 'mail.example.com', 'mail.example.net')",
            "UPDATE configurations SET config = replace(config, 'mail.example.net', 'mail.example.com')",
        ),
        (
            "UPDATE configurations SET destinations = replace(destinations, '\"/host\",', '')",
            "UPDATE configurations SET destinations = replace(destinations, '[', '[\"/host\",')",
        ),
        (
            "UPDATE configurations SET connector = 'http-email'",
            "UPDATE configurations SET connector = 'simple-mail-transfer-protocol'",
        ),
    ] {
        place.sql(altered).await.unwrap();
        assert_refused(store.tenant("acme").await);
        assert_refused(store.configuration("acme", id(1)).await);
        place.sql(back).await.unwrap();
        assert!(store.tenant("acme").await.unwrap().unwrap().active.is_some());
    }

    // A new key binds it to the same.
    let both = ring(&format!("{}\n{}", key(), place.text)).await;
    let rotated = place.try_open(both).await.unwrap();
    rotated.rotate_keys(|_| {}).await.unwrap();
    assert!(rotated.tenant("acme").await.unwrap().unwrap().active.is_some());
    place.sql("UPDATE configurations SET config = replace(config, 'mail.example.com', 'x.example')").await.unwrap();
    assert_refused(rotated.tenant("acme").await);
}

async fn an_edited_export_does_not_either(place: &Place) {
    let store = place.open().await;
    let sealed = store.seal("acme", id(1), SMTP, &config()).await.unwrap();
    let exported = serde_json::to_string(&sealed).unwrap();
    let unseal = |text: &str| {
        let sealed: SealedConfig = serde_json::from_str(text).unwrap();
        store.unseal("acme", id(1), SMTP, &sealed)
    };
    assert_eq!(unseal(&exported).unwrap(), config());
    assert!(unseal(&exported.replace("the subject", "another")).is_ok());
    assert_refused(unseal(&exported.replace("mail.example.com", "mail.example.net")));
    assert_refused(unseal(&exported.replace("587", "2525")));
    assert_refused(unseal(&exported.replace("\"/port\",", "")));
}
