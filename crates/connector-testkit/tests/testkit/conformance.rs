//! The suite passes what is right, and finds what is wrong.

use connector_testkit::conformance::{self, Subject};

use crate::toy;

/// A connector as it should be passes everything.
mod right {
    use connector_testkit::conformance::Subject;

    use crate::toy;

    fn subject() -> Subject {
        toy::subject::<{ toy::NONE }>()
    }

    connector_testkit::conformance!(subject);
}

#[tokio::test]
#[should_panic(expected = "Receipt")]
async fn finds_a_recipient_that_is_passed_on_unread() {
    let subject = toy::subject::<{ toy::PASTES_THE_RECIPIENT }>();
    conformance::recipients::a_bad_recipient_fails_before_any_connection(&subject).await;
}

#[tokio::test]
#[should_panic(expected = "a refusal:")]
async fn finds_content_in_an_error() {
    let subject = toy::subject::<{ toy::QUOTES_THE_PROVIDER }>();
    conformance::redaction::a_refusal_shows_nothing_that_was_sent(&subject).await;
}

#[tokio::test]
#[should_panic(expected = "<b>")]
async fn finds_values_that_are_not_escaped() {
    let subject = toy::subject::<{ toy::ESCAPES_NOTHING }>();
    conformance::templates::values_are_escaped_in_html_and_nowhere_else(&subject).await;
}

#[tokio::test]
#[should_panic(expected = "NotSent")]
async fn finds_an_unknown_outcome_that_counts_as_not_sent() {
    let subject = toy::subject::<{ toy::KNOWS_NO_UNKNOWN }>();
    conformance::faults::strike(&subject, "reset_after_the_message").await;
}

#[tokio::test]
#[should_panic(expected = "messages with the provider")]
async fn finds_a_message_sent_again_after_an_unknown_outcome() {
    let subject = toy::subject::<{ toy::REPEATS_THE_UNKNOWN }>();
    conformance::faults::strike(&subject, "reset_after_the_message").await;
}

#[tokio::test]
#[should_panic(expected = "no fault of this protocol is called greeting_stalled")]
async fn finds_an_exception_of_another_protocol() {
    let faults = r#"{ "protocol": "http", "exceptions": { "greeting_stalled": { "expect": { "outcome": "sent" }, "why": "x" } } }"#;
    let subject = Subject { faults, ..toy::subject::<{ toy::NONE }>() };
    conformance::faults::strike(&subject, "html").await;
}

#[tokio::test]
#[should_panic(expected = "gzip: the exception is the rule")]
async fn finds_an_exception_that_is_none() {
    let faults = r#"{ "protocol": "http", "exceptions": { "gzip": { "expect": { "outcome": "unknown", "kind": "InvalidResponse" }, "why": "x" } } }"#;
    let subject = Subject { faults, ..toy::subject::<{ toy::NONE }>() };
    conformance::faults::strike(&subject, "html").await;
}

#[tokio::test]
#[should_panic(expected = "50 connections")]
async fn finds_a_connection_for_every_message() {
    let subject = toy::subject::<{ toy::CONNECTS_EVERY_TIME }>();
    conformance::reuse::fifty_sends_share_a_connection(&subject).await;
}

#[tokio::test]
#[should_panic(expected = "secret number 0")]
async fn finds_a_secret_in_the_log() {
    let subject = toy::subject::<{ toy::LOGS_THE_KEY }>();
    conformance::redaction::nothing_that_was_sent_is_logged(&subject).await;
}

#[tokio::test]
#[should_panic(expected = "no Reply-To arrived")]
async fn finds_what_is_dropped_without_a_word() {
    let subject = toy::subject::<{ toy::DROPS_REPLY_TO }>();
    conformance::templates::replies_go_where_the_template_says(&subject).await;
}

/// A check that the macro does not name is never run.
#[test]
fn every_check_is_named_in_the_macro() {
    let list = include_str!("../../src/conformance/mod.rs");
    let (_, list) = list.split_once("$crate::conformance_tests! { $subject;").unwrap();
    let (list, _) = list.split_once("\n        }\n").unwrap();
    macro_rules! checks {
        ($($module:literal),+) => {
            [$(($module, include_str!(concat!("../../src/conformance/", $module, ".rs")))),+]
        };
    }
    let files = checks!(
        "answers",
        "codes",
        "config",
        "form",
        "metadata",
        "outcomes",
        "recipients",
        "redaction",
        "reuse",
        "schema",
        "seams",
        "templates"
    );
    for (module, source) in files {
        let (_, named) = list.split_once(&format!(" {module}:")).unwrap_or_else(|| panic!("{module} is not named"));
        let named: Vec<&str> = named.split(';').next().unwrap().split(',').map(str::trim).collect();
        let written: Vec<&str> =
            source.split("\npub async fn ").skip(1).map(|rest| rest.split('(').next().unwrap()).collect();
        assert_eq!(named, written, "{module}");
    }
}

/// A fault that the macro does not name never strikes.
#[test]
fn every_fault_is_named_in_the_macro() {
    let source = include_str!("../../src/conformance/faults/mod.rs");
    let listed = |arm: &str| -> Vec<&str> {
        let (_, list) = source.split_once(arm).and_then(|(_, rest)| rest.split_once("$subject:\n")).unwrap();
        let names = list.split(['}', '$']).next().unwrap().split(',').map(str::trim);
        names.filter(|name| !name.is_empty()).collect()
    };
    for protocol in ["http", "smtp"] {
        let named = [listed("(and those of both,"), listed(&format!("($subject:ident, {protocol}) =>"))].concat();
        assert_eq!(named, conformance::faults::names(protocol), "{protocol}");
    }
}
