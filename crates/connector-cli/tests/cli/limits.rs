//! What is too large is refused before it costs anything, and the sentence says which field and how much is allowed.

use serde_json::{Value, json};

use crate::{Files, SENDGRID, home::Home, message, run, run_with, sendgrid_config};

/// The pointer and message of each problem.
fn problems(failed: &Value) -> Vec<String> {
    let of =
        |problem: &Value| format!("{}: {}", problem["pointer"].as_str().unwrap(), problem["message"].as_str().unwrap());
    failed["problems"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn a_configuration_is_bounded_in_every_direction() {
    let files = Files::new();
    let problems = |change: &dyn Fn(&mut Value)| {
        let mut config = sendgrid_config();
        change(&mut config);
        let run = run(&["validate", SENDGRID, "--config", &files.json("config.json", &config), "--json"]);
        assert_eq!(run.code, 65);
        problems(&run.json())
    };
    let template =
        |usage_type: &str| json!({ "usageType": usage_type, "type": "text/html", "subject": "s", "content": "c" });
    let long = problems(&|config| {
        config["templates"][0]["content"] = json!("<a".repeat(150 * 1024));
        config["templates"][1]["subject"] = json!("s".repeat(5000));
    });
    assert_eq!(
        long,
        [
            "/templates/0/content: is too long: at most 256 KiB are allowed",
            "/templates/1/subject: is too long: at most 4 KiB are allowed",
        ]
    );
    let many = problems(&|config| config["templates"] = (0..10_000).map(|n| template(&format!("T{n}"))).collect());
    assert_eq!(many, ["/templates: has 10000 entries: at most 1000 are allowed"]);
    let many = problems(&|config| config["more"] = vec![vec![0; 200]; 60].into());
    assert_eq!(many, [": has too many values: at most 10000 are allowed"]);
    let many = problems(&|config| config["templates"] = (0..1001).map(|n| template(&format!("T{n}"))).collect());
    assert_eq!(many, ["/templates: has 1001 entries: at most 1000 are allowed"]);
    let many = problems(&|config| config["more"] = (0..1001).map(|n| (format!("n{n}"), json!(1))).collect());
    assert_eq!(many, ["/more: has 1001 entries: at most 1000 are allowed"]);
    let deep = problems(&|config| config["more"] = (0..40).fold(json!(1), |inner, _| json!([inner])));
    assert_eq!(deep, [": is nested too deep: at most 32 levels are allowed"]);
}

#[test]
fn a_message_is_bounded_in_every_direction() {
    let files = Files::new();
    let config = files.json("config.json", &sendgrid_config());
    let problems = |message: &Value, template: Option<&Value>| {
        let message = files.json("message.json", message);
        let template = template.map(|template| files.json("template.json", template));
        let mut arguments = vec!["send", "sendgrid", "--config", &config, "--message", &message, "--json"];
        arguments.extend(template.iter().flat_map(|template| ["--template", template]));
        let failed = run(&arguments);
        assert_eq!(failed.code, 65);
        problems(&failed.json()["error"])
    };
    let with = |pointer: &str, value: Value| {
        let mut message = message();
        message[pointer] = value;
        message
    };
    let many: Value = vec![0; 20_001].into();
    let fault = ["/payload: has too many values: at most 20000 are allowed"];
    assert_eq!(problems(&with("payload", json!({ "list": many })), None), fault);
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    let fault = ["/payload: is nested too deep: at most 64 levels are allowed"];
    assert_eq!(problems(&with("payload", json!({ "list": deep })), None), fault);
    let fault = ["/type: is too long: at most 128 bytes are allowed"];
    assert_eq!(problems(&with("type", "T".repeat(200).into()), None), fault);
    let template = json!({ "subject": "s", "content": "c".repeat(256 * 1024 + 1), "replyTo": "r".repeat(5000) });
    let faults = [
        "/template/content: is too long: at most 256 KiB are allowed",
        "/template/replyTo: is too long: at most 4 KiB are allowed",
    ];
    assert_eq!(problems(&message(), Some(&template)), faults);
    // 32 KB of variables and 200 KB for each.
    let payload = with("payload", json!({ "code": "x".repeat(200_000) }));
    let template = json!({ "subject": "s", "content": "{{code}}".repeat(4000) });
    let fault = ["/payload: its values make the message larger than 10 MiB, the most that is sent: shorten them"];
    assert_eq!(problems(&payload, Some(&template)), fault);
}

#[tokio::test]
async fn a_template_put_is_bounded() {
    let home = Home::new().await;
    let template = home.files.json("long.json", &json!({ "subject": "s", "content": "<a".repeat(200 * 1024) }));
    let put = ["templates", "put", &template, "--locale", "en", "--usage-type", "SignIn"];
    let failed = home.fails(65, &put);
    assert_eq!(problems(&failed), ["/content: is too long: at most 256 KiB are allowed"]);
}

#[tokio::test]
async fn what_is_no_export_is_refused_at_its_beginning() {
    let home = Home::new().await;
    let file = home.files.write("zeros.json", format!("[{}0]", "0,".repeat(2_000_000)));
    let failed = home.fails(65, &["import", &file]);
    let says = failed["message"].as_str().unwrap();
    assert!(says.contains("is not what `export` writes, from line 1 column 5 on; is it the right file?"), "{says}");
    for (content, says) in
        [("", "is empty"), (" \n ", "is empty"), ("{\"format\":", "is not JSON"), ("{]", "is not JSON")]
    {
        let failed = home.fails(65, &["import", &home.files.write("other.json", content)]);
        assert!(failed["message"].as_str().unwrap().contains(says), "{failed}");
    }
    let utf16: Vec<u8> = "{\"format\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let failed = home.fails(65, &["import", &home.files.write("utf16.json", utf16)]);
    assert!(failed["message"].as_str().unwrap().contains("it is in UTF-16; save it in UTF-8"), "{failed}");
    let marked = format!("\u{feff}{}", json!({ "format": 1, "tenants": [] }));
    let imported = run_with(marked.as_bytes(), &["import", "-", "--store", &home.url, "--json"]);
    assert_eq!(imported.code, 0, "{}", imported.stderr);
}
