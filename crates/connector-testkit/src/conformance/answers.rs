//! The provider's answers, one by one: the rows of the connector's `tests/answers.json`, see [`crate::answers`].

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use connector_kit::{Context, Error, SendContext};

use super::{
    Behaviour, Peer, Subject,
    redaction::assert_clean,
    redaction::shown,
    sample::{config, message},
};
use crate::answers::{AnswerCase, Becomes, Failure, Given, answer_cases};

/// So many answers a provider's documentation and logs always yield.
const AT_LEAST: usize = 15;

/// A host acts on the kind, a person on the words and the hint.
pub async fn every_answer_becomes_what_it_means(subject: &Subject) {
    let peer = Peer::start(subject, Behaviour::Accepts).await;
    // The client's connections are kept from row to row; the connector, which may keep an access token, is not.
    let context = Context::new(peer.egress()).unwrap();
    for row in answer_cases(subject.answers) {
        let given = row.given(SystemTime::now());
        peer.answer_with(&given);
        let connector = subject.factory.build(&config(subject), &context).unwrap();
        let (before, started) = (peer.arrived().len(), Instant::now());
        let outcome = connector.send(&message("SignIn"), &SendContext::new()).await;
        assert_arrivals(&row, &given, peer.arrived().len() - before);
        match (&row.becomes, outcome) {
            (Becomes::Sent { message_id: expected }, Ok(receipt)) => {
                let found = receipt.message_id.as_deref();
                assert!(is_like(found, expected.as_deref()), "{}: the message id is {found:?}", row.case);
                assert_eq!(receipt.attempts, 1, "{}", row.case);
            }
            (Becomes::Failed(expected), Err(error)) => {
                assert_fails(subject, &row, &given, expected, &error, started.elapsed());
            }
            (_, outcome) => panic!("{}: {outcome:?}", row.case),
        }
    }
}

/// A set with a gap says nothing of what is missing.
pub async fn each_has_a_source_and_no_sort_is_missing(subject: &Subject) {
    let rows = answer_cases(subject.answers);
    assert!(rows.len() >= AT_LEAST, "{} rows are too few", rows.len());
    let mut cases = BTreeSet::new();
    for AnswerCase { case, source, .. } in &rows {
        assert!(cases.insert(case), "{case}: there are several of this name");
        assert!(case.starts_with(char::is_uppercase) && !case.ends_with('.'), "{case:?} is no name for a row");
        assert!(!source.trim().is_empty(), "{case}: it has no source");
    }
    let failures = || {
        rows.iter().filter_map(|row| match &row.becomes {
            Becomes::Failed(failure) => Some(failure),
            Becomes::Sent { .. } => None,
        })
    };
    let is = |failure: &Failure, kind: &str| failure.kind == kind && failure.delivery == "not_sent";
    let burst = |one: &Failure| is(one, "RateLimited") || is(one, "Unavailable") && one.retry_after.is_some();
    assert!(failures().any(burst), "no burst");
    assert!(failures().any(|one| is(one, "QuotaExceeded")), "no quota");
    assert!(failures().any(|one| is(one, "Unavailable")), "no temporary refusal");
    assert!(failures().any(|one| is(one, "Rejected")), "no final refusal");
    assert!(rows.iter().any(|row| matches!(row.becomes, Becomes::Sent { .. })), "no acceptance");
}

/// One send is one message, whatever is answered.
fn assert_arrivals(row: &AnswerCase, given: &Given, arrived: usize) {
    match given {
        Given::ToToken(_) => assert_eq!(arrived, 0, "{}: the message went out", row.case),
        // It may be the token's fault: with another one the same message is no second one.
        Given::ToMessage(answer) if answer.status == 401 => assert!((1..=2).contains(&arrived), "{}", row.case),
        Given::ToMessage(_) => assert_eq!(arrived, 1, "{}: it was tried again", row.case),
        Given::Reply { step, .. } => {
            assert_eq!(arrived, usize::from(step == "END"), "{}: messages at {step}", row.case);
        }
    }
}

/// Whether the message id is the expected one, in which `{{any}}` is something.
fn is_like(found: Option<&str>, expected: Option<&str>) -> bool {
    let (Some(found), Some(expected)) = (found, expected) else { return found == expected };
    let Some((start, end)) = expected.split_once("{{any}}") else { return found == expected };
    found.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).is_some_and(|any| !any.is_empty())
}

fn assert_fails(subject: &Subject, row: &AnswerCase, given: &Given, wanted: &Failure, error: &Error, took: Duration) {
    let what = format!("{} ({})", row.case, row.source);
    let outcome = (error.kind().name(), error.delivery().as_str());
    assert_eq!(outcome, (wanted.kind.as_str(), wanted.delivery.as_str()), "{what}: {error}");
    match (wanted.retry_after, error.retry_after()) {
        // The clock goes on while the answer is on its way, and dates are in whole seconds.
        (Some(wanted), Some(found)) if row.is_timed() => {
            let earliest = wanted.saturating_sub(took + Duration::from_secs(2));
            assert!((earliest..=wanted).contains(&found), "{what}: to wait {found:?}");
        }
        (wanted, found) => assert_eq!(found, wanted, "{what}: to wait"),
    }
    let (status, is_page) = match given {
        Given::ToMessage(answer) | Given::ToToken(answer) => {
            let is_html = |(name, value): &(String, String)| {
                name.eq_ignore_ascii_case("content-type") && value.starts_with("text/html")
            };
            (Some(answer.status), answer.headers.iter().any(is_html))
        }
        Given::Reply { reply, .. } => (reply.get(..3).and_then(|code| code.parse().ok()), false),
    };
    let provider = error.provider().cloned().unwrap_or_default();
    assert_eq!(provider.status, status, "{what}: {provider:?}");
    assert_eq!(provider.code, wanted.code, "{what}: the provider's code");
    assert_eq!(provider.request_id, wanted.request_id, "{what}: the id of the request");
    assert!(error.to_string().contains(&wanted.says), "{what}: {error}");
    match (&wanted.hint, error.hint()) {
        (Some(part), Some(hint)) => assert!(hint.contains(part.as_str()), "{what}: the hint is {hint:?}"),
        (wanted, found) => assert_eq!(found, wanted.as_deref(), "{what}: the hint"),
    }
    let shown = shown(error);
    assert_clean(subject, &shown, &what);
    assert!(!is_page || !shown.contains('<'), "{what}: a page shows in {shown}");
}
