//! `list`, `describe` and `schema`.

use crate::{SENDGRID, SMTP, run};

#[test]
fn list_names_every_connector() {
    let listed = run(&["list", "--json"]);
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    let listed = listed.json();
    let rows = listed["connectors"].as_array().unwrap();
    let of = |key: &str| rows.iter().map(|row| row[key].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert!([SENDGRID, SMTP].iter().all(|id| of("id").contains(&(*id).to_owned())));
    let targets = [
        "aliyun-dm",
        "aws-ses",
        "http-email",
        "logto-email",
        "mailgun-email",
        "postmark-mail",
        "sendgrid-mail",
        "smtp",
    ];
    assert_eq!(of("target"), targets);
    assert!(of("name").ends_with(&["SendGrid".to_owned(), "SMTP".to_owned()]));
    assert!(of("description").iter().all(|text| !text.is_empty()));

    // For people: columns that begin at the same place on every line.
    let table = run(&["list"]).stdout;
    let columns: Vec<usize> = std::iter::once("TARGET")
        .chain(targets)
        .zip(table.lines())
        .map(|(word, line)| line.rfind(&format!(" {word} ")).unwrap())
        .collect();
    assert_eq!(columns, [columns[0]; 9], "{table}");
}

#[test]
fn describe_has_metadata_form_and_schema() {
    for name in [SENDGRID, "sendgrid-mail", "sendgrid"] {
        let described = run(&["describe", name, "--json"]);
        assert_eq!(described.code, 0);
        let described = described.json();
        assert_eq!(described["id"], SENDGRID);
        assert_eq!(described["target"], "sendgrid-mail");
        assert!(described["name"]["en"].is_string() && described["platform"].is_null());
        assert!(described["logo"].as_str().unwrap().starts_with("data:image/svg+xml;base64,"));
        assert!(described["readme"].is_string());
        let items = described["formItems"].as_array().unwrap();
        assert_eq!(items[0]["key"], "apiKey");
        assert_eq!((&items[0]["isConfidential"], &items[0]["required"]), (&true.into(), &true.into()));
        assert!(described["configSchema"]["properties"]["apiKey"].is_object());
    }
}

#[test]
fn describe_lists_the_form_for_people() {
    let described = run(&["describe", "smtp"]);
    assert_eq!(described.code, 0);
    for text in [SMTP, "host  (Text, required)", "preset Gmail", "auth.pass  (Text, optional, secret)", "default false"]
    {
        assert!(described.stdout.contains(text), "{text} is missing in {}", described.stdout);
    }
    assert!(!described.stdout.contains('\x1b'), "colours, though nobody is there to see them");
}

#[test]
fn schema_is_json_schema() {
    let schema = run(&["schema", "smtp"]);
    assert_eq!(schema.code, 0);
    let schema = schema.json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema, run(&["describe", "smtp", "--json"]).json()["configSchema"]);
}
