//! Set-up forms in a browser, drawn from `describe --json` by a page that knows no connector.

use e2e::{Desk, admin_ui, set_up_every_connector};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// Words of the page that some connector also calls a field by, and what they mean there.
const NOT_FIELDS: [&str; 2] = [
    // `import … from`
    "from",
    // RJSF's property for the parts of a form that are drawn in another way.
    "templates",
];

fn run(arguments: &[&str]) -> Value {
    Desk::new().unwrap().run(arguments).unwrap().json().unwrap()
}

fn connectors() -> Vec<String> {
    let list = run(&["list", "--json"]);
    list["connectors"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn answers(id: &str) -> Vec<Value> {
    serde_json::from_str(&fs::read_to_string(admin_ui(&format!("answers/{id}.json"))).unwrap()).unwrap()
}

#[test]
fn every_connector_is_set_up_from_its_description() {
    let all = set_up_every_connector().unwrap_or_else(|error| panic!("{error:#}"));
    let ids = connectors();
    assert_eq!(all.keys().cloned().collect::<BTreeSet<_>>(), ids.iter().cloned().collect());
    for id in &ids {
        let done = &all[id];
        let meant: Vec<Value> = answers(id).into_iter().map(|way| way["meant"].clone()).collect();
        assert_eq!(done.saved, meant, "{id}");
        assert_eq!(done.items, run(&["describe", id, "--json"])["formItems"].as_array().unwrap().len(), "{id}");
        let desk = Desk::new().unwrap();
        for config in &done.saved {
            desk.write("saved.json", &config.to_string()).unwrap();
            let ran = desk.run(&["validate", id, "--config", "saved.json", "--json"]).unwrap();
            assert_eq!((ran.code, &ran.json().unwrap()["valid"]), (0, &true.into()), "{id}: {ran:?}");
        }
    }
    // The page toggles what has conditions; with none anywhere, that would test nothing.
    assert!(all.values().any(|done| done.conditional > 0));
}

#[test]
fn every_connector_is_also_left_wrong() {
    for id in connectors() {
        for way in answers(&id) {
            let wrong: BTreeSet<&str> =
                way["wrong"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
            assert!(wrong.len() >= 2, "{id}: {}", way["way"]);
        }
    }
}

#[test]
fn the_page_knows_no_connector() {
    let mut names = BTreeSet::new();
    for id in connectors() {
        let described = run(&["describe", &id, "--json"]);
        properties(&described["configSchema"], &mut names);
        names.insert(described["target"].as_str().unwrap().to_owned());
        names.insert(id);
    }
    assert!(names.len() > 60, "{names:?}");
    // The words that every description is written in: `type`, `name` and the like are fields of some connector too.
    let mut known: BTreeSet<String> = NOT_FIELDS.iter().map(|&word| word.to_owned()).collect();
    let schema = run(&["schema", "--describe"]);
    properties(&schema, &mut known);
    schema["$defs"].as_object().unwrap().values().for_each(|part| properties(part, &mut known));

    let mut files = 0;
    for entry in fs::read_dir(admin_ui("page")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|end| end == "js" || end == "jsx") {
            let found: Vec<String> = words(&fs::read_to_string(&file).unwrap())
                .filter(|word| names.contains(word) && !known.contains(word))
                .collect();
            assert!(found.is_empty(), "{}: {found:?}", file.display());
            files += 1;
        }
    }
    assert!(files >= 5, "the page's source has moved");
}

/// The names of a schema's properties, and of those in lists and maps below it.
fn properties(schema: &Value, names: &mut BTreeSet<String>) {
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        names.insert(name.clone());
        properties(field, names);
    }
    for inner in ["items", "additionalProperties"].map(|word| &schema[word]).into_iter().filter(|one| one.is_object()) {
        properties(inner, names);
    }
}

/// The words of a source file without its comments, dashes included: ids have them.
fn words(source: &str) -> impl Iterator<Item = String> {
    let code = source.lines().map(str::trim_start).filter(|line| !line.starts_with("//") && !line.starts_with("/**"));
    let code = code.collect::<Vec<_>>().join("\n");
    let words = code.split(|char: char| !char.is_ascii_alphanumeric() && char != '-');
    words.map(str::to_owned).collect::<Vec<_>>().into_iter()
}
