//! Compares a connector that speaks HTTP with Logto's, recording by recording. The connector's test declares what is
//! meant to differ; [`reference!`](crate::reference) makes the tests of it.
//!
//! ```ignore
//! fn reference() -> Reference {
//!     Reference {
//!         headers: &["authorization", "content-type"],
//!         usual: &[Difference::Json(text_alternative_added)],
//!         differences: &[("sendgrid/to-display-name-unicode", &[Difference::Json(recipient_parsed)])],
//!         compared: 27,
//!         ..Reference::new(Replay::new(&CONNECTOR, accepted()), Expectations { /* and so on */ })
//!     }
//! }
//!
//! connector_testkit::reference!(reference);
//! ```

use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded;

use super::{Expectations, Expected, Replay, Replayed};
use crate::{Recording, RequestRecord};

/// What makes one of Logto's requests one of ours.
#[derive(Clone, Copy)]
pub enum Difference {
    /// In a body of JSON.
    Json(fn(&mut Value)),
    /// In a form.
    Form(fn(&mut Form)),
    /// Anywhere.
    Request(fn(&mut RequestRecord)),
}

/// A form's decoded pairs in order.
pub type Form = Vec<(String, String)>;

/// A connector beside Logto's.
pub struct Reference {
    /// How its recordings are replayed.
    pub replay: Replay,
    /// What is to become of them.
    pub expectations: Expectations,
    /// The headers that are compared.
    pub headers: &'static [&'static str],
    /// The differences of a recording for which `differences` names none, in the order in which they are made.
    pub usual: &'static [Difference],
    /// The differences of a recording, by id, in the order in which they are made.
    pub differences: &'static [(&'static str, &'static [Difference])],
    /// Takes from a request of the recording, ours and Logto's, what clock and chance have made of it.
    pub without_chance: fn(&Recording, &mut RequestRecord),
    /// The recordings whose request is made twice, because the first was refused.
    pub asked_twice: &'static [&'static str],
    /// Whether the provider gives the message an id.
    pub gives_ids: bool,
    /// How many recordings have a request to compare.
    pub compared: usize,
}

impl Reference {
    /// A connector of which nothing is meant to differ.
    #[must_use]
    pub fn new(replay: Replay, expectations: Expectations) -> Self {
        Self {
            replay,
            expectations,
            headers: &[],
            usual: &[],
            differences: &[],
            without_chance: |_, _| {},
            asked_twice: &[],
            gives_ids: true,
            compared: 0,
        }
    }

    /// Logto's first request of a recording, with the differences that are meant. Any further one followed a redirect or
    /// tried again.
    fn expected_request(&self, recording: &Recording) -> Option<RequestRecord> {
        let mut request = recording.recorded.requests.first()?.clone();
        let own = self.differences.iter().find(|(id, _)| *id == recording.id());
        for difference in own.map_or(self.usual, |(_, own)| own) {
            difference.make(&mut request, recording.id());
        }
        (self.without_chance)(recording, &mut request);
        Some(request)
    }

    async fn run(&self, recording: &Recording) -> Replayed {
        self.replay.run(recording).await
    }
}

impl Difference {
    fn make(self, request: &mut RequestRecord, id: &str) {
        if let Self::Request(difference) = self {
            return difference(request);
        }
        let body = request.body.as_mut().unwrap_or_else(|| panic!("{id}: the recorded request has no body"));
        match (self, &mut body.json, &mut body.form) {
            (Self::Json(difference), Some(json), _) => difference(json),
            (Self::Form(difference), _, Some(form)) => {
                difference(form);
                body.raw = Some(encoded(form));
            }
            _ => panic!("{id}: the recorded body is of another kind: {body:?}"),
        }
    }
}

/// A form as it is on the wire.
#[must_use]
pub fn encoded(form: &Form) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// What nobody sees of a mail's HTML: the recordings' templates have tags without attributes, and nothing else.
#[must_use]
pub fn without_tags(html: &str) -> String {
    let mut parts = html.split('<');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_name = |name: &str| name.trim_start_matches('/').starts_with(|first: char| first.is_ascii_alphabetic());
        match part.split_once('>') {
            Some((name, rest)) if is_name(name) => text.push_str(rest),
            _ => text.extend(["<", part]),
        }
    }
    text
}

/// Whatever the declaration names is a recording.
pub async fn what_is_named_is_recorded(reference: &Reference) {
    let differences = reference.differences.iter().map(|(id, _)| *id);
    let named: Vec<&str> = differences.chain(reference.asked_twice.iter().copied()).collect();
    reference.expectations.assert_names(&named);
}

/// The provider is asked the same, and not at all where the caller is at fault.
pub async fn requests_are_logtos_apart_from_the_differences_named(reference: &Reference) {
    let mut compared = 0;
    for recording in &reference.expectations.recordings {
        let id = recording.id();
        let replayed = reference.run(recording).await;
        if !reference.expectations.reaches_the_provider(id) {
            assert_eq!((replayed.requests.len(), replayed.connections), (0, 0), "{id}");
            continue;
        }
        let Some(expected) = reference.expected_request(recording) else {
            // The network is at fault, or Logto's connector is.
            let sent = reference.expectations.of(id) == Expected::Sent;
            assert_eq!(replayed.requests.len(), usize::from(sent), "{id}");
            continue;
        };
        let times = if reference.asked_twice.contains(&id) { 2 } else { 1 };
        assert_eq!(replayed.requests.len(), times, "{id}: {:#?}", replayed.requests);
        for request in &replayed.requests {
            let mut sent = RequestRecord::of(request, reference.headers);
            (reference.without_chance)(recording, &mut sent);
            assert_eq!(sent, expected, "{id}");
        }
        compared += 1;
    }
    assert_eq!(compared, reference.compared, "requests compared");
}

/// What Logto's connector sends is sent, and every failure has its kind.
pub async fn outcomes_are_logtos_or_better(reference: &Reference) {
    for recording in &reference.expectations.recordings {
        let id = recording.id();
        let replayed = reference.run(recording).await;
        reference.expectations.assert_outcome(id, &replayed.outcome);
        if let Ok(receipt) = replayed.outcome {
            assert_eq!(receipt.message_id.is_some(), reference.gives_ids, "{id}: {:?}", receipt.message_id);
        }
    }
    reference.expectations.assert_agrees_on_what_is_sent();
}

/// `Retry-After`, which Logto's connectors do not read.
pub async fn a_wait_that_logto_ignores_reaches_the_caller(reference: &Reference) {
    let answered = |one: &&Recording| reference.expectations.reaches_the_provider(one.id());
    for recording in reference.expectations.recordings.iter().filter(answered) {
        let answer = recording.given.answers.as_ref().and_then(|answers| answers.first());
        let wait = answer.and_then(|answer| {
            let (_, value) = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))?;
            value.parse().ok().map(Duration::from_secs)
        });
        if let Some(wait) = wait
            && let Err(error) = reference.run(recording).await.outcome
        {
            assert_eq!(error.retry_after(), Some(wait), "{}: {error}", recording.id());
        }
    }
}

/// Whoever stores a configuration learns every fault of it.
pub async fn configurations_are_judged_as_logto_judges_them(reference: &Reference) {
    reference.expectations.assert_configurations(reference.replay.factory);
}

/// Makes a test of every check of [`replay::reference`](crate::replay::reference), for the
/// [`Reference`](crate::replay::reference::Reference) that the function `$reference` makes.
#[macro_export]
macro_rules! reference {
    ($reference:ident) => {
        $crate::reference_tests! { $reference:
            what_is_named_is_recorded,
            requests_are_logtos_apart_from_the_differences_named,
            outcomes_are_logtos_or_better,
            a_wait_that_logto_ignores_reaches_the_caller,
            configurations_are_judged_as_logto_judges_them
        }
    };
}

/// What [`reference!`](crate::reference!) expands to.
#[doc(hidden)]
#[macro_export]
macro_rules! reference_tests {
    ($reference:ident: $($check:ident),+) => {
        $(#[tokio::test]
        async fn $check() {
            $crate::replay::reference::$check(&$reference()).await;
        })+
    };
}
