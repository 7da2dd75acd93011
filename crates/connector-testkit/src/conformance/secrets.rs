//! Secrets at rest and in an editor's hands: found by the schema, masked, kept, and asked for again where they would go
//! elsewhere.

use std::collections::BTreeSet;

use connector_kit::{FORM, Secret};
use serde_json::{Value, json};

use super::{Subject, subject::set};

/// What is to be encrypted and masked is known from the schema alone.
pub async fn the_schema_tells_every_secret(subject: &Subject) {
    let found = subject.factory.secret_pointers(&subject.config);
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(found, subject.secrets.iter().copied().collect());
}

/// A masked configuration can be shown to anybody, and is never taken for a real one.
pub async fn a_masked_configuration_shows_none(subject: &Subject) {
    let masked = subject.factory.masked(&subject.config);
    let shown = masked.to_string();
    for (at, secret) in subject.secret_values().iter().enumerate() {
        assert!(!shown.contains(secret), "secret number {at} shows in the masked configuration");
    }
    let report = subject.judge(&masked, &[], "the masked configuration");
    for pointer in subject.secrets {
        assert_eq!(masked.pointer(pointer), Some(&json!(Secret::MASK)), "{pointer}");
        let told: Vec<_> = report.problems.iter().filter(|problem| problem.pointer == *pointer).collect();
        assert!(told.len() == 1 && told[0].message.contains("masked"), "{pointer}: {told:?}");
    }
}

/// Whoever edits what was shown masked need not know the secrets; nobody gets them by guessing that there are any.
pub async fn masked_ones_are_kept_from_what_is_stored(subject: &Subject) {
    let (factory, config) = (subject.factory, &subject.config);
    let kept =
        factory.with_kept_secrets(factory.masked(config), Some(config)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(&kept, config);

    let refused = factory.with_kept_secrets(factory.masked(config), None).expect_err("nothing is stored");
    let pointers: BTreeSet<&str> = refused.problems().iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, subject.secrets.iter().copied().collect());
}

/// A field that decides where secrets go cannot be changed without them: otherwise whoever may edit a configuration
/// could have its secrets sent to a host of their own.
pub async fn another_destination_needs_them_again(subject: &Subject) {
    let (factory, config) = (subject.factory, &subject.config);
    for destination in factory.destination_pointers() {
        let mut elsewhere = config.clone();
        set(&mut elsewhere, &destination, json!("elsewhere.example"));
        assert_eq!(factory.same_destination(config, &elsewhere), Err(vec![destination.clone()]));
        let refused = factory.with_kept_secrets(factory.masked(&elsewhere), Some(config)).expect_err(&destination);
        let named = format!("`{}` changed", destination[1..].replace('/', "."));
        for pointer in subject.secrets {
            let problem = refused.problems().iter().find(|problem| problem.pointer == *pointer);
            let problem = problem.unwrap_or_else(|| panic!("{pointer} is sent to another {destination}"));
            assert!(problem.message.contains(&named), "{problem}");
        }
        let given = factory.with_kept_secrets(elsewhere.clone(), Some(config));
        assert_eq!(given.unwrap_or_else(|error| panic!("{error}")), elsewhere, "the secrets were given again");
    }
}

/// No field that names a host or a URL is overlooked, nor a mark where it has no effect.
pub async fn every_host_and_url_is_a_destination(subject: &Subject) {
    let destinations = subject.factory.destination_pointers();
    let exempt: Vec<&str> = subject.no_destinations.iter().map(|(pointer, _)| *pointer).collect();
    let mut fields = Vec::new();
    collect(subject.factory.config_schema(), "", &mut fields);
    let mut unused: BTreeSet<&str> = exempt.iter().copied().collect();
    for (pointer, field) in &fields {
        let marked = field[FORM]["destination"] == true;
        assert_eq!(marked, destinations.contains(pointer), "{pointer}: a mark counts outside lists and maps alone");
        let is_exempt = unused.remove(pointer.as_str());
        assert!(!(marked && is_exempt), "{pointer} is marked and exempt");
        if field["format"] == "http-url" || field["format"] == "host" {
            assert!(marked || is_exempt, "{pointer} names a host: mark it as a destination, or say why it is none");
        }
    }
    assert!(unused.is_empty(), "exempt, and no field: {unused:?}");
    for (pointer, why) in subject.no_destinations {
        assert!(!why.trim().is_empty(), "{pointer} is exempt without a reason");
    }
}

/// Every schema within `schema`, by the pointer of what it describes; `*` stands for any index or name.
fn collect<'s>(schema: &'s Value, pointer: &str, found: &mut Vec<(String, &'s Value)>) {
    let mut inside: Vec<(String, &Value)> = Vec::new();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        inside.push((format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1")), field));
    }
    for word in ["items", "additionalProperties"] {
        if schema[word].is_object() {
            inside.push((format!("{pointer}/*"), &schema[word]));
        }
    }
    for (pointer, field) in inside {
        found.push((pointer.clone(), field));
        collect(field, &pointer, found);
    }
    for word in ["oneOf", "anyOf", "allOf"] {
        schema[word].as_array().into_iter().flatten().for_each(|variant| collect(variant, pointer, found));
    }
}
