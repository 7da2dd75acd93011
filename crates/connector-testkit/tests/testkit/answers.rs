//! Answers as data: what a row may say, and what is found when it says something else than the connector does.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use connector_testkit::{
    Answer,
    answers::{Given, answer_cases},
    conformance::{Subject, answers as check},
};
use serde_json::{Value, json};

use crate::toy;

/// The toy's rows with the one of this case changed.
fn with(case: &str, change: impl FnOnce(&mut Value)) -> Subject {
    let subject = toy::subject::<{ toy::NONE }>();
    let mut rows: Vec<Value> = serde_json::from_str(subject.answers).unwrap();
    change(rows.iter_mut().find(|row| row["case"] == case).unwrap());
    Subject { answers: Value::from(rows).to_string().leak(), ..subject }
}

fn expecting(case: &str, field: &str, value: Value) -> Subject {
    with(case, |row| row["becomes"][field] = value)
}

fn row(answer: Value) -> String {
    let becomes = json!({ "kind": "Rejected", "delivery": "not_sent" });
    json!([{ "case": "A", "source": "here", "answer": answer, "becomes": becomes }]).to_string()
}

macro_rules! finds {
    ($($name:ident: $check:ident, $subject:expr, $says:literal;)+) => {
        $(#[tokio::test]
        #[should_panic(expected = $says)]
        async fn $name() {
            check::$check(&$subject).await;
        })+
    };
}

finds! {
    finds_another_kind: every_answer_becomes_what_it_means,
        expecting("The server fails", "kind", json!("Rejected")), "\"Unavailable\"";
    finds_another_delivery: every_answer_becomes_what_it_means,
        expecting("The server fails", "delivery", json!("unknown")), "\"not_sent\"";
    finds_a_wait_that_is_not_said: every_answer_becomes_what_it_means,
        expecting("Too many requests", "retryAfterSeconds", json!(7)), "to wait";
    finds_another_code: every_answer_becomes_what_it_means,
        expecting("The server fails", "code", json!("E1")), "the provider's code";
    finds_another_id: every_answer_becomes_what_it_means,
        expecting("The server fails", "requestId", json!("r-1")), "the id of the request";
    finds_words_that_are_missing: every_answer_becomes_what_it_means,
        expecting("The server fails", "says", json!("alas")), "oops";
    finds_a_hint_that_is_missing: every_answer_becomes_what_it_means,
        expecting("The server fails", "hint", json!("wait")), "the hint";
    finds_a_failure_that_should_be_an_acceptance: every_answer_becomes_what_it_means,
        with("The server fails", |row| row["becomes"] = json!({ "sent": true })), "The server fails: Err";
    finds_an_acceptance_that_should_be_a_failure: every_answer_becomes_what_it_means,
        with("The server fails", |row| row["answer"] = json!({ "status": 200, "json": { "accepted": true } })), "The server fails: Ok";
    finds_another_message_id: every_answer_becomes_what_it_means,
        expecting("Accepted", "messageId", json!("m-{{any}}")), "the message id is None";
    finds_content_in_an_answer_that_is_quoted: every_answer_becomes_what_it_means,
        Subject { factory: toy::subject::<{ toy::QUOTES_THE_PROVIDER }>().factory,
                  ..expecting("The request is malformed", "says", json!("may not read")) }, "shows in";
    finds_a_row_without_a_source: each_has_a_source_and_no_sort_is_missing,
        with("Accepted", |row| row["source"] = json!(" ")), "it has no source";
    finds_two_rows_of_one_name: each_has_a_source_and_no_sort_is_missing,
        with("Accepted", |row| row["case"] = json!("The server fails")), "several of this name";
    finds_a_name_with_a_full_stop: each_has_a_source_and_no_sort_is_missing,
        with("Accepted", |row| row["case"] = json!("Accepted.")), "no name for a row";
    finds_that_no_quota_is_told: each_has_a_source_and_no_sort_is_missing,
        expecting("The plan is not paid", "kind", json!("Rejected")), "no quota";
    finds_that_no_burst_is_told: each_has_a_source_and_no_sort_is_missing,
        expecting("Too many requests", "kind", json!("Rejected")), "no burst";
    finds_that_no_acceptance_is_told: each_has_a_source_and_no_sort_is_missing,
        with("Accepted", |row| row["becomes"] = json!({ "kind": "Rejected", "delivery": "not_sent" })),
        "no acceptance";
    finds_too_few_rows: each_has_a_source_and_no_sort_is_missing,
        Subject { answers: "[]", ..toy::subject::<{ toy::NONE }>() }, "0 rows";
    refuses_a_field_nobody_reads: every_answer_becomes_what_it_means,
        expecting("The server fails", "retryAfter", json!(7)), "unknown field `retryAfter`";
    refuses_a_field_of_a_failure_in_an_acceptance: every_answer_becomes_what_it_means,
        expecting("Accepted", "hint", json!("x")), "a messageId at most";
    refuses_a_row_that_becomes_nothing: every_answer_becomes_what_it_means,
        with("Accepted", |row| row["becomes"] = json!({ "kind": "Rejected" })), "a kind and a delivery";
    refuses_a_reply_where_http_is_spoken: every_answer_becomes_what_it_means,
        with("Accepted", |row| row["answer"] = json!({ "step": "END", "reply": "250 Ok" })), "another protocol";
    refuses_a_field_of_an_answer_that_nobody_reads: every_answer_becomes_what_it_means,
        with("Accepted", |row| row["answer"]["stauts"] = json!(200)), "unknown field `stauts`";
}

#[test]
fn an_answer_is_to_the_message_or_to_the_request_for_a_token_or_a_reply() {
    let given = |answer| answer_cases(&row(answer))[0].given(SystemTime::now());
    let unavailable = Answer::status(503).header("retry-after", "3");
    let written = json!({ "status": 503, "headers": { "retry-after": "3" } });
    assert_eq!(given(written.clone()), Given::ToMessage(unavailable.clone()));
    let mut to_token = written;
    to_token["to"] = json!("token");
    assert_eq!(given(to_token), Given::ToToken(unavailable));
    let reply = Given::Reply { step: "RCPT".to_owned(), reply: "550 no".to_owned() };
    assert_eq!(given(json!({ "step": "RCPT", "reply": "550 no" })), reply);
}

#[test]
fn times_are_counted_from_the_moment_of_the_answer() {
    let now = UNIX_EPOCH + Duration::from_secs(784_111_777);
    let rows = row(json!({
        "headers": { "retry-after": "{{date+90}} GMT" },
        "json": { "message": ["after {{date-60}} UTC, that is {{unix-60}}"] },
    }));
    let case = &answer_cases(&rows)[0];
    assert!(case.is_timed());
    let message = json!({ "message": ["after Sun, 06 Nov 1994 08:48:37 UTC, that is 784111717"] });
    let answer = Answer::status(200).header("retry-after", "Sun, 06 Nov 1994 08:51:07 GMT").json(message);
    assert_eq!(case.given(now), Given::ToMessage(answer));
}

#[test]
#[should_panic(expected = "no such placeholder")]
fn a_placeholder_that_nobody_fills_in_is_a_mistake() {
    let _ = answer_cases(&row(json!({ "body": "{{later}}" })))[0].given(SystemTime::now());
}
