//! Replaying a recording: the connector's production hosts lead to the recorder, whatever they are.

use connector_kit::{Delivery, EmailTemplate, ErrorKind, Message};
use connector_testkit::{
    Answer, CONNECTORS, I18n, Network, Recording, recordings,
    replay::{Replay, Replayed},
};
use serde_json::{Value, json};

use crate::toy;

/// A recording for the toy connector, made from one of SendGrid's.
fn recording() -> Recording {
    let mut recording = recordings("sendgrid").into_iter().find(|one| one.id() == "sendgrid/type-SignIn").unwrap();
    recording.given.config = toy::subject::<{ toy::NONE }>().config;
    recording.recorded.connections[0].host = "api.toy.example".to_owned();
    recording
}

async fn replay(recording: &Recording) -> Replayed {
    Replay::new(toy::subject::<{ toy::NONE }>().factory, toy::accepted()).run(recording).await
}

#[tokio::test]
async fn sends_the_message_with_its_template() {
    let mut recording = recording();
    recording.given.i18n = Some(I18n::Template(json!({ "subject": "Local {{code}}", "content": "x" })));
    let replayed = replay(&recording).await;
    assert!(replayed.report.is_valid());
    replayed.outcome.as_ref().unwrap();
    let request = replayed.only_request(&["authorization", "x-absent"]);
    assert_eq!((request.scheme.as_str(), request.host.as_str()), ("https", "api.toy.example"));
    assert_eq!((request.method.as_str(), request.path.as_str()), ("POST", "/send"));
    assert_eq!(Value::Object(request.headers), json!({ "authorization": "toy-key-0123456789" }));
    assert_eq!(request.body.unwrap().json.unwrap()["subject"], "Local 123456");

    recording.given.i18n = Some(I18n::Throws);
    let body = replay(&recording).await.only_request(&[]).body.unwrap().json.unwrap();
    assert_eq!(body["subject"], "s", "a template that could not be looked up is none");
}

#[tokio::test]
async fn the_configuration_passed_along_goes_first() {
    let mut recording = recording();
    recording.given.input_config =
        Some(std::mem::replace(&mut recording.given.config, json!({ "stored": "not used" })));
    assert!(replay(&recording).await.outcome.is_ok());
    recording.given.input_config = None;
    let replayed = replay(&recording).await;
    assert_eq!(replayed.outcome.unwrap_err().kind(), ErrorKind::InvalidConfig);
    assert_eq!((replayed.report.is_valid(), replayed.connections), (false, 0));
}

#[tokio::test]
async fn answers_come_in_turn_and_nothing_is_tried_again() {
    let mut recording = recording();
    recording.given.answers = Some(vec![Answer::status(500), Answer::status(200)]);
    let replayed = replay(&recording).await;
    assert_eq!(replayed.outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(replayed.requests.len(), 1);
}

#[tokio::test]
async fn what_is_answered_aside_is_no_request_of_the_recording() {
    let factory = toy::subject::<{ toy::NONE }>().factory;
    let aside = Replay::new(factory, Answer::status(500)).answering_aside(|_| Some(toy::accepted()));
    let replayed = aside.run(&recording()).await;
    assert!(replayed.outcome.is_ok() && replayed.requests.is_empty());
    assert_eq!(replayed.connections, 1);
}

#[tokio::test]
async fn the_network_can_be_at_fault() {
    let mut recording = recording();
    for (network, connections) in
        [(Network { refuse: true, untrusted: false }, 0), (Network { refuse: false, untrusted: true }, 1)]
    {
        recording.given.network = Some(network);
        let replayed = replay(&recording).await;
        let error = replayed.outcome.unwrap_err();
        assert_eq!((error.kind(), error.delivery()), (ErrorKind::Unavailable, Delivery::NotSent), "{error}");
        assert_eq!((replayed.requests.len(), replayed.connections), (0, connections), "{error}");
    }
}

#[test]
fn every_recordings_message_and_template_can_be_read() {
    for recording in CONNECTORS.iter().flat_map(|connector| recordings(connector)) {
        let id = recording.id();
        serde_json::from_value::<Message>(recording.given.data.clone()).unwrap_or_else(|error| panic!("{id}: {error}"));
        if let Some(template) = recording.given.template() {
            serde_json::from_value::<EmailTemplate>(template.clone()).unwrap_or_else(|error| panic!("{id}: {error}"));
        }
    }
}
