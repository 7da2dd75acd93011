//! One active connector per tenant: set up, changed, tested, rolled back, removed.

use serde_json::{Value, json};

use crate::{
    SENDGRID, SMTP,
    home::{Home, PASSWORD, secret_config},
    message,
};

fn is_time(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.len() == "2026-01-02T03:04:05.678Z".len() && text.ends_with('Z') && text.as_bytes()[19] == b'.'
}

#[tokio::test]
async fn from_nothing_to_nothing() {
    let home = Home::new().await;
    let config = home.config("smtp.json");
    let first = home.ok(&["setup", "smtp", "--config", &config]);
    assert_eq!((&first["status"], &first["connector"]), (&json!("active"), &json!(SMTP)));
    let status = home.ok(&["status"]);
    let active = &status["active"];
    assert_eq!((&active["id"], &active["connector"]), (&first["id"], &json!(SMTP)));
    assert!(is_time(&active["activatedAt"]) && is_time(&active["savedAt"]), "{active}");

    let again = home.fails(65, &["setup", "smtp", "--config", &config]);
    assert_eq!(again["kind"], "AlreadyActive");
    assert!(again["message"].as_str().unwrap().contains("use change"), "{again}");

    let secret = home.files.json("sendgrid.json", &secret_config());
    let second = home.ok(&["change", "sendgrid", "--config", &secret]);
    assert_eq!(home.active()["connector"], SENDGRID);
    let kept = home.ok(&["status"])["kept"].clone();
    assert_eq!((kept.as_array().unwrap().len(), &kept[0]["id"]), (1, &first["id"]));
    assert!(is_time(&kept[0]["savedAt"]));

    assert_eq!(home.ok(&["rollback"])["id"], first["id"]);
    assert_eq!(home.ok(&["rollback"])["id"], second["id"], "a second rollback undoes the first");
    let id = first["id"].as_str().unwrap();
    assert_eq!(home.ok(&["rollback", "--to", id])["id"], first["id"]);

    let told = home.run(&["status"]).stdout;
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines[3].starts_with("active  ") && lines[4].starts_with("kept    "), "{told}");
    assert_eq!(lines[2].find("ID"), lines[3].find(id), "columns are aligned: {told}");

    let removed = home.ok(&["remove"]);
    assert_eq!((&removed["id"], &removed["wasActive"], &removed["broke"]), (&first["id"], &json!(true), &json!([])));
    assert_eq!(home.active(), Value::Null);
    let removed = home.ok(&["remove", second["id"].as_str().unwrap()]);
    assert_eq!(removed["wasActive"], false);
    assert_eq!(home.ok(&["status"])["kept"], json!([]));
}

#[tokio::test]
async fn the_history_says_who_when_and_from_where() {
    let home = Home::new().await;
    home.ok(&["setup", "smtp", "--config", &home.config("smtp.json"), "--by", "alice\u{1b}[31m"]);
    let secret = home.files.json("sendgrid.json", &secret_config());
    home.ok(&["change", "sendgrid", "--config", &secret]);
    home.ok(&["rollback", "--by", "bob"]);
    let history = home.ok(&["history"]);
    let entries = history["entries"].as_array().unwrap();
    let of = |key: &str| entries.iter().map(|entry| entry[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("action"), ["roll_back", "change", "set_up"]);
    assert_eq!(of("revision"), [3, 2, 1]);
    assert_eq!(of("who")[0], "bob");
    assert!(of("who")[1].as_str().is_some_and(|who| !who.is_empty()), "the account's name");
    assert!(of("at").iter().all(is_time));
    assert!(of("origin").iter().all(|origin| origin.as_str().unwrap().ends_with(", command line")));
    assert_eq!(history["next"], Value::Null);

    let first = home.ok(&["history", "--limit", "2"]);
    assert_eq!(first["next"], 2);
    let rest = home.ok(&["history", "--before", "2"]);
    assert_eq!(rest["entries"].as_array().unwrap().len(), 1);

    let told = home.run(&["history"]);
    assert!(told.stdout.contains("WHO") && told.stdout.contains("roll_back") && !told.stdout.contains('\u{1b}'));
    assert!(told.stdout.contains("alice\\u{1b}[31m"), "{}", told.stdout);
}

#[tokio::test]
async fn a_configuration_is_tested_before_it_is_stored() {
    let home = Home::new().await;
    let config = home.config("smtp.json");
    let with = ["setup", "smtp", "--config", &config, "--test-to", "ops@example.com", "--usage-type", "signin"];
    let tested = home.ok(&with);
    assert!(is_time(&tested["testedAt"]), "{tested}");
    let arrived = String::from_utf8(home.server.only_message().source).unwrap();
    assert!(tested["messageId"].as_str().is_some_and(|id| arrived.contains(id)), "{tested}");
    assert_eq!(home.subjects(), ["SignIn 000000"]);

    home.refuse();
    let other = home.config_with("other.json", json!({ "fromEmail": "other@example.com" }));
    let refused =
        home.fails(69, &["change", "smtp", "--config", &other, "--test-to", "ops@example.com", "--retry", "0"]);
    assert_eq!((&refused["kind"], &refused["provider"]["status"]), (&json!("Rejected"), &json!(550)));
    assert_eq!(home.active()["id"], tested["id"]);
    assert_eq!(home.ok(&["status"])["kept"], json!([]), "nothing was stored");

    let nowhere = home.fails(64, &["change", "smtp", "--config", &other, "--locale", "pt"]);
    assert!(nowhere["message"].as_str().unwrap().contains("--test-to"), "{nowhere}");
    let bad = home.fails(65, &["change", "smtp", "--config", &other, "--test-to", "nobody"]);
    assert_eq!((&bad["kind"], &bad["problems"][0]["pointer"]), (&json!("InvalidMessage"), &json!("/to")));
}

#[tokio::test]
async fn a_test_goes_through_any_configuration() {
    let (home, first) = Home::set_up().await;
    let sent = home.ok(&["test", "--to", "ops@example.com"]);
    assert_eq!((&sent["status"], &sent["connector"]), (&json!("sent"), &json!(SMTP)));
    let saved = home.ok(&["setup", "smtp", "--config", &home.config("second.json"), "--inactive"]);
    assert_eq!((&saved["status"], &saved["activatedAt"]), (&json!("saved"), &Value::Null));
    assert_eq!(home.active()["id"], json!(first), "saving activates nothing");
    home.ok(&["test", saved["id"].as_str().unwrap(), "--to", "ops@example.com", "--usage-type", "Register"]);
    let unsaved = home.config("third.json");
    home.ok(&["test", "smtp", "--config", &unsaved, "--to", "ops@example.com", "--usage-type", "ForgotPassword"]);
    assert_eq!(home.subjects(), ["Generic 000000", "Register 000000", "ForgotPassword 000000"]);
    let history = home.ok(&["history", "--limit", "3"]);
    assert_eq!(history["entries"][0]["details"]["usageType"], "ForgotPassword");
    assert!(is_time(&home.ok(&["status"])["kept"][0]["testedAt"]));

    assert_eq!(home.fails(64, &["test", "smtp", "--to", "ops@example.com"])["kind"], "Usage");
    let unknown = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    assert_eq!(home.fails(65, &["test", unknown, "--to", "ops@example.com"])["kind"], "UnknownConfiguration");
    home.refuse();
    let run = home.run(&["test", "--to", "ops@example.com", "--json"]);
    assert_eq!((run.code, run.json()["connector"].as_str()), (69, Some(SMTP)));
}

#[tokio::test]
async fn messages_go_through_the_active_one() {
    let (home, _) = Home::set_up().await;
    let message = home.files.json("message.json", &message());
    let sent = home.ok(&["send", "--message", &message]);
    assert_eq!((&sent["status"], &sent["connector"], &sent["attempts"]), (&json!("sent"), &json!(SMTP), &json!(1)));
    let template = home.files.json("template.json", &json!({ "subject": "Own {{code}}", "content": "{{code}}" }));
    home.ok(&["send", "--message", &message, "--template", &template]);
    assert_eq!(home.subjects(), ["SignIn 246810", "Own 246810"]);

    let other = home.fails(65, &["send", "--message", &message, "--tenant", "other"]);
    assert_eq!(other["kind"], "NoActiveConnector");
    assert_eq!(home.fails(64, &["send", "--message", &message, "--config", "x.json"])["kind"], "Usage");
    home.refuse();
    let run = home.run(&["send", "--message", &message, "--json"]);
    assert_eq!((run.code, run.json()["connector"].as_str()), (69, Some(SMTP)));
}

#[tokio::test]
async fn what_is_wrong_changes_nothing() {
    let (home, first) = Home::set_up().await;
    let secret = home.files.json("sendgrid.json", &secret_config());
    let unknown = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff";
    let cases: &[(i32, &str, &[&str])] = &[
        (65, "InvalidConfig", &["change", "smtp", "--config", &secret]),
        (65, "InvalidConfig", &["change", "smtp", "--config", "/nowhere/at/all.json"]),
        (64, "Usage", &["change", "carrier-pigeon", "--config", &secret]),
        (65, "NothingToRollBackTo", &["rollback"]),
        (65, "UnknownConfiguration", &["rollback", "--to", unknown]),
        (64, "Usage", &["rollback", "--to", "not-an-id"]),
        (65, "UnknownConfiguration", &["remove", unknown]),
        (65, "UnknownTenant", &["remove", "--tenant", "nobody"]),
        (65, "UnknownTenant", &["change", "sendgrid", "--config", &secret, "--tenant", "nobody"]),
        (64, "InvalidTenant", &["status", "--tenant", ""]),
        (64, "InvalidTenant", &["setup", "sendgrid", "--config", &secret, "--tenant", " "]),
    ];
    for (code, kind, arguments) in cases {
        let run = home.run(&[arguments, &["--json"][..]].concat());
        assert_eq!((run.code, run.json()["error"]["kind"].as_str()), (*code, Some(*kind)), "{arguments:?}");
    }
    assert_eq!(home.active()["id"], json!(first));
    assert_eq!(home.ok(&["status"])["revision"], 1);
    assert_eq!(home.ok(&["status", "--tenant", "nobody"])["revision"], 0);
}

#[tokio::test]
async fn a_masked_secret_is_the_stored_one_as_long_as_it_goes_to_the_same_place() {
    let home = Home::new().await;
    let config = home.files.json("sendgrid.json", &secret_config());
    home.ok(&["setup", "sendgrid", "--config", &config]);
    let mut masked = secret_config();
    masked["apiKey"] = "******".into();
    masked["fromName"] = "Example".into();
    let masked = home.files.json("masked.json", &masked);
    home.ok(&["change", "sendgrid", "--config", &masked]);
    let with_password = |host: &str, pass: &str| {
        home.config_with("smtp.json", json!({ "host": host, "auth": { "user": "mailer", "pass": pass } }))
    };
    home.ok(&["change", "smtp", "--config", &with_password("127.0.0.1", PASSWORD)]);
    home.ok(&["change", "smtp", "--config", &with_password("127.0.0.1", "******")]);
    let elsewhere = home.fails(65, &["change", "smtp", "--config", &with_password("smtp.example.com", "******")]);
    assert_eq!(elsewhere["problems"][0]["pointer"], "/auth/pass");
    assert!(elsewhere["message"].as_str().unwrap().contains("`host` changed"), "{elsewhere}");
    let lonely = home.fails(65, &["setup", "sendgrid", "--config", &masked, "--tenant", "other"]);
    assert_eq!((&lonely["kind"], &lonely["problems"][0]["pointer"]), (&json!("InvalidConfig"), &json!("/apiKey")));
}

#[tokio::test]
async fn what_sign_in_relies_on_is_not_removed_by_accident() {
    let home = Home::new().await;
    let settings =
        json!({ "signUp": { "identifiers": ["email"] }, "forgotPasswordMethods": ["EmailVerificationCode"] });
    let settings = home.files.json("sign-in.json", &settings);
    let early = home.fails(65, &["sign-in", "put", &settings]);
    assert_eq!(early["kind"], "NeedsConnector");
    assert_eq!(early["dependents"], json!(["sign_up", "sign_in", "forgot_password"]));

    home.ok(&["setup", "smtp", "--config", &home.config("smtp.json")]);
    let put = home.ok(&["sign-in", "put", &settings]);
    assert_eq!(put["signIn"]["signUp"]["verify"], true);
    assert_eq!(put["signIn"]["signIn"]["methods"][0]["identifier"], "email");
    assert_eq!(home.ok(&["sign-in", "get"]), put);
    let bare: Value = serde_json::from_str(&home.run(&["sign-in", "get"]).stdout).unwrap();
    assert_eq!(bare, put["signIn"], "what `get` prints, `put` takes");

    let refused = home.fails(65, &["remove"]);
    assert_eq!(refused["kind"], "ReliedOn");
    assert_eq!(refused["dependents"], json!(["sign_up", "sign_in", "forgot_password"]));
    let told = home.run(&["remove"]).stderr;
    for what in ["signing up with an email address", "resetting a forgotten password", "--force"] {
        assert!(told.contains(what), "{what} is missing in {told}");
    }
    let removed = home.ok(&["remove", "--force"]);
    assert_eq!(removed["broke"], json!(["sign_up", "sign_in", "forgot_password"]));

    let typo = home.files.json("typo.json", &json!({ "signUp": { "identifiers": ["mail"] } }));
    let typo = home.fails(65, &["sign-in", "put", &typo]);
    assert_eq!(typo["kind"], "InvalidInput");
    let said = typo["message"].as_str().unwrap();
    assert!(said.contains("`mail`") && said.contains("column"), "{said}");
    assert_eq!(typo["problems"][0]["pointer"], "/signUp/identifiers/0");
    for (settings, pointer) in [
        (json!({ "mfa": { "factors": "EmailVerificationCode" } }), "/mfa/factors"),
        (
            json!({ "signUp": { "secondaryIdentifiers": [{ "identifier": 7 }] } }),
            "/signUp/secondaryIdentifiers/0/identifier",
        ),
        (json!({ "passwordExpiration": { "enabled": "yes" } }), "/passwordExpiration/enabled"),
        (json!({ "signIn": { "methods": [{ "identifier": "Email" }] } }), "/signIn/methods/0/identifier"),
    ] {
        let file = home.files.json("wrong.json", &settings);
        let wrong = home.fails(65, &["sign-in", "put", &file]);
        assert_eq!((&wrong["kind"], &wrong["problems"][0]["pointer"]), (&json!("InvalidInput"), &json!(pointer)));
    }
}

/// Both are Logto's own shapes; `mfa` and `secondaryIdentifiers` were once dropped.
#[tokio::test]
async fn whatever_relies_on_email_keeps_the_connector() {
    let home = Home::new().await;
    home.ok(&["setup", "smtp", "--config", &home.config("smtp.json")]);
    let cases: Value = serde_json::from_str(include_str!("../cases/sign-in.json")).unwrap();
    for (case, dependent) in [("mfa", "mfa"), ("secondary", "secondary_identifier")] {
        let settings = home.files.json("sign-in.json", &cases[case]);
        let put = home.ok(&["sign-in", "put", &settings]);
        assert_eq!(put["reliesOnEmail"], json!([dependent]));
        assert_eq!(put["signIn"]["signUp"]["secondaryIdentifiers"], cases[case]["signUp"]["secondaryIdentifiers"]);
        assert_eq!(put["signIn"]["mfa"], cases[case]["mfa"]);
        let refused = home.fails(65, &["remove"]);
        assert_eq!((&refused["kind"], &refused["dependents"]), (&json!("ReliedOn"), &json!([dependent])));
    }
    let unknown = home.files.json("unknown.json", &json!({ "recovery": [{ "channel": "e-mail" }], "theme": "dark" }));
    let put = home.ok(&["sign-in", "put", &unknown]);
    let relies = json!(["forgot_password", "/recovery/0/channel"]);
    assert_eq!((&put["signIn"]["theme"], &put["reliesOnEmail"]), (&json!("dark"), &relies));
    assert!(home.run(&["remove"]).stderr.contains("`/recovery/0/channel`"));
}

/// A tenant that leaves the keys out would otherwise send in the name of whoever runs the process.
#[tokio::test]
async fn a_tenant_gets_the_process_own_credentials_only_where_it_is_allowed() {
    let home = Home::new().await;
    let templates = ["SignIn", "Register", "ForgotPassword", "Generic"]
        .map(|usage| json!({ "usageType": usage, "subject": "{{code}}", "content": "{{code}}" }));
    let keyless = json!({ "region": "us-east-1", "emailAddress": "a@example.com", "templates": templates });
    let file = home.files.json("ses.json", &keyless);
    let set_up = ["setup", "aws-ses", "--config", &file];
    let refused = home.fails(65, &set_up);
    assert_eq!(refused["problems"][0]["pointer"], "/accessKeyId");
    assert!(refused["hint"].as_str().unwrap().contains("--ambient-credentials"));
    home.ok(&[&set_up[..], &["--ambient-credentials"]].concat());
    let refused = home.fails(65, &["test", "--to", "user@example.com"]);
    assert_eq!(refused["problems"][0]["pointer"], "/accessKeyId");
    let mut elsewhere = keyless;
    elsewhere["endpoint"] = json!("https://ses.evil.example");
    let file = home.files.json("elsewhere.json", &elsewhere);
    let refused = home.fails(65, &["change", "aws-ses", "--config", &file, "--ambient-credentials"]);
    assert_eq!(refused["problems"][0]["pointer"], "/endpoint");
}

#[tokio::test]
async fn nothing_that_is_stored_shows_a_secret() {
    let home = Home::new().await;
    let mut config = secret_config();
    // Under a misspelt name or another program's, a secret is one all the same.
    for (name, value) in [
        ("authorisation", json!(PASSWORD)),
        ("tls.key", json!(PASSWORD)),
        ("dkim", json!({ "privateKey": [PASSWORD] })),
        ("auth", json!({ "password": PASSWORD })),
    ] {
        config[name] = value;
    }
    let secret = home.files.json("sendgrid.json", &config);
    let set_up = home.run(&["setup", "sendgrid", "--config", &secret]);
    assert!(set_up.code == 0 && set_up.stderr.contains("/tls.key: unknown field"), "{}", set_up.stderr);
    let exported = home.run(&["export"]).stdout;
    assert!(exported.contains(r#""dkim": "******""#), "{exported}");
    for command in ["status", "history", "export", "templates list", "sign-in get"] {
        let arguments: Vec<&str> = command.split(' ').chain(["-vv"]).collect();
        let mut command = home.command(&arguments);
        let run = crate::finish(command.env("RUST_LOG", "trace"));
        assert_eq!(run.code, 0);
        run.assert_shows_none_of(&[PASSWORD]);
    }
    let stored = std::fs::read(home.files.path("store.sqlite")).unwrap();
    let logged = std::fs::read(home.files.path("store.sqlite-wal")).unwrap_or_default();
    for bytes in [stored, logged] {
        assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()));
    }
}
