//! `list`, `describe` and `schema`.

use serde_json::Value;

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

/// Whoever reads `describe --json` by its schema finds everything there, and each part in it explained.
#[test]
fn describe_prints_what_its_schema_says() {
    let schema = run(&["schema", "--describe"]).json();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let listed = run(&["list", "--json"]).json();
    let ids = listed["connectors"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap());
    let mut seen = 0;
    for id in ids {
        let described = run(&["describe", id, "--json"]).json();
        validator.validate(&described).unwrap_or_else(|error| panic!("{id}: {error} at {}", error.instance_path()));
        every_member_is_explained(&described, &schema, &schema, id);
        seen += 1;
    }
    assert_eq!(seen, 8);

    // It also refuses: a form item without a key, of no known type.
    let mut described = run(&["describe", "smtp", "--json"]).json();
    described["formItems"][0].as_object_mut().unwrap().remove("key");
    described["formItems"][1]["type"] = "Colour".into();
    let faults: Vec<String> =
        validator.iter_errors(&described).map(|error| error.instance_path().to_string()).collect();
    assert_eq!(faults, ["/formItems/0", "/formItems/1/type"]);
}

fn every_member_is_explained(value: &Value, schema: &Value, root: &Value, path: &str) {
    let reference = schema["$ref"].as_str().and_then(|reference| root.pointer(reference.strip_prefix('#')?));
    let schema = reference.unwrap_or(schema);
    if let (Some(members), Some(known)) = (value.as_object(), schema["properties"].as_object()) {
        for (name, member) in members {
            let path = format!("{path}/{name}");
            let field = known.get(name).unwrap_or_else(|| panic!("{path} is not in the schema"));
            assert!(field["description"].is_string(), "{path} is not explained");
            every_member_is_explained(member, field, root, &path);
        }
    }
    for (at, element) in value.as_array().into_iter().flatten().enumerate() {
        every_member_is_explained(element, &schema["items"], root, &format!("{path}/{at}"));
    }
}

#[test]
fn schema_wants_a_connector_or_describe() {
    assert_eq!(run(&["schema"]).code, 64);
    assert_eq!(run(&["schema", "smtp", "--describe"]).code, 64);
}

#[test]
fn schema_is_json_schema() {
    let schema = run(&["schema", "smtp"]);
    assert_eq!(schema.code, 0);
    let schema = schema.json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema, run(&["describe", "smtp", "--json"]).json()["configSchema"]);
}
