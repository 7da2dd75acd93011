//! Languages and usage types as people and systems write them: what is meant, what is refused, what is warned of.

use serde_json::json;

use crate::home::Home;

const SIGN_IN: [&str; 2] = ["--usage-type", "SignIn"];

fn put(home: &Home, language: &str, usage_type: &str) -> serde_json::Value {
    let template =
        home.files.json("template.json", &json!({ "subject": format!("{language} {usage_type}"), "content": "c" }));
    home.ok(&["templates", "put", &template, "--locale", language, "--usage-type", usage_type])
}

#[tokio::test]
async fn a_locale_is_read_as_systems_write_it() {
    let (home, _) = Home::set_up().await;
    for (written, canonical) in
        [("en", "en"), ("zh-Hans", "zh-Hans"), ("zh_TW", "zh-TW"), ("pt_BR.UTF-8", "pt-BR"), ("iw", "he")]
    {
        assert_eq!(put(&home, written, "SignIn")["language"], canonical);
    }
    home.ok(&["templates", "fallback", "en_US"]);
    for (locale, subject) in [
        ("zh-CN", "zh-Hans SignIn"),
        ("zh_HK", "zh_TW SignIn"),
        ("pt", "pt_BR.UTF-8 SignIn"),
        ("he_IL.UTF-8", "iw SignIn"),
        ("C.UTF-8", "en SignIn"),
        ("de_AT", "en SignIn"),
    ] {
        home.ok(&[&["test", "--to", "ops@example.com", "--locale", locale], &SIGN_IN[..]].concat());
        assert_eq!(home.subjects().pop().unwrap(), subject, "{locale}");
        home.ok(&[
            &["code", "send", "--to", &format!("{}@example.com", locale.len()), "--locale", locale],
            &SIGN_IN[..],
        ]
        .concat());
        assert_eq!(home.subjects().pop().unwrap(), subject, "{locale}");
    }
    let got = home.ok(&[&["templates", "get", "--locale", "pt_BR"], &SIGN_IN[..]].concat());
    assert_eq!(got["subject"], "pt_BR.UTF-8 SignIn");
    home.ok(&[&["templates", "remove", "--locale", "PT-br"], &SIGN_IN[..]].concat());
    assert_eq!(home.ok(&["templates", "list"])["templates"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn what_is_not_a_language_tag_is_refused_by_every_command() {
    let (home, _) = Home::set_up().await;
    let template = home.files.json("template.json", &json!({ "subject": "s", "content": "c" }));
    let long = "x".repeat(1000);
    for wrong in ["not a language", "German", "English", "Portuguese", "jp", "", &long] {
        for command in [
            &["templates", "put", &template, "--locale", wrong, "--usage-type", "SignIn"][..],
            &["templates", "get", "--locale", wrong, "--usage-type", "SignIn"],
            &["templates", "remove", "--locale", wrong, "--usage-type", "SignIn"],
            &["templates", "fallback", wrong],
            &["code", "send", "--to", "you@example.com", "--locale", wrong],
            &["test", "--to", "you@example.com", "--locale", wrong],
        ] {
            let error = home.fails(64, command);
            assert_eq!(error["kind"], "InvalidLanguage", "{command:?}");
            assert!(error["message"].as_str().unwrap().len() < 200, "{error}");
        }
    }
    assert!(home.server.messages().is_empty());
    assert_eq!(home.ok(&["status"])["revision"], 1, "nothing was changed or noted");
}

#[tokio::test]
async fn a_message_in_no_language_is_sent_and_warned_of() {
    let (home, _) = Home::set_up().await;
    let config = home.config("config.json");
    for (member, value) in
        [("locale", json!("no such tongue")), ("locale", json!("x".repeat(1000))), ("uiLocales", json!(7))]
    {
        let message = json!({ "to": "you@example.com", "type": "SignIn", "payload": { "code": "1", (member): value } });
        let message = home.files.json("message.json", &message);
        for command in [&["send"][..], &["send", "smtp", "--config", &config]] {
            let run = home.run(&[command, &["--message", &message]].concat());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let warned = run.stderr.matches(&format!("/payload/{member}")).count();
            assert!(warned == 1 && run.stderr.len() < 300 && !run.stderr.contains("tongue"), "{}", run.stderr);
        }
    }
    let message = home.files.json(
        "message.json",
        &json!({ "to": "you@example.com", "type": "SignIn", "payload": { "code": "1", "locale": "zh_CN", "uiLocales": "xx de" } }),
    );
    assert_eq!(home.run(&["send", "--message", &message]).stderr, "");
}

#[tokio::test]
async fn an_unknown_usage_type_is_warned_of_with_the_nearest() {
    let (home, _) = Home::set_up().await;
    let config = home.config("config.json");
    for (name, nearest) in [
        ("signin", "did you mean `SignIn`?"),
        ("sign-in", "did you mean `SignIn`?"),
        ("SIGNIN", "did you mean `SignIn`?"),
        ("Signln", "did you mean `SignIn`?"),
        ("forgot_password", "did you mean `ForgotPassword`?"),
        ("mfaVerification", "did you mean `MfaVerification`?"),
        ("Newsletter", "these are SignIn, Register,"),
    ] {
        let message = json!({ "to": "you@example.com", "type": name, "payload": { "code": "123456" } });
        let message = home.files.json("message.json", &message);
        for command in [&["send"][..], &["send", "smtp", "--config", &config]] {
            let run = home.run(&[command, &["--message", &message]].concat());
            assert_eq!(run.code, 0, "{}", run.stderr);
            let warning = format!("`{name}` is not a known usage type");
            assert!(run.stderr.contains(&warning) && run.stderr.contains(nearest), "{name}: {}", run.stderr);
        }
    }
    let template = home.files.json("template.json", &json!({ "subject": "s", "content": "c" }));
    for command in [
        &["templates", "put", &template, "--locale", "en", "--usage-type", "sign-in"][..],
        &["test", "--to", "you@example.com", "--usage-type", "sign-in"],
        &["code", "send", "--to", "you@example.com", "--usage-type", "sign-in"],
    ] {
        let run = home.run(command);
        assert!(run.code == 0 && run.stderr.contains("did you mean `SignIn`?"), "{command:?}: {}", run.stderr);
    }
}

#[tokio::test]
async fn an_unknown_usage_type_in_a_configuration_is_warned_of() {
    let home = Home::new().await;
    let mut config: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(home.config("first.json")).unwrap()).unwrap();
    let mut slip = config["templates"][0].clone();
    slip["usageType"] = "sign_in".into();
    let index = config["templates"].as_array().unwrap().len();
    config["templates"].as_array_mut().unwrap().push(slip);
    let file = home.files.json("config.json", &config);
    let report = home.run(&["validate", "smtp", "--config", &file, "--json"]).json();
    assert_eq!(report["valid"], true);
    let warning = &report["warnings"][0];
    assert_eq!(warning["pointer"], format!("/templates/{index}/usageType"), "{report}");
    assert!(warning["message"].as_str().unwrap().contains("did you mean `SignIn`?"), "{report}");
}
