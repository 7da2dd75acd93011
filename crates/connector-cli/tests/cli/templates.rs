//! `templates`: chosen by language before the connector's own.

use serde_json::{Value, json};

use crate::home::Home;

#[tokio::test]
async fn the_message_is_in_the_recipients_language() {
    let (home, _) = Home::set_up().await;
    let put = |language: &str, usage_type: &str, subject: &str| {
        let template = home.files.json("template.json", &json!({ "subject": subject, "content": "{{code}}" }));
        home.ok(&["templates", "put", &template, "--locale", language, "--usage-type", usage_type])
    };
    let done = put("PT", "signin", "Seu código {{code}}");
    assert_eq!(
        done,
        json!({ "status": "put", "tenant": "default", "language": "pt", "usageType": "SignIn" }),
        "tags and types in their usual case"
    );
    put("de", "Generic", "Ihr Code {{code}}");
    home.ok(&["templates", "fallback", "de"]);
    let test = |more: &[&str]| {
        home.ok(&[&["test", "--to", "ops@example.com"][..], more].concat());
        home.subjects().pop().unwrap()
    };
    assert_eq!(test(&["--usage-type", "SignIn", "--locale", "pt-BR"]), "Seu código 000000");
    assert_eq!(test(&["--usage-type", "Register", "--locale", "pt-BR"]), "Ihr Code 000000");
    home.ok(&["templates", "fallback", "--none"]);
    assert_eq!(test(&["--usage-type", "Register", "--locale", "pt-BR"]), "Register 000000");

    let listed = home.ok(&["templates", "list"]);
    assert_eq!(listed["fallbackLanguage"], Value::Null);
    let of = |key: &str| listed["templates"].as_array().unwrap().iter().map(|row| row[key].clone()).collect::<Vec<_>>();
    assert_eq!(
        (of("language"), of("usageType")),
        (vec!["de".into(), "pt".into()], vec!["Generic".into(), "SignIn".into()])
    );
    assert!(home.run(&["templates", "list"]).stdout.contains("Seu código {{code}}"));

    let key = ["--locale", "pt", "--usage-type", "SignIn"];
    let got = home.ok(&[&["templates", "get"][..], &key].concat());
    assert_eq!((&got["subject"], &got["contentType"]), (&json!("Seu código {{code}}"), &json!("text/html")));
    home.ok(&[&["templates", "remove"][..], &key].concat());
    assert_eq!(home.fails(65, &[&["templates", "remove"][..], &key].concat())["kind"], "UnknownTemplate");
    assert_eq!(home.fails(65, &[&["templates", "get"][..], &key].concat())["kind"], "UnknownTemplate");
}

#[tokio::test]
async fn bad_templates_are_told_by_field() {
    let (home, _) = Home::set_up().await;
    assert_eq!(home.ok(&["templates", "list"])["templates"], json!([]));
    let bad = home.files.json("bad.json", &json!({ "subject": "", "contentType": "text/weird" }));
    let run = home.run(&["templates", "put", &bad, "--locale", "en", "--usage-type", "SignIn", "--json"]);
    assert_eq!((run.code, run.pointers()), (65, ["/subject", "/content", "/contentType"].map(str::to_owned).to_vec()));
    let good = home.files.json("good.json", &json!({ "subject": "s", "content": "c" }));
    let language = home.fails(64, &["templates", "put", &good, "--locale", "no tag", "--usage-type", "SignIn"]);
    assert_eq!(language["kind"], "InvalidLanguage");
    assert_eq!(home.ok(&["status"])["revision"], 1);
}
