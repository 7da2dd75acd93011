//! The comparison with Logto's connectors passes what is declared, and finds what is not.

use connector_kit::{Delivery, ErrorKind};
use connector_testkit::{
    Answer, Recording, RequestRecord, recordings,
    replay::{
        Expectations,
        Expected::{Failed, Refused},
        Replay,
        reference::{self as check, Difference, Reference, without_tags},
    },
};
use serde_json::json;

use crate::toy;

const SENT: &str = "toy/sent";
const LATER: &str = "toy/later";
const REFUSED: &str = "toy/refused";

/// Recordings as Logto's toy would have made them: one that is sent, one that is to come back, and one whose
/// configuration is refused.
async fn recorded() -> Vec<Recording> {
    let mut sent = recordings("sendgrid").into_iter().find(|one| one.id() == "sendgrid/type-SignIn").unwrap();
    sent.given.id = SENT.to_owned();
    sent.given.config = toy::subject::<{ toy::NONE }>().config;
    sent.recorded.connections[0].host = "api.toy.example".to_owned();
    sent.recorded.requests = vec![replay().run(&sent).await.only_request(&["authorization"])];
    let mut later = sent.clone();
    later.given.id = LATER.to_owned();
    later.given.answers = Some(vec![Answer::status(503).header("retry-after", "7")]);
    later.recorded.outcome = serde_json::from_value(json!({ "error": { "code": "general" } })).unwrap();
    let mut refused = later.clone();
    refused.given.id = REFUSED.to_owned();
    refused.given.config["fromEmail"] = json!("nobody");
    refused.recorded.config_guard = json!(["Invalid email"]);
    refused.recorded.requests.clear();
    vec![sent, later, refused]
}

fn replay() -> Replay {
    Replay::new(toy::subject::<{ toy::NONE }>().factory, toy::accepted())
}

async fn reference() -> Reference {
    let expectations = Expectations {
        recordings: recorded().await,
        not_sent: &[(LATER, Failed(ErrorKind::Unavailable, Delivery::NotSent)), (REFUSED, Refused(&["/fromEmail"]))],
        ..Expectations::default()
    };
    Reference { headers: &["authorization"], gives_ids: false, compared: 2, ..Reference::new(replay(), expectations) }
}

/// What is declared is so.
mod right {
    use connector_testkit::replay::reference::{self as check, Reference};

    macro_rules! passes {
        ($($check:ident),+) => {
            $(#[tokio::test]
            async fn $check() {
                let reference: Reference = super::reference().await;
                check::$check(&reference).await;
            })+
        };
    }

    passes!(
        what_is_named_is_recorded,
        requests_are_logtos_apart_from_the_differences_named,
        outcomes_are_logtos_or_better,
        a_wait_that_logto_ignores_reaches_the_caller,
        configurations_are_judged_as_logto_judges_them
    );
}

macro_rules! finds {
    ($($name:ident: $check:ident, $change:expr, $says:literal;)+) => {
        $(#[tokio::test]
        #[should_panic(expected = $says)]
        async fn $name() {
            let mut reference = reference().await;
            let change: fn(&mut Reference) = $change;
            change(&mut reference);
            check::$check(&reference).await;
        })+
    };
}

fn other_path(request: &mut RequestRecord) {
    request.path = "/elsewhere".to_owned();
}

finds! {
    finds_a_difference_that_is_not_declared: requests_are_logtos_apart_from_the_differences_named,
        |one| other_path(&mut one.expectations.recordings[0].recorded.requests[0]), "/elsewhere";
    finds_a_difference_that_is_none: requests_are_logtos_apart_from_the_differences_named,
        |one| one.usual = &[Difference::Request(other_path)], "/elsewhere";
    finds_that_a_recording_is_left_out: requests_are_logtos_apart_from_the_differences_named,
        |one| drop(one.expectations.recordings.remove(1)), "requests compared";
    finds_that_a_request_is_made_once: requests_are_logtos_apart_from_the_differences_named,
        |one| one.asked_twice = &[SENT], "toy/sent";
    finds_another_outcome: outcomes_are_logtos_or_better,
        |one| one.expectations.not_sent = &[(REFUSED, Refused(&["/fromEmail"]))], "toy/later";
    finds_an_outcome_on_which_nobody_agrees: outcomes_are_logtos_or_better,
        |one| one.expectations.sent_by_logto_alone = &[SENT], "sent by Logto alone";
    finds_a_wait_that_is_lost: a_wait_that_logto_ignores_reaches_the_caller,
        |one| one.replay = replay().answering_aside(|_| Some(Answer::status(503))), "toy/later";
    finds_an_id_that_nobody_gives: outcomes_are_logtos_or_better,
        |one| one.gives_ids = true, "toy/sent: None";
    finds_another_pointer: configurations_are_judged_as_logto_judges_them,
        |one| one.expectations.not_sent = &[(REFUSED, Refused(&["/fromEmail", "/apiKey"]))], "toy/refused";
    finds_a_configuration_that_one_alone_refuses: configurations_are_judged_as_logto_judges_them,
        |one| one.expectations.recordings[2].recorded.config_guard = json!("valid"), "refused by us alone";
    finds_a_configuration_that_one_alone_accepts: configurations_are_judged_as_logto_judges_them,
        |one| one.expectations.recordings[0].recorded.config_guard = json!([]), "accepted by us alone";
    finds_a_name_that_no_recording_has: what_is_named_is_recorded,
        |one| one.differences = &[("toy/nothing", &[])], "no recordings: [\"toy/nothing\"]";
    finds_a_name_that_stands_twice: what_is_named_is_recorded,
        |one| one.asked_twice = &[SENT, SENT], "toy/sent is named twice";
}

#[test]
fn tags_are_what_nobody_sees() {
    assert_eq!(without_tags("<p>a <b>b</b></p>"), "a b");
    assert_eq!(without_tags("1 < 2 <=> 3</i>"), "1 < 2 <=> 3");
}
