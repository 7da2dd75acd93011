//! A configuration's secrets: found, masked, kept, asked for again.

use std::collections::BTreeMap;

use connector_kit::{
    About, Connector, ConnectorConfig, ConnectorFactory, Context, EmailConnector, Error, Message, Receipt, Secret,
    SendContext, async_trait,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

#[expect(dead_code, reason = "the schema is what counts")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Config {
    #[schemars(extend("x-form" = { "destination": true, "placeholder": "api.example.com" }))]
    host: String,
    #[schemars(extend("x-form" = { "destination": true }))]
    #[serde(default)]
    tls: bool,
    auth: Option<Auth>,
    keys: Option<Vec<Secret>>,
    by_name: Option<BTreeMap<String, Auth>>,
    callers: Option<Vec<Caller>>,
    proof: Option<Proof>,
    headers: Option<BTreeMap<String, String>>,
    anything: Option<serde_json::Map<String, Value>>,
    note: Option<String>,
}

#[expect(dead_code, reason = "the schema is what counts")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Auth {
    user: Option<String>,
    pass: Option<Secret>,
    #[schemars(extend("x-form" = { "destination": true }, "default" = "https://tokens.example"))]
    token_url: Option<String>,
}

#[expect(dead_code, reason = "the schema is what counts")]
#[derive(Debug, Deserialize, JsonSchema)]
struct Caller {
    name: String,
    key: Secret,
}

#[expect(dead_code, reason = "the schema is what counts")]
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Proof {
    Key { key: Secret },
    Pair { id: String, secret: Secret },
}

impl ConnectorConfig for Config {}

struct Nowhere;

impl Connector for Nowhere {
    type Config = Config;

    fn new(_: Config, _: &Context) -> Result<Self, Error> {
        Ok(Self)
    }
}

#[async_trait]
impl EmailConnector for Nowhere {
    async fn send(&self, _: &Message, _: &SendContext) -> Result<Receipt, Error> {
        Ok(Receipt::new(None))
    }
}

static CONNECTOR: ConnectorFactory = ConnectorFactory::of::<Nowhere>(&About {
    id: "nowhere",
    target: "nowhere",
    name: &[("en", "Nowhere")],
    description: &[("en", "Sends nothing.")],
    logo: "<svg/>",
    logo_dark: None,
    readme: "# Nowhere",
    from_email: None,
});

fn config() -> Value {
    json!({
        "host": "api.example.com",
        "auth": { "user": "anna", "pass": "secret-1" },
        "keys": ["secret-2", "secret-3"],
        "byName": { "a/b~c": { "pass": "secret-4" }, "empty": {} },
        "callers": [{ "name": "one", "key": "secret-5" }, { "name": "two", "key": "secret-6" }],
        "proof": { "id": "public", "secret": "secret-7" },
        "note": "public",
    })
}

const POINTERS: [&str; 7] =
    ["/auth/pass", "/keys/0", "/keys/1", "/byName/a~1b~0c/pass", "/callers/0/key", "/callers/1/key", "/proof/secret"];

/// What is wrong with keeping the secrets of `stored` in `new`, by pointer.
fn refused(new: Value, stored: Option<&Value>) -> BTreeMap<String, String> {
    let error = CONNECTOR.with_kept_secrets(new, stored).unwrap_err();
    assert_eq!(error.kind().code(), "invalid_config");
    error.problems().iter().map(|problem| (problem.pointer.clone(), problem.message.clone())).collect()
}

fn with(pointer: &str, value: Value) -> Value {
    let mut masked = CONNECTOR.masked(&config());
    *masked.pointer_mut(pointer).unwrap() = value;
    masked
}

#[test]
fn are_found_in_objects_lists_maps_and_variants() {
    assert_eq!(CONNECTOR.secret_pointers(&config()), POINTERS);
    assert_eq!(CONNECTOR.secret_pointers(&json!({ "proof": { "key": "k" } })), ["/proof/key"]);
    assert!(CONNECTOR.secret_pointers(&json!({ "host": "h", "auth": { "user": "u", "pass": null } })).is_empty());
}

#[test]
fn of_any_type_and_in_a_wrong_shape_count_too() {
    for (config, pointer) in [
        (json!({ "auth": { "pass": 7 } }), "/auth/pass"),
        (json!({ "auth": { "pass": ["s"] } }), "/auth/pass"),
        (json!({ "auth": "s" }), "/auth"),
        (json!({ "keys": "s" }), "/keys"),
        (json!({ "byName": ["s"] }), "/byName"),
        (json!("s"), ""),
    ] {
        assert_eq!(CONNECTOR.secret_pointers(&config), [pointer], "{config}");
    }
}

/// A misspelt name, another program's field, a header: what it holds may be a secret all the same.
#[test]
fn under_names_that_the_schema_does_not_know_count_too() {
    for (config, pointers) in [
        (json!({ "authorisation": "s", "host": "h" }), &["/authorisation"][..]),
        (json!({ "tls.key": "s" }), &["/tls.key"]),
        (json!({ "auth": { "password": "s", "user": "u" } }), &["/auth/password"]),
        (json!({ "dkim": { "privateKey": "s", "selector": "mail" } }), &["/dkim"]),
        (json!({ "a/b~": ["s", { "k": "s" }], "n": 7, "b": true, "none": null }), &["/a~1b~0", "/n", "/b"]),
        (
            json!({ "callers": [{ "name": "one", "key": "s", "password": "s" }] }),
            &["/callers/0/key", "/callers/0/password"],
        ),
        (json!({ "byName": { "a": { "secret": "s" } } }), &["/byName/a/secret"]),
        (json!({ "proof": { "id": "public", "pin": "s" } }), &["/proof/pin"]),
        (
            json!({ "headers": { "X-Api-Key": "s", "Authorization": "s", "X-Tag": "public" } }),
            &["/headers/X-Api-Key", "/headers/Authorization"],
        ),
        (
            json!({ "headers": { "X-Auth-Key": "s", "Ocp-Apim-Subscription-Key": "s", "signingKey": "s", "X-Sig": "s" } }),
            &["/headers/X-Auth-Key", "/headers/Ocp-Apim-Subscription-Key", "/headers/signingKey", "/headers/X-Sig"],
        ),
        (json!({ "headers": { "List-Unsubscribe": "u", "Feedback-ID": "u", "X-Monkey": "u", "Keywords": "u" } }), &[]),
        (
            json!({ "anything": { "deep": [{ "web-hook_token": "s", "word": "public" }] } }),
            &["/anything/deep/0/web-hook_token"],
        ),
    ] {
        assert_eq!(CONNECTOR.secret_pointers(&config), pointers, "{config}");
        let masked = CONNECTOR.masked(&config);
        assert!(!masked.to_string().contains("\"s\""), "{masked}");
        assert_eq!(CONNECTOR.with_kept_secrets(masked, Some(&config)).unwrap(), config);
    }
    let report = CONNECTOR.validate(&json!({ "host": "h", "authorisation": "s" }));
    assert!(report.is_valid() && report.warnings[0].pointer == "/authorisation", "{report:?}");
}

#[test]
fn masked_nothing_of_them_shows_and_all_else_does() {
    let masked = CONNECTOR.masked(&config());
    assert!(!masked.to_string().contains("secret-"), "{masked}");
    assert_eq!(masked["auth"], json!({ "user": "anna", "pass": Secret::MASK }));
    let without = json!({ "host": "h", "auth": { "pass": null } });
    assert_eq!(CONNECTOR.masked(&without), without);
}

#[test]
fn the_mask_is_never_taken_for_one() {
    let problems = CONNECTOR.validate(&with("/auth/pass", json!("given"))).problems;
    let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, POINTERS[1..], "{problems:?}");
    assert!(problems[0].message.contains("is masked (******): give the secret itself"), "{problems:?}");
    assert!(CONNECTOR.validate(&config()).is_valid());
    // Elsewhere it is a text like any other.
    assert!(CONNECTOR.validate(&json!({ "host": "h", "note": Secret::MASK })).is_valid());
}

#[test]
fn are_kept_where_the_mask_stands() {
    assert_eq!(CONNECTOR.with_kept_secrets(CONNECTOR.masked(&config()), Some(&config())).unwrap(), config());

    // What is given goes before what is stored, what is absent stays absent, what is not secret may change.
    let new =
        json!({ "host": "api.example.com", "auth": { "user": "berta", "pass": "******" }, "proof": { "key": "k" } });
    let kept = CONNECTOR.with_kept_secrets(new, Some(&config())).unwrap();
    assert_eq!(
        kept,
        json!({ "host": "api.example.com", "auth": { "user": "berta", "pass": "secret-1" }, "proof": { "key": "k" } })
    );

    // Without a mask nothing is asked of what is stored.
    let new = json!({ "host": "elsewhere.example", "auth": { "pass": "given" } });
    assert_eq!(CONNECTOR.with_kept_secrets(new.clone(), Some(&config())).unwrap(), new);
    assert_eq!(CONNECTOR.with_kept_secrets(new.clone(), None).unwrap(), new);
}

#[test]
fn that_nothing_stored_has_are_asked_for() {
    let none = refused(CONNECTOR.masked(&config()), None);
    assert_eq!(none.len(), POINTERS.len());
    let words = "is masked (******) and no stored configuration has it: give the secret itself";
    assert!(none.values().all(|message| message == words), "{none:?}");

    let stored = json!({ "host": "api.example.com", "auth": { "pass": null } });
    let found = refused(json!({ "host": "api.example.com", "auth": { "pass": "******" } }), Some(&stored));
    assert_eq!(found, BTreeMap::from([("/auth/pass".to_owned(), words.to_owned())]));
}

#[test]
fn are_asked_for_again_where_they_would_go_elsewhere() {
    let found = refused(with("/host", json!("elsewhere.example")), Some(&config()));
    assert_eq!(found.keys().map(String::as_str).collect::<Vec<_>>().len(), POINTERS.len());
    assert_eq!(found["/auth/pass"], "is required again: `host` changed, and the secret would be sent there");

    let mut both = with("/host", json!("elsewhere.example"));
    both["auth"]["tokenUrl"] = json!("https://elsewhere.example");
    assert!(refused(both, Some(&config()))["/keys/0"].contains("`host` and `auth.tokenUrl` changed"));
}

#[test]
fn a_destination_is_compared_as_it_is_meant() {
    assert_eq!(CONNECTOR.destination_pointers(), ["/host", "/tls", "/auth/tokenUrl"]);
    let old = json!({ "host": "h" });
    for same in [
        json!({ "host": "h", "tls": false, "auth": { "tokenUrl": "https://tokens.example" }, "note": "n" }),
        json!({ "host": "h", "tls": null, "auth": { "tokenUrl": "" } }),
        json!({ "host": "h", "auth": null }),
    ] {
        assert_eq!(CONNECTOR.same_destination(&old, &same), Ok(()), "{same}");
        assert_eq!(CONNECTOR.same_destination(&same, &old), Ok(()), "{same}");
    }
    let other = json!({ "host": "h", "tls": true, "auth": { "tokenUrl": "https://x.example" } });
    assert_eq!(CONNECTOR.same_destination(&old, &other), Err(vec!["/tls".to_owned(), "/auth/tokenUrl".to_owned()]));
    assert_eq!(CONNECTOR.same_destination(&old, &json!({})), Err(vec!["/host".to_owned()]));
}

/// A place in a list belongs to whoever stands there: another's secret is never taken for his.
#[test]
fn in_a_list_are_kept_only_while_the_list_is_the_same() {
    let one = |found: BTreeMap<String, String>, pointer: &str| {
        assert_eq!(found.keys().collect::<Vec<_>>(), [pointer]);
        assert!(found[pointer].starts_with("is required again: the list `"), "{found:?}");
    };
    one(refused(with("/keys", json!(["******"])), Some(&config())), "/keys/0");
    one(refused(with("/keys", json!(["******", "new"])), Some(&config())), "/keys/0");
    let swapped = json!([{ "name": "two", "key": "******" }, { "name": "one", "key": "given" }]);
    one(refused(with("/callers", swapped), Some(&config())), "/callers/0/key");
}

/// The form shows a destination like any other field.
#[test]
fn a_mark_leaves_the_form_as_it_is() {
    let items = CONNECTOR.metadata().form_items;
    let host = items.iter().find(|item| item.key == "host").unwrap();
    assert_eq!(host.placeholder.as_deref(), Some("api.example.com"));
}
